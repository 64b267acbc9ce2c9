//! Amazon reviews of 2014 and 2018 as they are published: JSON Lines of reviews, packed or not, and `meta_*` files with
//! the products, in JSON or, in 2014, as Python prints dicts. The texts of the reviews are not read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::super::{DataError, Dataset, Item};
use super::builder::DatasetBuilder;
use super::event_table::EventColumns;
use super::file_name;
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table, first_line, parse_python};

const REVIEW: [&str; 4] = ["reviewerID", "asin", "overall", "unixReviewTime"];
const PRODUCT: [&str; 6] = [
    "asin",
    "title",
    "description",
    "brand",
    "categories",
    "category",
];

/// Files of objects that have a reviewer and a product.
pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    const ENDINGS: [&str; 4] = [".json", ".json.gz", ".jsonl", ".jsonl.gz"];
    let (mut reviews, mut products) = (Vec::new(), Vec::new());
    for path in listing.named(|name| ENDINGS.iter().any(|ending| name.ends_with(ending))) {
        let keys = keys_of(&first_line(&path)?);
        let has = |name: &str| keys.contains(name);
        if has("reviewerID") && has("asin") {
            reviews.push(path);
        } else if has("asin") || file_name(&path).starts_with("meta_") {
            products.push(path);
        }
    }
    let Some(first) = reviews.first() else {
        return Ok(None);
    };
    let why = format!(
        "the objects in {} have reviewerID and asin",
        file_name(first)
    );
    Ok(Some(Recognised::new(
        "Amazon reviews",
        why,
        move |reading| load(&reviews, &products, reading),
    )))
}

/// The keys of the object in a line; none where it holds no object.
fn keys_of(line: &str) -> HashSet<String> {
    let object = serde_json::from_str(line).or_else(|_| parse_python(line));
    match object {
        Ok(serde_json::Value::Object(object)) => object.into_iter().map(|(key, _)| key).collect(),
        // A line longer than what was looked at is cut off: its beginning tells enough.
        Ok(_) | Err(_) => REVIEW
            .iter()
            .chain(&PRODUCT)
            .filter(|key| line.starts_with('{') && line.contains(&format!("\"{key}\"")))
            .map(|&key| key.to_owned())
            .collect(),
    }
}

fn load(
    reviews: &[PathBuf],
    products: &[PathBuf],
    reading: &mut Reading<'_, '_>,
) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    for path in reviews {
        let mut table = Table::open(path, Form::JsonKeys(&REVIEW), "events")?;
        let columns = EventColumns {
            user: table.require("user", "reviewerID")?,
            item: table.require("item", "asin")?,
            rating: Some(table.require("rating", "overall")?),
            time: Some(table.require("time", "unixReviewTime")?),
            ..EventColumns::default()
        };
        columns.read(table, reading, &mut builder)?;
    }
    for path in products {
        read_products(path, reading, &mut builder)?;
    }
    reading.finish(builder, "Amazon reviews")
}

/// Only products that were reviewed become items: the files hold whole departments.
fn read_products(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::JsonKeys(&PRODUCT), "items")?;
    let id = table.require("item", "asin")?;
    let title = table.require("title", "title")?;
    let text = table.require("text", "description")?;
    let brand = table.require("author", "brand")?;
    // 2014 calls it categories, 2018 category.
    let categories = [
        table.require("categories", "categories")?,
        table.require("categories", "category")?,
    ];
    table.for_each_row(reading, |row| {
        let asin = row.id(id)?;
        if !builder.has_item(asin) {
            return Ok(());
        }
        let mut names: Vec<String> = Vec::new();
        for name in categories.iter().flat_map(|&column| row.list(column)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        builder.add_item(Item {
            external_id: asin.to_owned(),
            title: row.prose(title),
            text: row.prose(text),
            categories: names,
            author: Some(row.text(brand).to_owned()).filter(|name| !name.is_empty()),
            ..Item::default()
        });
        Ok(())
    })
}
