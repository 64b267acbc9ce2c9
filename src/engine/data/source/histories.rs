//! Rows of one event with the items before it, in files for training, validation and test. The log is put together again:
//! a user's first row brings its history along, every row its own item. What the files hold out is not kept, since this
//! program splits for itself.

use std::collections::HashSet;
use std::path::Path;

use super::super::interaction::NO_TIME;
use super::super::{DataError, Feedback, FeedbackFlags, UserIdx};
use super::builder::{DatasetBuilder, RawEvent};
use super::cell::Row;
use super::file_name;
use super::item_json::identifier;
use super::reading::Reading;
use super::table::{Table, parse_python};

/// Where a file keeps what.
pub(super) struct Columns {
    pub(super) user: usize,
    pub(super) item: usize,
    pub(super) history: usize,
    pub(super) list: List,
}

/// How the earlier items are written.
#[derive(Clone, Copy)]
pub(super) enum List {
    /// `[3, 17]` or `['B0', 'B1']`.
    Python,
    /// `3 17`.
    Spaces,
}

/// The users whose history has been taken.
#[derive(Default)]
pub(super) struct Histories {
    begun: HashSet<UserIdx>,
}

impl Histories {
    /// Reads all rows of a file; files come in the order of [`part`].
    pub(super) fn read(
        &mut self,
        table: Table,
        columns: &Columns,
        reading: &mut Reading<'_, '_>,
        builder: &mut DatasetBuilder,
    ) -> Result<(), DataError> {
        table.for_each_row(reading, |row| {
            let (user, target) = (row.id(columns.user)?, row.id(columns.item)?);
            let earlier = columns.items_before(row)?;
            let user = builder.user(user);
            let is_first = self.begun.insert(user);
            let earlier = earlier.iter().map(String::as_str).filter(|_| is_first);
            for item in earlier.chain([target]) {
                let event = RawEvent {
                    user,
                    item: builder.item(item),
                    time_millis: NO_TIME,
                    order: builder.n_events() as i64,
                    request: None,
                    feedback: Feedback {
                        watch_secs: f32::NAN,
                        flags: FeedbackFlags::VIEW,
                    },
                };
                builder.add_event(event);
            }
            Ok(())
        })
    }
}

impl Columns {
    fn items_before(&self, row: &Row<'_>) -> Result<Vec<String>, DataError> {
        let text = row.text(self.history);
        let found = match self.list {
            List::Spaces => return Ok(text.split_whitespace().map(str::to_owned).collect()),
            List::Python => match parse_python(text) {
                Ok(serde_json::Value::Array(values)) => values.iter().map(identifier).collect(),
                Ok(_) | Err(_) => None,
            },
        };
        found.ok_or_else(|| row.bad(self.history, "a list of items, as in [3, 17]"))
    }
}

/// Which part of the data a file is, from its folder's name or else its own: a user's events go on from training to
/// validation to test.
pub(super) fn part(path: &Path) -> usize {
    let folder = path
        .parent()
        .map(file_name)
        .unwrap_or_default()
        .to_lowercase();
    let name = file_name(path).to_lowercase();
    let parts = ["train", "valid", "test"];
    parts
        .iter()
        .position(|part| folder == *part)
        .or_else(|| parts.iter().position(|part| name.contains(part)))
        .unwrap_or(parts.len())
}
