//! Following a long reading, and ending it.

use super::DataError;
use crate::engine::control::RunControl;

/// How far a reading is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProgress {
    /// What is being done, for example "reading events.csv".
    pub doing: String,
    /// Bytes, or rows where the format counts them, that are done.
    pub done: u64,
    /// Of how many; 0 where nobody knows.
    pub total: u64,
}

/// Someone who is told how far a reading is, and who may end it.
pub struct Watch<'a> {
    control: RunControl,
    on_progress: Box<dyn FnMut(&ReadProgress) + 'a>,
}

impl<'a> Watch<'a> {
    /// Reports to `on_progress`, about every 65,000 rows; heeds stop and pause of `control`.
    pub fn new(control: RunControl, on_progress: impl FnMut(&ReadProgress) + 'a) -> Self {
        Self {
            control,
            on_progress: Box::new(on_progress),
        }
    }

    /// Nobody follows, nobody stops it.
    pub fn nobody() -> Self {
        Self::new(RunControl::default(), |_| {})
    }

    pub(super) fn tell(&mut self, progress: &ReadProgress) {
        (self.on_progress)(progress);
    }

    /// To be called between reading and preparing: says so, and fails once a stop was asked for.
    pub(super) fn after_reading(&mut self) -> Result<(), DataError> {
        self.tell(&ReadProgress {
            doing: "counting events, sessions and ties".to_owned(),
            done: 0,
            total: 0,
        });
        self.check()
    }

    /// Waits while paused.
    ///
    /// # Errors
    /// [`DataError::Stopped`] once a stop was asked for.
    pub(super) fn check(&self) -> Result<(), DataError> {
        self.control.check().map_err(|_stopped| DataError::Stopped)
    }
}
