//! Tables in CSV (comma, semicolon or tab), JSON Lines, Parquet and lines with another separator, read row by row as
//! text cells under one header; CSV, JSON Lines and lines may be compressed with gzip. One row is in memory at a time.
//! What the cells mean is decided in [`cell`](super::cell) and by the readers.

mod csv;
mod json_lines;
mod lines;
mod parquet;
mod python_literal;
mod stream;

use std::path::{Path, PathBuf};

use super::super::DataError;
use super::super::check::{ColumnCheck, FileCheck};
use super::cell::Row;
use super::file_name;
use super::reading::Reading;

pub(super) use python_literal::parse as parse_python;
pub(super) use stream::{Input, Position, first_line};

/// One row: a text per column of the header; an empty text is a missing value.
type Record = ::csv::StringRecord;

/// What reading one row came to.
enum Next {
    /// The record holds the row of this line, or of this row number where the format has no lines; from 1, the header
    /// included.
    Row(u64),
    /// This row is spoilt, the next one may not be.
    Bad(DataError),
    End,
}

/// The rows of a file that is being read: each call fills the record. An error ends the file.
type Rows = Box<dyn FnMut(&mut Record) -> Result<Next, DataError>>;

/// An open file in one of the formats.
struct Opened {
    header: Vec<String>,
    rows: Rows,
    position: Position,
}

/// How the rows of a file are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// By the file's ending.
    ByName,
    /// Tab-separated without quotes.
    PlainTabs,
    /// JSON Lines of which only these keys are of use.
    JsonKeys(&'static [&'static str]),
    /// Lines without a header and cells between this separator; UTF-8 or Latin-1.
    Lines {
        separator: &'static str,
        header: &'static [&'static str],
    },
}

/// An open table.
pub(super) struct Table {
    path: PathBuf,
    holds: &'static str,
    opened: Opened,
    columns: Vec<ColumnCheck>,
}

/// Whether the name ends like a table that can be read.
pub(super) fn is_table(path: &Path) -> bool {
    Format::of(path).is_some()
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
    Parquet,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let name = file_name(path).to_ascii_lowercase();
        let (_, ending) = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.')?;
        match ending {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "parquet" if !name.ends_with(".gz") => Some(Self::Parquet),
            _ => None,
        }
    }
}

impl Table {
    /// Opens a file and reads its header. `holds` says what the file is for, in a word or two.
    pub(super) fn open(path: &Path, form: Form, holds: &'static str) -> Result<Self, DataError> {
        let opened = match form {
            Form::ByName => match Format::of(path) {
                Some(Format::JsonLines) => json_lines::open(path, None)?,
                Some(Format::Parquet) => parquet::open(path)?,
                Some(Format::Csv) | None => csv::open(path, csv::Quotes::Yes)?,
            },
            Form::PlainTabs => csv::open(path, csv::Quotes::No)?,
            Form::JsonKeys(keys) => json_lines::open(path, Some(keys))?,
            Form::Lines { separator, header } => lines::open(path, separator, header)?,
        };
        for (idx, name) in opened.header.iter().enumerate() {
            if opened.header[..idx].contains(name) {
                let found = format!("two columns are called {name:?}");
                return Err(malformed(path, "a table", found, 1));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            holds,
            opened,
            columns: Vec::new(),
        })
    }

    /// Cuts what follows a colon off the names of the columns: their types in atomic files.
    pub(super) fn without_types(mut self) -> Self {
        for name in &mut self.opened.header {
            if let Some(at) = name.find(':') {
                name.truncate(at);
            }
        }
        self
    }

    /// The position of a column, which is used as `ours`.
    pub(super) fn column(&mut self, ours: &str, theirs: &str) -> Option<usize> {
        let found = self.opened.header.iter().position(|name| name == theirs);
        self.columns.push(ColumnCheck {
            name: theirs.to_owned(),
            used_as: Some(ours.to_owned()),
            is_found: found.is_some(),
        });
        found
    }

    /// The position of a column that must be there.
    pub(super) fn require(&mut self, ours: &str, theirs: &str) -> Result<usize, DataError> {
        self.column(ours, theirs)
            .ok_or_else(|| DataError::MissingColumn {
                column: theirs.to_owned(),
                found: self.opened.header.clone(),
                path: self.path.clone(),
            })
    }

    /// Names of all columns.
    pub(super) fn header(&self) -> &[String] {
        &self.opened.header
    }

    /// Whether a column of that name exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.opened.header.iter().any(|column| column == name)
    }

    /// The file's name.
    pub(super) fn name(&self) -> String {
        file_name(&self.path)
    }

    /// Gives every row to `use_row`. Bad rows end the reading, or are left out, counted and shown by the first of them.
    pub(super) fn for_each_row(
        mut self,
        reading: &mut Reading<'_, '_>,
        mut use_row: impl FnMut(&Row<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut file = FileCheck {
            name: file_name(&self.path),
            holds: self.holds.to_owned(),
            columns: std::mem::take(&mut self.columns),
            ..FileCheck::default()
        };
        for name in &self.opened.header {
            if !file.columns.iter().any(|column| column.name == *name) {
                file.columns.push(ColumnCheck {
                    name: name.clone(),
                    used_as: None,
                    is_found: true,
                });
            }
        }
        let outcome = self.read_rows(reading, &mut file, &mut use_row);
        reading.add_file(file);
        outcome
    }

    fn read_rows(
        mut self,
        reading: &mut Reading<'_, '_>,
        file: &mut FileCheck,
        use_row: &mut impl FnMut(&Row<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut record = Record::new();
        loop {
            reading.tick(file, &self.opened.position)?;
            let outcome = match (self.opened.rows)(&mut record)? {
                Next::End => return Ok(()),
                Next::Bad(error) => Err(error),
                Next::Row(line) => use_row(&Row {
                    path: &self.path,
                    header: &self.opened.header,
                    cells: &record,
                    line,
                }),
            };
            file.rows += 1;
            if let Err(error) = outcome {
                reading.leave_out(error, file)?;
            }
        }
    }
}

pub(super) fn malformed(
    path: &Path,
    format: &'static str,
    found: impl ToString,
    line: u64,
) -> DataError {
    DataError::Malformed {
        format,
        found: found.to_string(),
        line,
        path: path.to_owned(),
    }
}

/// What a failed read means: the system refuses, or what it gives cannot be unpacked or taken apart.
pub(super) fn io(path: &Path, source: std::io::Error) -> DataError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match source.kind() {
        InvalidData | InvalidInput | Other | UnexpectedEof => {
            malformed(path, "gzip or rows", source, 0)
        }
        _ => DataError::Io {
            path: path.to_owned(),
            source,
        },
    }
}
