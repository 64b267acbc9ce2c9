//! Tables in CSV (comma, semicolon or tab), JSON Lines and Parquet, read row by row as text cells under one header.
//! What the cells mean is decided in [`cell`](super::cell) and by the readers.

mod csv;
mod json_lines;
mod parquet;

use std::path::{Path, PathBuf};

use super::super::DataError;
use super::cell::Row;
use super::file_name;

/// One row: a text per column of the header; an empty text is a missing value.
#[derive(Clone, Debug, Default)]
struct Record {
    cells: Vec<String>,
    /// Line in the file, or row where the format has no lines; from 1, the header included.
    line: u64,
}

/// What a file yields per row. The outer error ends the file; the inner one spoils a single row.
type RowResult = Result<Result<Record, DataError>, DataError>;

/// The rows of a file that is being read.
type Rows = Box<dyn Iterator<Item = RowResult>>;

/// An open table.
pub(super) struct Table {
    path: PathBuf,
    header: Vec<String>,
    rows: Rows,
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
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

impl Table {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let (header, rows): (Vec<String>, Rows) = match Format::of(path) {
            Some(Format::JsonLines) => json_lines::open(path)?,
            Some(Format::Parquet) => parquet::open(path)?,
            Some(Format::Csv) | None => csv::open(path)?,
        };
        for (idx, name) in header.iter().enumerate() {
            if header[..idx].contains(name) {
                return Err(malformed(
                    path,
                    "a table",
                    format!("two columns are called {name:?}"),
                    1,
                ));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            header,
            rows,
        })
    }

    /// The position of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The position of a column that must be there.
    pub(super) fn require(&self, name: &str) -> Result<usize, DataError> {
        self.column(name).ok_or_else(|| DataError::MissingColumn {
            column: name.to_owned(),
            found: self.header.clone(),
            path: self.path.clone(),
        })
    }

    /// Names of all columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Gives every row to `use_row`. Bad rows end the reading, or are left out with a warning.
    pub(super) fn for_each_row(
        self,
        skip_bad_rows: bool,
        warnings: &mut Vec<String>,
        mut use_row: impl FnMut(&Row<'_>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let Self { path, header, rows } = self;
        let (mut n_rows, mut n_bad) = (0u64, 0u64);
        let mut first_bad = None;
        for record in rows {
            n_rows += 1;
            let outcome = record?.and_then(|record| {
                use_row(&Row {
                    path: &path,
                    header: &header,
                    cells: &record.cells,
                    line: record.line,
                })
            });
            match outcome {
                Ok(()) => {}
                Err(error) if skip_bad_rows => {
                    n_bad += 1;
                    first_bad.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(first) = first_bad {
            warnings.push(format!(
                "{n_bad} of {n_rows} rows of {} were left out; the first: {first}",
                file_name(&path)
            ));
        }
        Ok(())
    }
}

fn malformed(path: &Path, format: &'static str, found: impl ToString, line: u64) -> DataError {
    DataError::Malformed {
        format,
        found: found.to_string(),
        line,
        path: path.to_owned(),
    }
}

fn open_file(path: &Path) -> Result<std::fs::File, DataError> {
    std::fs::File::open(path).map_err(|source| io(path, source))
}

fn io(path: &Path, source: std::io::Error) -> DataError {
    DataError::Io {
        path: path.to_owned(),
        source,
    }
}
