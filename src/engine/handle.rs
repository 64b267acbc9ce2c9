//! The client's end of the engine: a bounded queue of commands in, a bounded queue of events out.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::engine::command::EngineCommand;
use crate::engine::event::EventRecord;
use crate::engine::reporter::Outlet;
use crate::engine::supervisor;

/// Commands that may wait for the engine thread.
const COMMANDS: usize = 32;
/// Events that may wait for the client.
const EVENTS: usize = 1024;

/// A running engine. Dropping it stops a run at its next step boundary, saves it and waits for that.
pub struct EngineHandle {
    commands: Sender<EngineCommand>,
    events: Receiver<EventRecord>,
    thread: Option<JoinHandle<()>>,
}

impl EngineHandle {
    /// Starts the engine thread. `wake` is called from it after every event, for example to repaint a window.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn spawn(wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (commands, command_queue) = bounded(COMMANDS);
        let (sender, events) = bounded(EVENTS);
        let outlet = Outlet {
            sender,
            wake: std::sync::Arc::new(wake),
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || supervisor::serve(&command_queue, &outlet))?;
        Ok(Self {
            commands,
            events,
            thread: Some(thread),
        })
    }

    /// Asks for something. False when the queue is full or the engine is gone.
    #[must_use]
    pub fn send(&self, command: EngineCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// The next event, if one is there.
    pub fn try_recv(&self) -> Option<EventRecord> {
        self.events.try_recv().ok()
    }

    /// The next event; waits up to `timeout`.
    pub fn recv_timeout(&self, timeout: std::time::Duration) -> Option<EventRecord> {
        self.events.recv_timeout(timeout).ok()
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        // The engine thread ends when its queue closes as well, so a full queue is no obstacle.
        self.commands.try_send(EngineCommand::Shutdown).ok();
        let (closed, _) = bounded(0);
        self.commands = closed;
        if let Some(thread) = self.thread.take() {
            // Keep taking events so that the run's last words find room.
            while !thread.is_finished() {
                self.events
                    .recv_timeout(std::time::Duration::from_millis(20))
                    .ok();
            }
            thread.join().ok();
        }
    }
}
