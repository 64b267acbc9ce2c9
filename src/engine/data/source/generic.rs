//! Any dataset as tables: one or more event files, an optional item file and an optional user file, in CSV, JSON Lines or Parquet, with a
//! column mapping. Also what the project's own simulator writes; its oracle is read along.

use std::path::{Path, PathBuf};

use super::super::config::DataConfig;
use super::super::{DataError, Dataset, FeedbackFlags, Item};
use super::builder::DatasetBuilder;
use super::event_table::{EventColumns, Kind, Watched};
use super::file_name;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::simulator::{ORACLE_FILE, Oracle};
use super::table::{Form, Table, is_table};

/// A file with one of these in its name holds events.
const EVENT_WORDS: [&str; 4] = ["event", "inter", "log", "rating"];

/// The files of a generic dataset.
struct Files {
    events: Vec<PathBuf>,
    items: Vec<PathBuf>,
    users: Vec<PathBuf>,
    oracle: Option<PathBuf>,
}

/// At least one event file. A path to a single table is an event file whatever its name.
pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let is_inside = |file: &PathBuf| file.parent() == Some(listing.path.as_path());
    let tables = listing
        .named(|name| is_table(Path::new(name)))
        .into_iter()
        .filter(|file| !listing.is_folder || is_inside(file));
    let (items, tables): (Vec<_>, Vec<_>) =
        tables.partition(|file| listing.is_folder && file_name(file).starts_with("items."));
    let (users, mut events): (Vec<_>, Vec<_>) = tables
        .into_iter()
        .partition(|file| listing.is_folder && file_name(file).starts_with("users."));
    if listing.is_folder {
        events.retain(|file| {
            let name = file_name(file).to_lowercase();
            EVENT_WORDS.iter().any(|word| name.contains(word))
        });
    }
    let Some(first) = events.first() else {
        return Ok(None);
    };
    let why = format!("{} is a table of events", file_name(first));
    let oracle = Some(listing.path.join(ORACLE_FILE)).filter(|file| file.is_file());
    let format = if oracle.is_some() {
        "simulated"
    } else {
        "tables"
    };
    let files = Files {
        events,
        items,
        users,
        oracle,
    };
    Ok(Some(Recognised::new(format, why, move |reading| {
        load(&files, reading)
    })))
}

fn load(files: &Files, reading: &mut Reading<'_, '_>) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    for path in &files.items {
        read_items(path, reading, &mut builder)?;
    }
    let tables = files
        .events
        .iter()
        .map(|path| Table::open(path, Form::ByName, "events"))
        .collect::<Result<Vec<_>, _>>()?;
    check_mapping(&tables, reading.config, files)?;
    for mut table in tables {
        event_columns(&mut table, reading.config)?.read(table, reading, &mut builder)?;
    }
    if let Some(path) = files.users.first() {
        read_users(path, reading, &mut builder)?;
    }
    let Some(path) = &files.oracle else {
        return reading.finish(builder, "tables");
    };
    let mut dataset = reading.finish(builder, "simulated")?;
    let oracle = Oracle::read(path, &dataset.catalog.items, &dataset.users)?;
    dataset.oracle = Some(oracle);
    Ok(dataset)
}

/// The file's name of one of our columns.
fn mapped<'a>(config: &'a DataConfig, ours: &'a str) -> &'a str {
    config.columns.get(ours).map_or(ours, String::as_str)
}

/// Columns of events that the mapping names must be in at least one event file: a misspelt name would otherwise
/// silently leave a kind of feedback out.
fn check_mapping(tables: &[Table], config: &DataConfig, files: &Files) -> Result<(), DataError> {
    const OF_ITEMS: [&str; 5] = ["title", "text", "categories", "author", "duration_secs"];
    for (ours, theirs) in &config.columns {
        let is_found = tables.iter().any(|table| table.has(theirs));
        if !is_found && !OF_ITEMS.contains(&ours.as_str()) {
            return Err(DataError::MissingColumn {
                column: theirs.clone(),
                found: tables[0].header().to_vec(),
                path: files.events[0].clone(),
            });
        }
    }
    Ok(())
}

fn read_items(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "items")?;
    let config = reading.config;
    let id = table.require("item", mapped(config, "item"))?;
    let [title, text, author, categories, duration] =
        ["title", "text", "author", "categories", "duration_secs"]
            .map(|name| table.column(name, mapped(config, name)));
    let known = [Some(id), title, text, author, categories, duration];
    let features: Vec<(String, usize)> = table
        .header()
        .iter()
        .enumerate()
        .filter(|(column, _)| !known.contains(&Some(*column)))
        .map(|(column, name)| (name.clone(), column))
        .collect();
    let name = table.name();
    let mut n_repeated = 0;
    table.for_each_row(reading, |row| {
        let text_of = |column: Option<usize>| column.map_or("", |column| row.text(column));
        let item = Item {
            external_id: row.id(id)?.to_owned(),
            title: text_of(title).to_owned(),
            text: text_of(text).to_owned(),
            categories: categories
                .map(|column| row.list(column))
                .unwrap_or_default(),
            author: Some(text_of(author))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            duration_secs: match duration {
                Some(column) => row.amount(column)?,
                None => None,
            },
            features: features
                .iter()
                .map(|(name, column)| (name.clone(), row.text(*column).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        };
        n_repeated += u64::from(!builder.add_item(item));
        Ok(())
    })?;
    reading.warn_of_repeated(n_repeated, &name);
    Ok(())
}

/// Every column but the identifier is a category.
fn read_users(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "users")?;
    let user = table.require("user", mapped(reading.config, "user"))?;
    let names: Vec<String> = table.header().to_vec();
    let columns: Vec<usize> = (0..names.len()).filter(|column| *column != user).collect();
    for column in &columns {
        table.column("a feature of the user", &names[*column]);
    }
    builder.add_user_columns(columns.iter().map(|column| names[*column].as_str()));
    table.for_each_row(reading, |row| {
        let values = columns.iter().map(|column| row.text(*column));
        builder.add_user_values(row.id(user)?, values);
        Ok(())
    })
}

fn event_columns(table: &mut Table, config: &DataConfig) -> Result<EventColumns, DataError> {
    let mut kinds = Vec::new();
    for (name, kind) in FeedbackFlags::NAMED {
        let column = table.column(name, mapped(config, name));
        kinds.extend(column.map(|column| Kind::yes(column, kind)));
    }
    let mut column = |ours: &str| table.column(ours, mapped(config, ours));
    let [time, order, request, watch, rating] =
        ["time", "order", "request", "watch_secs", "rating"].map(&mut column);
    Ok(EventColumns {
        user: table.require("user", mapped(config, "user"))?,
        item: table.require("item", mapped(config, "item"))?,
        time,
        order,
        request,
        watch: watch.map(Watched::Secs),
        rating,
        kinds,
    })
}
