//! JSON Lines: one object per line. Unless the keys of use are given, the header is the union of the keys of all objects,
//! in alphabetical order, and the file is read twice; values that are lists or objects stay JSON text. Objects as Python
//! prints them are taken, too.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::super::super::DataError;
use super::{Input, Next, Opened, Position, io, malformed, python_literal};

const FORMAT: &str = "JSON Lines";

/// More keys than this are data in the wrong place.
const MAX_COLUMNS: usize = 4096;

/// Opens a file: its header and its rows.
pub(super) fn open(
    path: &Path,
    keys: Option<&'static [&'static str]>,
) -> Result<Opened, DataError> {
    let header = match keys {
        Some(keys) => keys.iter().map(|&key| key.to_owned()).collect(),
        None => all_keys(path)?,
    };
    let columns: Vec<String> = header.clone();
    let mut objects = Objects::open(path)?;
    let position = objects.position.clone();
    let rows = Box::new(move |record: &mut ::csv::StringRecord| {
        Ok(match objects.next()? {
            None => Next::End,
            Some(Err(error)) => Next::Bad(error),
            Some(Ok((mut object, line))) => {
                record.clear();
                for name in &columns {
                    match object.remove(name) {
                        None | Some(Value::Null) => record.push_field(""),
                        Some(Value::String(text)) => record.push_field(&text),
                        Some(other) => record.push_field(&other.to_string()),
                    }
                }
                Next::Row(line)
            }
        })
    });
    Ok(Opened {
        header,
        rows,
        position,
    })
}

fn all_keys(path: &Path) -> Result<Vec<String>, DataError> {
    let mut keys = BTreeSet::new();
    let mut objects = Objects::open(path)?;
    while let Some(object) = objects.next()? {
        // A bad row adds no column; it is reported when the rows are read.
        let Ok((object, line)) = object else { continue };
        for (key, _) in object {
            if !keys.contains(&key) {
                keys.insert(key);
            }
        }
        if keys.len() > MAX_COLUMNS {
            let found = format!("more than {MAX_COLUMNS} different keys");
            return Err(malformed(path, FORMAT, found, line));
        }
    }
    Ok(keys.into_iter().collect())
}

/// An object with its line, or why the line is none.
type Object = Result<(Map<String, Value>, u64), DataError>;

/// The objects of a file.
struct Objects {
    reader: BufReader<Input>,
    since_row: Rc<Cell<u64>>,
    position: Position,
    path: PathBuf,
    bytes: Vec<u8>,
    line: u64,
}

impl Objects {
    fn open(path: &Path) -> Result<Self, DataError> {
        let input = Input::open(path)?;
        Ok(Self {
            since_row: input.since_row(),
            position: input.position(),
            reader: BufReader::new(input),
            path: path.to_owned(),
            bytes: Vec::new(),
            line: 0,
        })
    }

    fn next(&mut self) -> Result<Option<Object>, DataError> {
        loop {
            self.since_row.set(0);
            self.bytes.clear();
            self.line += 1;
            let n_read = self
                .reader
                .read_until(b'\n', &mut self.bytes)
                .map_err(|error| io(&self.path, error))?;
            if n_read == 0 {
                return Ok(None);
            }
            let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf");
            let bytes = bytes.unwrap_or(&self.bytes).trim_ascii();
            if !bytes.is_empty() {
                let object = parse(bytes)
                    .map(|object| (object, self.line))
                    .map_err(|found| malformed(&self.path, FORMAT, found, self.line));
                return Ok(Some(object));
            }
        }
    }
}

/// An object in JSON, or as Python prints it where the first key stands between single quotes.
fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(bytes) {
        Ok(object) => Ok(object),
        Err(error) if bytes.starts_with(b"{'") || bytes.starts_with(b"{u'") => {
            let text = std::str::from_utf8(bytes).map_err(|found| found.to_string())?;
            match python_literal::parse(text) {
                Ok(Value::Object(object)) => Ok(object),
                Ok(_) => Err(error.to_string()),
                Err(found) => Err(found),
            }
        }
        // serde_json counts lines inside this one line.
        Err(error) => Err(error.to_string().replace("line 1 column", "column")),
    }
}
