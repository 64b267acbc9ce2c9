//! A table as a JSON object from item to codes, in the forms that are about: `["<a_3>", "<b_7>"]`, `[3, 7]` and
//! `"<s_a_3><s_b_7>"`.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::Value;

use crate::engine::tokenizer::{Code, SemanticId};

/// All entries in the order of the file.
pub(super) fn entries(path: &Path) -> Result<Vec<(String, SemanticId)>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
    let entries = json
        .deserialize_map(Entries)
        .map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok(entries)
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, SemanticId)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object from item to codes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            let sid = codes(&value).ok_or_else(|| {
                let found: String = value.to_string().chars().take(60).collect();
                A::Error::custom(format!(
                    "item {key:?} has {found} where codes were expected"
                ))
            })?;
            entries.push((key, sid));
        }
        Ok(entries)
    }
}

fn codes(value: &Value) -> Option<SemanticId> {
    match value {
        Value::Array(codes) => codes.iter().map(code).collect(),
        // Every token that ends in a number is a code; the others mark beginning and end.
        Value::String(text) => Some(text.split('>').filter_map(number_at_end).collect()),
        _ => None,
    }
}

fn code(value: &Value) -> Option<Code> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => number_at_end(text.trim_end_matches('>')),
        _ => None,
    }
}

fn number_at_end(token: &str) -> Option<Code> {
    let before = token.trim_end_matches(|letter: char| letter.is_ascii_digit());
    token[before.len()..].parse().ok()
}

/// The text of a table.
pub(super) fn text<'a>(items: impl Iterator<Item = (&'a str, &'a [Code])>) -> String {
    let mut text = String::from("{");
    for (place, (key, sid)) in items.enumerate() {
        let codes: Vec<Value> = (b'a'..=b'z')
            .zip(sid)
            .map(|(letter, code)| Value::from(format!("<{}_{code}>", char::from(letter))))
            .collect();
        let divider = if place == 0 { "" } else { ", " };
        text += &format!("{divider}{}: {}", Value::from(key), Value::Array(codes));
    }
    text.push('}');
    text
}
