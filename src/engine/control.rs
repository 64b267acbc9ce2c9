//! Stop and pause, read by every long loop at its step boundaries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::error::EngineError;

/// Shared flags of one run. Cheap to clone; all clones see the same flags.
#[derive(Clone, Debug, Default)]
pub struct RunControl {
    flags: Arc<Flags>,
}

#[derive(Debug, Default)]
struct Flags {
    stop: AtomicBool,
    pause: AtomicBool,
    finished: AtomicBool,
}

impl RunControl {
    /// Asks the run to save and end at its next step boundary.
    pub fn stop(&self) {
        self.flags.stop.store(true, Ordering::Relaxed);
    }

    /// Asks the run to wait at its next step boundary.
    pub fn pause(&self) {
        self.flags.pause.store(true, Ordering::Relaxed);
    }

    /// The run says that its last word is about to come and that its thread will only clean up.
    pub fn finish(&self) {
        self.flags.finished.store(true, Ordering::Release);
    }

    /// Whether the run is over, though its thread may still be cleaning up.
    pub fn is_finished(&self) -> bool {
        self.flags.finished.load(Ordering::Acquire)
    }

    /// Lets a waiting run go on.
    pub fn unpause(&self) {
        self.flags.pause.store(false, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.flags.stop.load(Ordering::Relaxed)
    }

    /// Whether a pause was asked for.
    pub fn is_pausing(&self) -> bool {
        self.flags.pause.load(Ordering::Relaxed)
    }

    /// For loops without state worth saving: fails with [`EngineError::Stopped`] once a stop was asked for,
    /// and waits while paused.
    pub fn check(&self) -> Result<(), EngineError> {
        self.wait_while_paused();
        if self.is_stopping() {
            Err(EngineError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Returns when the pause is over or a stop was asked for.
    pub fn wait_while_paused(&self) {
        while self.is_pausing() && !self.is_stopping() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
