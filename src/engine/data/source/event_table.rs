//! One row is one event: what most formats have in common once their columns have names.

use super::super::interaction::NO_TIME;
use super::super::{DataError, Feedback, FeedbackFlags};
use super::builder::{DatasetBuilder, RawEvent};
use super::cell::Row;
use super::reading::Reading;
use super::table::Table;

/// Where an event file keeps what.
#[derive(Default)]
pub(super) struct EventColumns {
    pub(super) user: usize,
    pub(super) item: usize,
    pub(super) time: Option<usize>,
    pub(super) order: Option<usize>,
    pub(super) request: Option<usize>,
    pub(super) watch: Option<Watched>,
    pub(super) rating: Option<usize>,
    pub(super) kinds: Vec<Kind>,
}

/// The column with the time watched.
#[derive(Clone, Copy)]
pub(super) enum Watched {
    Secs(usize),
    Millis(usize),
}

/// A kind of feedback and its column.
pub(super) struct Kind {
    pub(super) column: usize,
    pub(super) kind: FeedbackFlags,
    /// What the cell says when it happened.
    pub(super) when: bool,
}

impl Kind {
    pub(super) fn yes(column: usize, kind: FeedbackFlags) -> Self {
        Self {
            column,
            kind,
            when: true,
        }
    }
}

impl EventColumns {
    /// Reads all events of a table.
    pub(super) fn read(
        &self,
        table: Table,
        reading: &mut Reading<'_, '_>,
        builder: &mut DatasetBuilder,
    ) -> Result<(), DataError> {
        let positive_rating = reading.config.positive_rating;
        table.for_each_row(reading, |row| {
            let time_millis = match self.time {
                Some(column) => row.time_millis(column)?,
                None => NO_TIME,
            };
            let order = match self.order {
                Some(column) => row.integer(column)?,
                None => 0,
            };
            let feedback = self.feedback(row, positive_rating)?;
            let (user, item) = (row.id(self.user)?, row.id(self.item)?);
            let request = self
                .request
                .map(|column| row.id(column))
                .transpose()?
                .map(|request| builder.request(request));
            let event = RawEvent {
                user: builder.user(user),
                item: builder.item(item),
                time_millis,
                order,
                request,
                feedback,
            };
            builder.add_event(event);
            Ok(())
        })
    }

    fn feedback(&self, row: &Row<'_>, positive_rating: f32) -> Result<Feedback, DataError> {
        let watch_secs = match self.watch {
            Some(Watched::Secs(column)) => row.amount(column)?,
            Some(Watched::Millis(column)) => row.amount(column)?.map(|millis| millis / 1000.0),
            None => None,
        };
        let mut flags = FeedbackFlags::default();
        for kind in &self.kinds {
            if row.flag(kind.column)? == kind.when {
                flags = flags.with(kind.kind);
            }
        }
        let is_view = match self.rating {
            Some(column) => row
                .number(column)?
                .is_some_and(|rating| rating >= f64::from(positive_rating)),
            // Without any feedback column an event itself is the feedback: a purchase, a play.
            None => self.kinds.is_empty() && watch_secs != Some(0.0),
        };
        if is_view {
            flags = flags.with(FeedbackFlags::VIEW);
        }
        Ok(Feedback {
            watch_secs: watch_secs.unwrap_or(f32::NAN),
            flags,
        })
    }
}
