//! What a text cell can mean: a flag, a number, a time, a list. Every failure names the column, the line and the file.

use std::path::Path;

use super::super::DataError;

/// One row of a table while it is being read.
pub(super) struct Row<'a> {
    pub(super) path: &'a Path,
    pub(super) header: &'a [String],
    pub(super) cells: &'a csv::StringRecord,
    pub(super) line: u64,
}

/// From this magnitude on, a time is in milliseconds: as seconds it would lie after the year 5100.
const FIRST_MILLIS: f64 = 1e11;

/// Times beyond this many milliseconds (about 30,000 years) are not times.
const MAX_MILLIS: f64 = 1e15;

impl Row<'_> {
    /// The cell without surrounding spaces; empty where the value is missing.
    pub(super) fn text(&self, column: usize) -> &str {
        let text = self.cells[column].trim();
        let is_missing = ["nan", "null", "none"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word));
        if is_missing { "" } else { text }
    }

    /// An identifier: any text but an empty one. Whole numbers that were written as 17.0 become 17.
    pub(super) fn id(&self, column: usize) -> Result<&str, DataError> {
        match self.cells[column].trim() {
            "" => Err(self.bad(column, "an identifier")),
            text => Ok(match text.strip_suffix(".0") {
                Some(whole) if whole.bytes().all(|byte| byte.is_ascii_digit()) => whole,
                _ => text,
            }),
        }
    }

    /// A finite number, or nothing where the value is missing.
    pub(super) fn number(&self, column: usize) -> Result<Option<f64>, DataError> {
        match self.text(column) {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Some(value)),
                _ => Err(self.bad(column, "a number")),
            },
        }
    }

    /// A duration: a number from 0, in the units of the column.
    pub(super) fn amount(&self, column: usize) -> Result<Option<f32>, DataError> {
        match self.number(column)? {
            Some(value) if !(0.0..=1e12).contains(&value) => {
                Err(self.bad(column, "a number from 0 to 1e12"))
            }
            value => Ok(value.map(|value| value as f32)),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, column: usize) -> Result<i64, DataError> {
        let text = self.text(column);
        let whole = text.strip_suffix(".0").unwrap_or(text);
        match whole.parse() {
            Ok(value) => Ok(value),
            Err(_) => Err(self.bad(column, "an integer")),
        }
    }

    /// Whether something happened: 0 or 1, true or false, or a count; missing means no.
    pub(super) fn flag(&self, column: usize) -> Result<bool, DataError> {
        match self.text(column) {
            "0" => Ok(false),
            "1" => Ok(true),
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => match self.number(column) {
                Ok(value) => Ok(value.is_some_and(|value| value > 0.0)),
                Err(_) => Err(self.bad(column, "0 or 1")),
            },
        }
    }

    /// Milliseconds since 1970 from seconds, milliseconds or a date.
    pub(super) fn time_millis(&self, column: usize) -> Result<i64, DataError> {
        const EXPECTED: &str = "a time in seconds or milliseconds since 1970, or a date";
        let text = self.text(column);
        let millis = match text.parse::<i64>() {
            Ok(value) if value.unsigned_abs() >= FIRST_MILLIS as u64 => Some(value as f64),
            Ok(value) => Some(value as f64 * 1000.0),
            Err(_) => match text.parse::<f64>() {
                Ok(value) if value.abs() >= FIRST_MILLIS => Some(value),
                Ok(value) => Some(value * 1000.0),
                Err(_) => arrow_cast::parse::string_to_timestamp_nanos(text)
                    .ok()
                    .map(|nanos| nanos as f64 / 1e6),
            },
        };
        match millis {
            Some(millis) if millis.abs() <= MAX_MILLIS => Ok(millis.round() as i64),
            _ => Err(self.bad(column, EXPECTED)),
        }
    }

    /// A list: JSON, or texts between the first of `|`, `;` and `,` that occurs.
    pub(super) fn list(&self, column: usize) -> Vec<String> {
        let text = self.text(column);
        if text.starts_with('[')
            && let Ok(value) = serde_json::from_str(text)
        {
            let mut texts = Vec::new();
            flatten(value, &mut texts);
            return texts;
        }
        let separator = ['|', ';', ',']
            .into_iter()
            .find(|&separator| text.contains(separator))
            .unwrap_or('|');
        text.split(separator)
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A text, or the texts of a JSON list one after the other.
    pub(super) fn prose(&self, column: usize) -> String {
        let text = self.text(column);
        if text.starts_with('[')
            && let Ok(value) = serde_json::from_str(text)
        {
            let mut texts = Vec::new();
            flatten(value, &mut texts);
            return texts.join(" ");
        }
        text.to_owned()
    }

    /// The refusal of a cell.
    pub(super) fn bad(&self, column: usize, expected: &'static str) -> DataError {
        const MAX_SHOWN_CHARS: usize = 80;
        DataError::BadCell {
            column: self.header[column].clone(),
            expected,
            found: self.cells[column].chars().take(MAX_SHOWN_CHARS).collect(),
            line: self.line,
            path: self.path.to_owned(),
        }
    }
}

/// The texts and numbers of a list, those of lists inside it included, in order.
fn flatten(value: serde_json::Value, texts: &mut Vec<String>) {
    use serde_json::Value;
    match value {
        Value::String(text) if !text.is_empty() => texts.push(text),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(values) => values.into_iter().for_each(|value| flatten(value, texts)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Object(_) => {}
    }
}
