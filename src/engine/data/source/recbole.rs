//! RecBole's atomic files: `.inter` and `.item`, separated by tabs, whose headers carry types (`user_id:token`). The `.user`
//! file is left aside, since no model here uses features of users.

use std::path::{Path, PathBuf};

use super::super::{DataError, Dataset, FeedbackFlags, Item};
use super::builder::DatasetBuilder;
use super::event_table::{EventColumns, Kind};
use super::file_name;
use super::histories::{Columns, Histories, List, part};
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table};

/// What the fields of an `.item` file are called that are more than a feature.
const TITLES: [&str; 4] = ["title", "movie_title", "item_name", "name"];
const TEXTS: [&str; 3] = ["text", "description", "review"];
const CATEGORIES: [&str; 5] = ["categories", "category", "genre", "class", "tag"];
const AUTHORS: [&str; 3] = ["brand", "author", "artist"];

/// The column of earlier items in files that are split already.
const HISTORY: &str = "item_id_list";

pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let mut inter = listing.named(|name| name.ends_with(".inter"));
    inter.sort_by_key(|path| part(path));
    listing.check_one_dataset(&inter, |name| {
        name.split('.').next().unwrap_or_default().to_owned()
    })?;
    let Some(first) = inter.first() else {
        return Ok(None);
    };
    let why = format!("the atomic file {}", file_name(first));
    let items = listing.named(|name| name.ends_with(".item"));
    let users = listing.named(|name| name.ends_with(".user"));
    Ok(Some(Recognised::new("RecBole", why, move |reading| {
        load(&inter, &items, &users, reading)
    })))
}

fn load(
    inter: &[PathBuf],
    items: &[PathBuf],
    users: &[PathBuf],
    reading: &mut Reading<'_, '_>,
) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    for path in items {
        read_items(path, reading, &mut builder)?;
    }
    let mut histories = Histories::default();
    for path in inter {
        let mut table = Table::open(path, Form::PlainTabs, "events")?.without_types();
        // Logs of sessions without users call them so.
        let user_name = if table.has("user_id") || !table.has("session_id") {
            "user_id"
        } else {
            "session_id"
        };
        if table.has(HISTORY) {
            let columns = Columns {
                user: table.require("user", user_name)?,
                item: table.require("item", "item_id")?,
                history: table.require("earlier items", HISTORY)?,
                list: List::Spaces,
            };
            histories.read(table, &columns, reading, &mut builder)?;
            continue;
        }
        let mut kinds = Vec::new();
        for (name, kind) in FeedbackFlags::NAMED {
            kinds.extend(
                table
                    .column(name, name)
                    .map(|column| Kind::yes(column, kind)),
            );
        }
        let columns = EventColumns {
            user: table.require("user", user_name)?,
            item: table.require("item", "item_id")?,
            rating: table.column("rating", "rating"),
            time: table.column("time", "timestamp"),
            kinds,
            ..EventColumns::default()
        };
        columns.read(table, reading, &mut builder)?;
    }
    for path in users {
        reading.leave_aside(path, "no model here uses features of users");
    }
    reading.finish(builder, "RecBole")
}

fn read_items(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::PlainTabs, "items")?.without_types();
    let id = table.require("item", "item_id")?;
    let mut first_of = |ours: &str, names: &[&str]| {
        let name = names.iter().find(|name| table.has(name))?;
        table.column(ours, name)
    };
    let title = first_of("title", &TITLES);
    let text = first_of("text", &TEXTS);
    let categories = first_of("categories", &CATEGORIES);
    let author = first_of("author", &AUTHORS);
    let known = [Some(id), title, text, categories, author];
    let features: Vec<(String, usize)> = table
        .header()
        .to_vec()
        .into_iter()
        .enumerate()
        .filter(|(column, _)| !known.contains(&Some(*column)))
        .map(|(column, name)| {
            table.column("feature", &name);
            (name, column)
        })
        .collect();
    let name = table.name();
    let mut n_repeated = 0;
    table.for_each_row(reading, |row| {
        let text_of = |column: Option<usize>| column.map_or("", |column| row.text(column));
        let names = text_of(categories);
        // A sequence of tokens stands between spaces, unless another separator says better.
        let separator = [',', '|', ';']
            .into_iter()
            .find(|&mark| names.contains(mark));
        let item = Item {
            external_id: row.id(id)?.to_owned(),
            title: text_of(title).to_owned(),
            text: text_of(text).to_owned(),
            categories: names
                .split(separator.unwrap_or(' '))
                .map(|part| part.trim_matches([' ', '\'', '[', ']', '"']).to_owned())
                .filter(|part| !part.is_empty())
                .collect(),
            author: Some(text_of(author).to_owned()).filter(|name| !name.is_empty()),
            features: features
                .iter()
                .map(|(name, column)| (name.clone(), row.text(*column).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            ..Item::default()
        };
        n_repeated += u64::from(!builder.add_item(item));
        Ok(())
    })?;
    reading.warn_of_repeated(n_repeated, &name);
    Ok(())
}
