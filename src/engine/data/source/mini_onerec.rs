//! MiniOneRec's tables: every row is one event with the items before it (`history_item_id`), in files for training,
//! validation and test, and an `.item.json` with the items' texts. The `.index.json` is a table of semantic IDs.

use std::path::{Path, PathBuf};

use super::super::DataError;
use super::builder::DatasetBuilder;
use super::file_name;
use super::histories::{Columns, Histories, List, part};
use super::item_json;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table, first_line};

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
    let Some(first) = tables.first().cloned() else {
        return Ok(None);
    };
    listing.check_one_dataset(&tables, stem)?;
    let why = format!(
        "{} has the columns user_id, history_item_id and item_id",
        file_name(&first)
    );
    let around = Around::of(listing, &first)?;
    if !listing.is_folder {
        tables = around.tables;
    }
    tables.sort_by_key(|path| part(path));
    let (items, indices) = (around.items, around.indices);
    Ok(Some(Recognised::new("MiniOneRec", why, move |reading| {
        let mut builder = DatasetBuilder::default();
        for path in &items {
            item_json::read(path, reading, &mut builder)?;
        }
        let mut histories = Histories::default();
        for path in &tables {
            read_rows(path, reading, &mut histories, &mut builder)?;
        }
        for path in &indices {
            reading.leave_aside(path, "a table of semantic IDs; import it as a tokenizer");
        }
        reading.finish(builder, "MiniOneRec")
    })))
}

/// What a file of one part and the same file of another part have in common.
fn stem(name: &str) -> String {
    let parts = ["train", "valid", "test"];
    let name = parts
        .iter()
        .fold(name.to_lowercase(), |name, part| name.replace(part, ""));
    name.trim_matches(['_', '-', '.']).to_owned()
}

/// The files that belong to a table, in its folder, in those beside it, and in the one above.
struct Around {
    tables: Vec<PathBuf>,
    items: Vec<PathBuf>,
    indices: Vec<PathBuf>,
}

impl Around {
    fn of(listing: &Listing, table: &Path) -> Result<Self, DataError> {
        let own_folder = table.parent().unwrap_or(Path::new("."));
        let folders = ["train", "valid", "test"];
        let is_part = folders.contains(&file_name(own_folder).as_str());
        let above = if is_part { own_folder.parent() } else { None };
        let alone = Listing::of(above.unwrap_or(own_folder))?;
        let around = if listing.is_folder { listing } else { &alone };
        let name = file_name(table).to_lowercase();
        // The texts are called as the table without its dates: `Office.item.json` beside `Office_5_2016.csv`.
        let texts = |ending: &str| {
            let all = around.named(|found| found.ends_with(ending));
            let ours = around.named(|found| {
                found
                    .strip_suffix(ending)
                    .is_some_and(|stem| name.starts_with(stem))
            });
            if all.len() == 1 { all } else { ours }
        };
        Ok(Self {
            tables: around.named(|found| found.ends_with(".csv") && stem(found) == stem(&name)),
            items: texts(".item.json"),
            indices: texts(".index.json"),
        })
    }
}

fn read_rows(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    histories: &mut Histories,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "events")?;
    let columns = Columns {
        user: table.require("user", "user_id")?,
        item: table.require("item", "item_id")?,
        history: table.require("earlier items", "history_item_id")?,
        list: List::Python,
    };
    histories.read(table, &columns, reading, builder)
}
