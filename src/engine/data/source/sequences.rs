//! Sequences without times, one user each: `{"user": [items]}` in `*.inter.json` with `*.item.json` (LC-Rec and its
//! descendants), or lines of a user and its items in `sequences.txt` or `sequential_data.txt` (P5, TIGER's followers) with
//! an optional `items.csv`. The items' own numbers stay their identifiers: published semantic IDs refer to them.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::super::check::FileCheck;
use super::super::interaction::NO_TIME;
use super::super::{DataError, Dataset, Feedback, FeedbackFlags, Item, UserIdx};
use super::builder::{DatasetBuilder, RawEvent};
use super::file_name;
use super::item_json;
use super::json_object::for_each_entry;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Input, Table, io, malformed};

const LINES: [&str; 2] = ["sequences.txt", "sequential_data.txt"];

/// `*.inter.json`.
pub(super) fn detect_json(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let found = listing.named(|name| name.ends_with(".inter.json"));
    listing.check_one_dataset(&found, str::to_owned)?;
    let Some(path) = found.into_iter().next() else {
        return Ok(None);
    };
    let name = file_name(&path);
    let stem = name[..name.len() - ".inter.json".len()].to_owned();
    let why = format!("{name} with one list of items per user");
    let items = listing
        .beside(&path, &format!("{stem}.item.json"))
        .or_else(|| {
            let files = listing.named(|name| name.ends_with(".item.json"));
            files.into_iter().next()
        });
    Ok(Some(Recognised::new(
        "item sequences",
        why,
        move |reading| {
            let mut builder = DatasetBuilder::default();
            if let Some(items) = &items {
                item_json::read(items, reading, &mut builder)?;
            }
            read_json(&path, reading, &mut builder)?;
            reading.finish(builder, "item sequences")
        },
    )))
}

/// `sequences.txt`.
pub(super) fn detect_lines(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let Some(path) = listing
        .named(|name| LINES.contains(&name))
        .into_iter()
        .next()
    else {
        return Ok(None);
    };
    let why = format!("{} with one user per line", file_name(&path));
    let items = listing.beside(&path, "items.csv");
    Ok(Some(Recognised::new(
        "item sequences",
        why,
        move |reading| load_lines(&path, items.as_ref(), reading),
    )))
}

fn load_lines(
    path: &Path,
    items: Option<&PathBuf>,
    reading: &mut Reading<'_, '_>,
) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    if let Some(items) = items {
        read_items(items, reading, &mut builder)?;
    }
    read_lines(path, reading, &mut builder)?;
    reading.finish(builder, "item sequences")
}

/// The sequences as they are read.
#[derive(Default)]
struct Sequences {
    seen: HashSet<UserIdx>,
    n_repeated: u64,
}

impl Sequences {
    fn add(&mut self, user: &str, items: &[impl AsRef<str>], builder: &mut DatasetBuilder) {
        let user = builder.user(user);
        self.n_repeated += u64::from(!self.seen.insert(user));
        for item in items {
            let event = RawEvent {
                user,
                item: builder.item(item.as_ref()),
                time_millis: NO_TIME,
                // Over the whole file, so that a user who appears twice goes on where the first line ends.
                order: builder.n_events() as i64,
                request: None,
                feedback: Feedback {
                    watch_secs: f32::NAN,
                    flags: FeedbackFlags::VIEW,
                },
            };
            builder.add_event(event);
        }
    }

    fn warn(&self, file: &str, reading: &mut Reading<'_, '_>) {
        if self.n_repeated > 0 {
            reading.warnings.push(format!(
                "{} users of {file} appear twice; their sequences were joined in the order of the file",
                self.n_repeated
            ));
        }
    }
}

fn read_json(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut sequences = Sequences::default();
    for_each_entry(path, "events", reading, |user, value| {
        let items = value
            .as_array()
            .ok_or_else(|| format!("expected a list of items of user {user:?}, found {value}"))?
            .iter()
            .map(item_json::identifier)
            .collect::<Option<Vec<String>>>()
            .ok_or_else(|| format!("expected numbers or texts as items of user {user:?}"))?;
        sequences.add(user, &items, builder);
        Ok(())
    })?;
    sequences.warn(&file_name(path), reading);
    Ok(())
}

fn read_lines(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    const FORMAT: &str = "one user and its items per line";
    let input = Input::open(path)?;
    let (position, since_row) = (input.position(), input.since_row());
    let mut reader = BufReader::new(input);
    let mut file = FileCheck {
        name: file_name(path),
        holds: "events".to_owned(),
        ..FileCheck::default()
    };
    let mut sequences = Sequences::default();
    let mut bytes = Vec::new();
    let mut line = 0;
    let outcome = loop {
        if let Err(error) = reading.tick(&file, &position) {
            break Err(error);
        }
        since_row.set(0);
        bytes.clear();
        line += 1;
        match reader.read_until(b'\n', &mut bytes) {
            Ok(0) => break Ok(()),
            Ok(_) => {}
            Err(error) => break Err(io(path, error)),
        }
        let words = match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.split_whitespace().collect::<Vec<_>>()),
            Err(_) => Err("text that is not UTF-8"),
        };
        let found = match words.as_deref() {
            Ok([]) => continue,
            Ok([user, items @ ..]) if !items.is_empty() => {
                file.rows += 1;
                sequences.add(user, items, builder);
                continue;
            }
            Ok(_) => "a user without items",
            Err(found) => found,
        };
        file.rows += 1;
        if let Err(error) = reading.leave_out(malformed(path, FORMAT, found, line), &mut file) {
            break Err(error);
        }
    };
    reading.add_file(file);
    outcome?;
    sequences.warn(&file_name(path), reading);
    Ok(())
}

/// `item_id, asin, keyphrase, attribute_ids`; the identifier alone must be there.
fn read_items(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "items")?;
    let id = table.require("item", "item_id")?;
    let title = match table.column("title", "keyphrase") {
        None => table.column("title", "title"),
        found => found,
    };
    let attributes = table.column("categories", "attribute_ids");
    let name = table.name();
    let mut n_repeated = 0;
    table.for_each_row(reading, |row| {
        let text_of = |column: Option<usize>| column.map_or("", |column| row.text(column));
        let item = Item {
            external_id: row.id(id)?.to_owned(),
            title: text_of(title).to_owned(),
            categories: text_of(attributes)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            ..Item::default()
        };
        n_repeated += u64::from(!builder.add_item(item));
        Ok(())
    })?;
    reading.warn_of_repeated(n_repeated, &name);
    Ok(())
}
