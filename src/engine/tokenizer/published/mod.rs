//! Tables of semantic IDs made elsewhere: read, matched with a catalogue's items, written.
//!
//! Two forms are read: JSON, an object from item to codes (MiniOneRec's `.index.json` and its many relatives), and
//! Parquet with an identifier and one column per level, which is also what the workbench exports.

mod json;
mod parquet;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Code, SemanticIdTable, TokenizerError};
use crate::engine::error::EngineError;
use crate::engine::run::atomic;

/// Most levels of a table that is read.
const MOST_LEVELS: usize = 8;

/// A table as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedTable {
    /// The file.
    pub path: PathBuf,
    /// What the file calls the items.
    pub keys: Vec<String>,
    /// Row = key.
    pub table: SemanticIdTable,
}

/// How the keys of a table name the items of a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// They are the dataset's own identifiers.
    Identifiers,
    /// They count the items from 0, in order of identifier.
    Places,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Identifiers => "are the items' identifiers",
            Self::Places => "count the items in order of identifier",
        })
    }
}

/// Reads a table. The number of codes per level is the least power of two above the largest code: files do not say.
///
/// # Errors
/// If the file cannot be read, is of neither form, names an item twice, or its items have different numbers of codes.
pub fn read(path: &Path) -> Result<PublishedTable, TokenizerError> {
    let refuse = |found: String| TokenizerError::Published {
        found,
        path: path.to_owned(),
    };
    let is_parquet = path.extension().is_some_and(|kind| kind == "parquet");
    let entries = if is_parquet {
        parquet::entries(path)
    } else {
        json::entries(path)
    }
    .map_err(refuse)?;
    let n_levels = entries.first().map_or(0, |(_, codes)| codes.len());
    if !(1..=MOST_LEVELS).contains(&n_levels) {
        return Err(refuse(match entries.first() {
            None => "it names no item".to_owned(),
            Some((key, _)) => format!("item {key:?} has {n_levels} codes"),
        }));
    }
    let mut rows = HashMap::with_capacity(entries.len());
    let mut codes: Vec<Code> = Vec::with_capacity(entries.len() * n_levels);
    let mut keys = Vec::with_capacity(entries.len());
    for (key, sid) in entries {
        if sid.len() != n_levels {
            let (found, expected) = (sid.len(), n_levels);
            return Err(refuse(format!(
                "item {key:?} has {found} codes, the items before have {expected}"
            )));
        }
        if rows.insert(key.clone(), ()).is_some() {
            return Err(refuse(format!("item {key:?} stands there twice")));
        }
        codes.extend(sid);
        keys.push(key);
    }
    let largest = codes.iter().copied().max().map_or(0, usize::from);
    let codebook_size = (largest + 1).next_power_of_two().max(2);
    Ok(PublishedTable {
        path: path.to_owned(),
        keys,
        table: SemanticIdTable::new(n_levels, codebook_size, codes),
    })
}

impl PublishedTable {
    /// The table in the order of a catalogue's items, and how its keys name them. Items of the file that the
    /// catalogue lacks are left out.
    ///
    /// # Errors
    /// If an item of the catalogue has no ID.
    pub fn for_items(&self, items: &[&str]) -> Result<(SemanticIdTable, KeyKind), TokenizerError> {
        let rows: HashMap<&str, usize> = self
            .keys
            .iter()
            .enumerate()
            .map(|(row, key)| (key.as_str(), row))
            .collect();
        let (found, kind) = match self.by_place(items, &rows) {
            Some(found) => (found, KeyKind::Places),
            None => {
                let found: Option<Vec<usize>> =
                    items.iter().map(|id| rows.get(id).copied()).collect();
                let missing = || TokenizerError::Incomplete {
                    n_missing: items.iter().filter(|id| !rows.contains_key(*id)).count(),
                    n_items: items.len(),
                    example: items
                        .iter()
                        .find(|id| !rows.contains_key(*id))
                        .map_or_else(String::new, |id| (*id).to_owned()),
                    path: self.path.clone(),
                };
                (found.ok_or_else(missing)?, KeyKind::Identifiers)
            }
        };
        let n_levels = self.table.n_levels();
        let codes = found
            .into_iter()
            .flat_map(|row| &self.table.codes()[row * n_levels..][..n_levels])
            .copied()
            .collect();
        let table = SemanticIdTable::new(n_levels, self.table.codebook_size(), codes);
        Ok((table, kind))
    }

