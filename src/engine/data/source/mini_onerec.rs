//! MiniOneRec's tables: every row is one event with the items before it (`history_item_id`), in files for training,
//! validation and test, and an `.item.json` with the items' texts. The log is put together again: a user's first row
//! brings its history along, every row its own item.
//!
//! What the files hold out is not kept: this program splits for itself. The `.index.json` is a table of semantic IDs.

use std::collections::HashSet;
use std::path::Path;

use super::super::interaction::NO_TIME;
use super::super::{DataError, Dataset, Feedback, FeedbackFlags, ItemIdx};
use super::builder::{DatasetBuilder, RawEvent};
use super::cell::Row;
use super::file_name;
use super::item_json;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table, first_line, parse_python};

pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let mut tables = Vec::new();
    for path in listing.named(|name| name.ends_with(".csv")) {
        let header = first_line(&path)?;
        let names: Vec<&str> = header.split(',').map(str::trim).collect();
        if ["user_id", "history_item_id", "item_id"]
            .iter()
            .all(|name| names.contains(name))
        {
            tables.push(path);
        }
    }
    let Some(first) = tables.first() else {
        return Ok(None);
    };
    let why = format!(
        "{} has the columns user_id, history_item_id and item_id",
        file_name(first)
    );
    // A user's events go on from training to validation to test.
    tables.sort_by_key(|path| part(path));
    let items = listing.named(|name| name.ends_with(".item.json"));
    let indices = listing.named(|name| name.ends_with(".index.json"));
    Ok(Some(Recognised::new("MiniOneRec", why, move |reading| {
        let mut builder = DatasetBuilder::default();
        for path in &items {
            item_json::read(path, reading, &mut builder)?;
        }
        let mut begun = HashSet::new();
        for path in &tables {
            read_rows(path, reading, &mut begun, &mut builder)?;
        }
        for path in &indices {
            reading.leave_aside(path, "a table of semantic IDs; import it as a tokenizer");
        }
        Ok::<Dataset, DataError>(builder.finish("MiniOneRec"))
    })))
}

/// Which part of the data a file is: from its folder's name, or else its own.
fn part(path: &Path) -> usize {
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

fn read_rows(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    begun: &mut HashSet<String>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "events")?;
    let user = table.require("user", "user_id")?;
    let item = table.require("item", "item_id")?;
    let history = table.require("earlier items", "history_item_id")?;
    table.for_each_row(reading, |row| {
        let name = row.id(user)?;
        let target = row.id(item)?;
        let earlier = items_of(row, history)?;
        let user = builder.user(name);
        let mut add = |item: &str| {
            let item: ItemIdx = builder.item(item);
            let event = RawEvent {
                user,
                item,
                time_millis: NO_TIME,
                order: builder.n_events() as i64,
                request: None,
                feedback: Feedback {
                    watch_secs: f32::NAN,
                    flags: FeedbackFlags::VIEW,
                },
            };
            builder.add_event(event);
        };
        if begun.insert(name.to_owned()) {
            earlier.iter().for_each(|item| add(item));
        }
        add(target);
        Ok(())
    })
}

/// A list such as `[3, 17]` or `['B0', 'B1']`.
fn items_of(row: &Row<'_>, column: usize) -> Result<Vec<String>, DataError> {
    let found = match parse_python(row.text(column)) {
        Ok(serde_json::Value::Array(values)) => values.iter().map(item_json::identifier).collect(),
        Ok(_) | Err(_) => None,
    };
    found.ok_or_else(|| row.bad(column, "a list of items, as in [3, 17]"))
}
