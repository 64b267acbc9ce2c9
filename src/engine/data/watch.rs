//! Following a long reading, and ending it.

use super::DataError;
use crate::engine::control::RunControl;

/// How far a reading is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadProgress {
    /// What is being done, for example "reading events.csv".
    pub doing: String,
    /// Bytes while a file is read, or rows where the format counts them; steps while the log is counted.
    pub done: u64,
    /// Of how many; 0 where nobody knows.
    pub total: u64,
}

/// What follows the reading, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    Order,
    Core,
    Positives,
    Split,
    Sessions,
    Leaks,
    Ties,
    Feedback,
    Groupings,
    Features,
}

impl Count {
    /// Their number.
    const N: u64 = Self::Features as u64 + 1;

    /// What is being done.
    fn doing(self) -> &'static str {
        match self {
            Self::Order => "ordering events",
            Self::Core => "looking for the k-core",
            Self::Positives => "counting positive events",
            Self::Split => "splitting events",
            Self::Sessions => "counting sessions",
            Self::Leaks => "checking the split",
            Self::Ties => "counting ties",
            Self::Feedback => "counting feedback",
            Self::Groupings => "counting sessions under each grouping",
            Self::Features => "counting features",
        }
    }
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

    /// To be called before each of the steps that follow the reading: says so, and fails once a stop was asked for.
    ///
    /// # Errors
    /// [`DataError::Stopped`].
    pub(super) fn begin(&mut self, count: Count) -> Result<(), DataError> {
        self.tell(&ReadProgress {
            doing: count.doing().to_owned(),
            done: count as u64,
            total: Count::N,
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
