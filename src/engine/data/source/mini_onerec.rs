//! MiniOneRec's tables: every row is one event with the items before it (`history_item_id`), in files for training,
//! validation and test, and an `.item.json` with the items' texts. The `.index.json` is a table of semantic IDs.

use std::path::Path;

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
    let Some(first) = tables.first() else {
        return Ok(None);
    };
    let why = format!(
        "{} has the columns user_id, history_item_id and item_id",
        file_name(first)
    );
    tables.sort_by_key(|path| part(path));
    let items = listing.named(|name| name.ends_with(".item.json"));
    let indices = listing.named(|name| name.ends_with(".index.json"));
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
        Ok(builder.finish("MiniOneRec"))
    })))
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
