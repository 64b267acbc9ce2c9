//! CSV: the delimiter is the one of comma, semicolon and tab that occurs most often in the header line.

use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::Path;

use super::super::super::DataError;
use super::{Record, Rows, io, malformed, open_file};

const FORMAT: &str = "CSV";

/// The header line is looked at up to here.
const N_SNIFFED_BYTES: u64 = 1 << 16;

/// Opens a file: its header and its rows.
pub(super) fn open(path: &Path) -> Result<(Vec<String>, Rows), DataError> {
    let mut file = open_file(path)?;
    let mut first_line = Vec::new();
    BufReader::new((&mut file).take(N_SNIFFED_BYTES))
        .read_until(b'\n', &mut first_line)
        .and_then(|_| file.rewind())
        .map_err(|source| io(path, source))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&first_line))
        .flexible(true)
        .from_reader(file);
    let header: Vec<String> = reader
        .headers()
        .map_err(|error| error_of(path, error))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    if header.iter().all(String::is_empty) {
        return Err(malformed(path, FORMAT, "no header line", 1));
    }
    let n_columns = header.len();
    let path = path.to_owned();
    let rows = reader.into_records().map(move |record| {
        let record = match record {
            Ok(record) => record,
            // The reader goes on after text that is not UTF-8, so that only this row is lost.
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                return Ok(Err(error_of(&path, error)));
            }
            Err(error) => return Err(error_of(&path, error)),
        };
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != n_columns {
            let found = format!("{} cells where the header has {n_columns}", record.len());
            return Ok(Err(malformed(&path, FORMAT, found, line)));
        }
        Ok(Ok(Record {
            cells: record.iter().map(str::to_owned).collect(),
            line,
        }))
    });
    Ok((header, Box::new(rows)))
}

fn delimiter(first_line: &[u8]) -> u8 {
    let count = |delimiter: u8| first_line.iter().filter(|&&byte| byte == delimiter).count();
    // The first of equals wins: a header of one column is read as comma-separated.
    let mut best = b',';
    for candidate in [b';', b'\t'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

fn error_of(path: &Path, error: csv::Error) -> DataError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => io(path, source),
        csv::ErrorKind::Utf8 { err, .. } => malformed(
            path,
            FORMAT,
            format!("text that is not UTF-8 in cell {}", err.field() + 1),
            line,
        ),
        other => malformed(path, FORMAT, format!("{other:?}"), line),
    }
}
