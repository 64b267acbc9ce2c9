//! Lines without a header and cells between a separator of any length, as in `1::1193::5::978300760`. Text that is not
//! UTF-8 is Latin-1: such files are older than the habit.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::super::super::DataError;
use super::{Input, Next, Opened, io, malformed};

const FORMAT: &str = "separated lines";

/// Opens a file whose columns are called `header`.
pub(super) fn open(
    path: &Path,
    separator: &'static str,
    header: &'static [&'static str],
) -> Result<Opened, DataError> {
    let input = Input::open(path)?;
    let (position, since_row) = (input.position(), input.since_row());
    let mut reader = BufReader::new(input);
    let path = path.to_owned();
    let mut bytes = Vec::new();
    let mut line = 0;
    let rows = Box::new(move |record: &mut ::csv::StringRecord| {
        loop {
            since_row.set(0);
            bytes.clear();
            line += 1;
            let n_read = reader
                .read_until(b'\n', &mut bytes)
                .map_err(|error| io(&path, error))?;
            if n_read == 0 {
                return Ok(Next::End);
            }
            let text = decode(&bytes);
            let text = text.trim_end_matches(['\n', '\r']);
            if text.is_empty() {
                continue;
            }
            record.clear();
            text.split(separator)
                .for_each(|cell| record.push_field(cell));
            if record.len() != header.len() {
                let found = format!(
                    "{} cells between {separator:?} instead of {} ({})",
                    record.len(),
                    header.len(),
                    header.join(", ")
                );
                return Ok(Next::Bad(malformed(&path, FORMAT, found, line)));
            }
            return Ok(Next::Row(line));
        }
    });
    Ok(Opened {
        header: header.iter().map(|&name| name.to_owned()).collect(),
        rows,
        position,
    })
}

/// UTF-8, or else Latin-1, whose bytes are the first 256 characters of Unicode.
fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes
            .iter()
            .map(|&byte| char::from(byte))
            .collect::<String>()
            .into(),
    }
}
