//! CSV: the delimiter is the one of comma, semicolon and tab that occurs most often in the header line.

use std::path::Path;

use super::super::super::DataError;
use super::{Input, Next, Opened, first_line, io, malformed};

const FORMAT: &str = "CSV";

/// Whether a quotation mark means anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// `"a, b"` is one cell.
    Yes,
    /// A mark is a character; cells are between tabs.
    No,
}

/// Opens a file: its header and its rows.
pub(super) fn open(path: &Path, quotes: Quotes) -> Result<Opened, DataError> {
    let first_line = first_line(path)?;
    let delimiter = match quotes {
        Quotes::Yes => delimiter(&first_line),
        Quotes::No => b'\t',
    };
    // The parser ends a row at the first of two characters that end a line, and counts the line at the second.
    let behind = u64::from(first_line.ends_with('\r'));
    let input = Input::open(path)?;
    let (position, since_row) = (input.position(), input.since_row());
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quotes == Quotes::Yes)
        .flexible(true)
        .from_reader(input);
    let header: Vec<String> = reader
        .headers()
        .map_err(|error| error_of(path, error, 0))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    if header.iter().all(String::is_empty) {
        return Err(malformed(path, FORMAT, "no header line", 1));
    }
    let n_columns = header.len();
    let path = path.to_owned();
    let rows = Box::new(move |record: &mut ::csv::StringRecord| {
        since_row.set(0);
        match reader.read_record(record) {
            Ok(false) => return Ok(Next::End),
            Ok(true) => {}
            // The reader goes on after text that is not UTF-8, so that only this row is lost.
            Err(error) if matches!(error.kind(), ::csv::ErrorKind::Utf8 { .. }) => {
                return Ok(Next::Bad(error_of(&path, error, behind)));
            }
            Err(error) => return Err(error_of(&path, error, behind)),
        }
        let line = record.position().map_or(0, |at| at.line() + behind);
        if record.len() != n_columns {
            let found = format!("{} cells where the header has {n_columns}", record.len());
            return Ok(Next::Bad(malformed(&path, FORMAT, found, line)));
        }
        Ok(Next::Row(line))
    });
    Ok(Opened {
        header,
        rows,
        position,
    })
}

fn delimiter(first_line: &str) -> u8 {
    let count = |delimiter: u8| first_line.bytes().filter(|&byte| byte == delimiter).count();
    // The first of equals wins: a header of one column is read as comma-separated.
    let mut best = b',';
    for candidate in [b';', b'\t'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

fn error_of(path: &Path, error: ::csv::Error, behind: u64) -> DataError {
    let line = error.position().map_or(0, |at| at.line() + behind);
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => io(path, source),
        ::csv::ErrorKind::Utf8 { err, .. } => malformed(
            path,
            FORMAT,
            format!("text that is not UTF-8 in cell {}", err.field() + 1),
            line,
        ),
        other => malformed(path, FORMAT, format!("{other:?}"), line),
    }
}
