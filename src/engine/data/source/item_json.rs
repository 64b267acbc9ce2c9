//! `*.item.json`: one object with the texts of every item, as LC-Rec, MiniOneRec and their descendants write it.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::{DataError, Item};
use super::builder::DatasetBuilder;
use super::file_name;
use super::json_object::for_each_entry;
use super::reading::Reading;

/// Adds all items.
pub(super) fn read(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut n_repeated = 0;
    for_each_entry(path, "items", reading, |id, value| {
        let item = match value {
            Value::Object(fields) => item_of(id, fields),
            Value::String(title) => Item {
                external_id: id.to_owned(),
                title: title.clone(),
                ..Item::default()
            },
            _ => return Err(format!("expected the texts of item {id:?}, found {value}")),
        };
        n_repeated += u64::from(!builder.add_item(item));
        Ok(())
    })?;
    reading.warn_of_repeated(n_repeated, &file_name(path));
    Ok(())
}

/// An identifier that is written as a text or as a whole number.
pub(super) fn identifier(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    }
}

fn item_of(id: &str, fields: &Map<String, Value>) -> Item {
    let texts = |names: &[&str]| -> Vec<String> {
        let found = names.iter().find_map(|name| fields.get(*name));
        let mut texts = Vec::new();
        if let Some(value) = found {
            collect(value, &mut texts);
        }
        texts
    };
    let categories = texts(&["categories", "category"])
        .iter()
        .flat_map(|text| text.split(','))
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    Item {
        external_id: id.to_owned(),
        title: texts(&["title"]).join(" "),
        text: texts(&["description", "text"]).join(" "),
        categories,
        author: Some(texts(&["brand", "author"]).join(" ")).filter(|name| !name.is_empty()),
        ..Item::default()
    }
}

/// The texts of a value, in order.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            texts.extend(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
        }
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Null | Value::Bool(_) | Value::Object(_) => {}
    }
}
