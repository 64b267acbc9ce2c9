//! A JSON file that is one large object, entry by entry in the order of the file, without having all of it in memory.

use std::fmt;
use std::io::BufReader;
use std::path::Path;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::super::DataError;
use super::super::check::FileCheck;
use super::file_name;
use super::reading::Reading;
use super::table::{Input, Position, io, malformed};

const FORMAT: &str = "a JSON object";

/// Gives every entry to `use_entry`, whose error says what is wrong with the entry.
pub(super) fn for_each_entry(
    path: &Path,
    holds: &'static str,
    reading: &mut Reading<'_, '_>,
    use_entry: impl FnMut(&str, &Value) -> Result<(), String>,
) -> Result<(), DataError> {
    let input = Input::open(path)?;
    let mut file = FileCheck {
        name: file_name(path),
        holds: holds.to_owned(),
        ..FileCheck::default()
    };
    let mut ended = None;
    let entries = Entries {
        path,
        position: input.position(),
        reading,
        file: &mut file,
        use_entry,
        ended: &mut ended,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input.whole()));
    let outcome = json.deserialize_map(entries).and_then(|()| json.end());
    reading.add_file(file);
    match (outcome, ended) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) if error.is_io() => Err(io(path, error.into())),
        (Err(error), None) => Err(malformed(path, FORMAT, &error, error.line() as u64)),
    }
}

struct Entries<'r, 'a, 'w, F> {
    path: &'r Path,
    position: Position,
    reading: &'r mut Reading<'a, 'w>,
    file: &'r mut FileCheck,
    use_entry: F,
    /// Why the reading ended early, where that is no fault of the file.
    ended: &'r mut Option<DataError>,
}

impl<'de, F> Visitor<'de> for Entries<'_, '_, '_, F>
where
    F: FnMut(&str, &Value) -> Result<(), String>,
{
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            self.file.rows += 1;
            if let Err(error) = self.reading.tick(self.file, &self.position) {
                *self.ended = Some(error);
                return Err(M::Error::custom("stopped"));
            }
            if let Err(found) = (self.use_entry)(&key, &value) {
                let error = malformed(self.path, FORMAT, &found, 0);
                // The parser adds the line and the column.
                self.reading
                    .leave_out(error, self.file)
                    .map_err(|_refused| M::Error::custom(found))?;
            }
        }
        Ok(())
    }
}
