//! JSON Lines: one object per line. The header is the union of the keys of all objects, in alphabetical order;
//! values that are lists or objects stay JSON text.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::super::super::DataError;
use super::{Record, Rows, io, malformed, open_file};

const FORMAT: &str = "JSON Lines";

/// A longer line is not one object per line.
const MAX_LINE_BYTES: u64 = 1 << 24;

/// More keys than this are data in the wrong place.
const MAX_COLUMNS: usize = 4096;

/// Opens a file: its header and its rows.
pub(super) fn open(path: &Path) -> Result<(Vec<String>, Rows), DataError> {
    let mut keys = BTreeSet::new();
    for object in Objects::open(path)? {
        // A bad row adds no column; it is reported when the rows are read.
        if let Ok((object, line)) = object? {
            keys.extend(object.into_iter().map(|(key, _)| key));
            if keys.len() > MAX_COLUMNS {
                let found = format!("more than {MAX_COLUMNS} different keys");
                return Err(malformed(path, FORMAT, found, line));
            }
        }
    }
    let header: Vec<String> = keys.into_iter().collect();
    let columns = header.clone();
    let rows = Objects::open(path)?.map(move |object| {
        object.map(|row| {
            row.map(|(mut object, line)| Record {
                cells: columns
                    .iter()
                    .map(|name| object.remove(name).map(text).unwrap_or_default())
                    .collect(),
                line,
            })
        })
    });
    Ok((header, Box::new(rows)))
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The objects of a file with their lines.
struct Objects {
    reader: BufReader<std::fs::File>,
    path: std::path::PathBuf,
    line: u64,
    is_over: bool,
}

impl Objects {
    fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Self {
            reader: BufReader::new(open_file(path)?),
            path: path.to_owned(),
            line: 0,
            is_over: false,
        })
    }
}

impl Iterator for Objects {
    type Item = Result<Result<(Map<String, Value>, u64), DataError>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        loop {
            let mut bytes = Vec::new();
            self.line += 1;
            let read = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut bytes);
            if let Err(source) = read {
                self.is_over = true;
                return Some(Err(io(&self.path, source)));
            }
            if bytes.is_empty() {
                self.is_over = true;
                return None;
            }
            if bytes.len() as u64 == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
                self.is_over = true;
                let found = format!("a line of more than {MAX_LINE_BYTES} bytes");
                return Some(Err(malformed(&self.path, FORMAT, found, self.line)));
            }
            let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            if json.trim_ascii().is_empty() {
                continue;
            }
            let object = serde_json::from_slice(json)
                .map(|object| (object, self.line))
                .map_err(|error| malformed(&self.path, FORMAT, error, self.line));
            return Some(Ok(object));
        }
    }
}