    /// The row of every item, where the keys are 0 to n - 1 and the identifiers other numbers.
    fn by_place(&self, items: &[&str], rows: &HashMap<&str, usize>) -> Option<Vec<usize>> {
        let are_identifiers = items.iter().all(|id| rows.contains_key(id));
        if are_identifiers || self.keys.len() != items.len() {
            return None;
        }
        let mut numbers: Vec<(u64, usize)> = items
            .iter()
            .enumerate()
            .map(|(item, id)| Some((id.parse().ok()?, item)))
            .collect::<Option<_>>()?;
        numbers.sort_unstable();
        let mut found = vec![0; items.len()];
        for (place, (_, item)) in numbers.into_iter().enumerate() {
            found[item] = *rows.get(place.to_string().as_str())?;
        }
        Some(found)
    }
}

/// Writes a table as MiniOneRec's `.index.json`: `{"12": ["<a_3>", "<b_7>", "<c_0>"]}`, the levels lettered from a.
///
/// # Errors
/// If the file cannot be written.
pub fn write_json<'a>(
    path: &Path,
    items: impl Iterator<Item = (&'a str, &'a [Code])>,
) -> Result<(), EngineError> {
    atomic::write(path, json::text(items).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::data::ItemIdx;
    use crate::engine::tokenizer::health::collisions;

    fn file(name: &str, text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        atomic::write(&path, text).unwrap();
        (folder, path)
    }

    fn json(text: &str) -> Result<PublishedTable, TokenizerError> {
        let (_folder, path) = file("table.json", text.as_bytes());
        read(&path)
    }

    #[test]
    fn the_forms_of_others_are_read() {
        for text in [
            r#"{"7": ["<a_3>", "<b_200>"], "9": ["<a_0>", "<b_1>"]}"#,
            r#"{"7": [3, 200], "9": [0, 1]}"#,
            r#"{"7": "<|sid_begin|><s_a_3><s_b_200><|sid_end|>", "9": "<s_a_0><s_b_1>"}"#,
        ] {
            let found = json(text).unwrap();
            assert_eq!(found.keys, ["7", "9"]);
            assert_eq!(found.table.codes(), [3, 200, 0, 1], "{text}");
            assert_eq!(found.table.codebook_size(), 256);
        }
    }

    #[test]
    fn what_is_no_table_is_refused_with_what_is_wrong() {
        for (text, expected) in [
            ("", "EOF"),
            ("[1, 2]", "expected"),
            ("{}", "names no item"),
            (r#"{"7": []}"#, "\"7\" has 0 codes"),
            (r#"{"7": [1, 2], "8": [1]}"#, "item \"8\" has 1 codes"),
            (r#"{"7": [1], "7": [2]}"#, "\"7\" stands there twice"),
            (r#"{"7": [-1]}"#, "item \"7\""),
            (r#"{"7": [65536]}"#, "item \"7\""),
            (r#"{"7": [1.5]}"#, "item \"7\""),
            (r#"{"7": ["red"]}"#, "item \"7\""),
            (r#"{"7": {"a": 1}}"#, "item \"7\""),
            (r#"{"7": [1]"#, "EOF"),
            (r#"{"7": [0,0,0,0,0,0,0,0,0]}"#, "9 codes"),
        ] {
            let error = json(text).unwrap_err().to_string();
            assert!(
                error.contains(expected) && error.contains("table.json"),
                "{text}: {error}"
            );
        }
        let (_folder, path) = file("table.parquet", b"no table");
        assert!(read(&path).is_err());
        assert!(read(Path::new("nowhere.json")).is_err());
    }

    #[test]
    fn keys_are_identifiers_or_places() {
        let found = json(r#"{"0": [0], "1": [1], "2": [2]}"#).unwrap();
        let ids = ["2", "0"];
        let (table, kind) = found.for_items(&ids).unwrap();
        assert_eq!(
            (table.codes(), kind),
            (&[2, 0][..], KeyKind::Identifiers),
            "items that the catalogue lacks are left out"
        );
        // Counted from 1 there, from 0 here; the catalogue stands in another order.
        let (table, kind) = found.for_items(&["3", "1", "2"]).unwrap();
        assert_eq!((table.codes(), kind), (&[2, 0, 1][..], KeyKind::Places));
        let error = found.for_items(&["B00X", "1"]).unwrap_err().to_string();
        assert!(
            error.contains("1 of 2") && error.contains("B00X"),
            "{error}"
        );
    }

    #[test]
    fn an_exported_parquet_table_is_read_by_its_identifiers() {
        use std::sync::Arc;

        use ::parquet::arrow::ArrowWriter;
        use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt16Array};

        let columns: Vec<(&str, ArrayRef)> = vec![
            ("external_id", Arc::new(StringArray::from(vec!["x", "y"]))),
            ("code_0", Arc::new(UInt16Array::from(vec![1, 2]))),
            ("code_1", Arc::new(UInt16Array::from(vec![0, 3]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let (_folder, path) = file("semantic_ids.parquet", &bytes);
        let found = read(&path).unwrap();
        assert_eq!(found.keys, ["x", "y"]);
        assert_eq!(found.table.sid(ItemIdx(1)), [2, 3]);
    }

    /// Published tables in the folder `ONEREC_DATA`, with the shares of shared IDs that are known of them.
    #[test]
    fn published_tables_collide_as_published() {
        let Some(root) = std::env::var_os("ONEREC_DATA").map(PathBuf::from) else {
            eprintln!(
                "skipped: set ONEREC_DATA to the folder that holds amazon-beauty and amazon-scientific"
            );
            return;
        };
        for (name, n_items, percent) in [
            (
                "amazon-beauty/sid/collisiongenrec_rkmeans_native.json",
                12_101,
                13.0,
            ),
            (
                "amazon-beauty/sid/collisiongenrec_rqvae_native.json",
                12_101,
                5.0,
            ),
            ("amazon-beauty/sid/letter.index.json", 12_101, 0.1),
            (
                "amazon-scientific/sid/collisiongenrec_rkmeans_native.json",
                4_344,
                20.1,
            ),
            (
                "amazon-scientific/sid/collisiongenrec_rqvae_native.json",
                4_344,
                12.8,
            ),
            (
                "amazon-scientific/sid/collisiongenrec_letter_native.json",
                4_344,
                0.6,
            ),
        ] {
            let found = read(&root.join(name)).unwrap();
            assert_eq!(found.table.n_items(), n_items, "{name}");
            let rate = 100.0 * collisions(&found.table).rate;
            assert!((rate - percent).abs() < 0.05, "{name}: {rate}");
        }
        for dataset in ["amazon-beauty", "amazon-scientific"] {
            for entry in std::fs::read_dir(root.join(dataset).join("sid")).unwrap() {
                let path = entry.unwrap().path();
                let found = read(&path).unwrap();
                assert_eq!(found.table.n_levels(), 4, "{}", path.display());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            sids in prop::collection::vec(prop::collection::vec(0_u16.., 3), 1..40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.index.json");
            let keys: Vec<String> = (0..sids.len()).map(|idx| format!("item \"{idx}\"")).collect();
            let items = keys.iter().map(String::as_str).zip(sids.iter().map(Vec::as_slice));
            write_json(&path, items).unwrap();
            let found = read(&path).unwrap();
            prop_assert_eq!(&found.keys, &keys);
            prop_assert_eq!(found.table.codes(), sids.concat());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for name in ["x.json", "x.parquet"] {
                let (_folder, path) = file(name, &bytes);
                prop_assert!(read(&path).is_err());
            }
        }
    }
}
