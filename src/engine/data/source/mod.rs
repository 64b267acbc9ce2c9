//! Readers: from files of several layouts to one [`Dataset`]. A reader only parses;
//! `builder` sorts, numbers and fingerprints what it found.

mod amazon;
pub(super) mod builder;
mod cell;
mod event_table;
mod generic;
mod histories;
mod item_json;
mod json_object;
mod kuairand;
mod mini_onerec;
mod movielens;
mod names;
pub(super) mod reading;
mod recbole;
mod recognised;
mod sequences;
pub mod simulator;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::config::DataConfig;
use super::watch::Watch;
use super::{DataError, Dataset};
use reading::Reading;
use recognised::{Listing, Recognised};

/// What the readers look for, for messages.
const EXPECTED: &str = "a folder of KuaiRand (log_standard_*.csv), Amazon reviews (JSON Lines), MovieLens (ratings.csv, \
                        ratings.dat, u.data), RecBole (*.inter), MiniOneRec (csv with history_item_id) or item sequences \
                        (*.inter.json, sequences.txt), a folder with a CSV, JSON Lines or Parquet file whose \
                        name contains event, inter, log or rating, or one such file";

/// Finds a layout among the files; an error is one of the system.
type Detect = fn(&Listing) -> Result<Option<Recognised>, DataError>;

/// The layouts in the order in which they are tried: those with unmistakable names first.
const LAYOUTS: [Detect; 9] = [
    kuairand::detect,
    recbole::detect,
    sequences::detect_json,
    sequences::detect_lines,
    movielens::detect,
    mini_onerec::detect,
    kuairand::detect_labelled,
    amazon::detect,
    generic::detect,
];

/// Reads a dataset from a folder or a file; the files present decide which reader is used.
///
/// # Errors
/// [`DataError`] naming the file and, where there is one, the line and the column.
pub fn load(path: &Path, config: &DataConfig) -> Result<Dataset, DataError> {
    load_watched(path, config, &mut Watch::nobody())
}

/// Like [`load`], with progress and a way to stop.
///
/// # Errors
/// As [`load`], and [`DataError::Stopped`].
pub fn load_watched(
    path: &Path,
    config: &DataConfig,
    watch: &mut Watch<'_>,
) -> Result<Dataset, DataError> {
    recognise(path, config)?.load(path, &mut Reading::new(config, watch))
}

/// Finds the layout. Whoever maps columns means the generic reader.
pub(super) fn recognise(path: &Path, config: &DataConfig) -> Result<Recognised, DataError> {
    let listing = Listing::of(path)?;
    let layouts = if config.columns.is_empty() {
        &LAYOUTS[..]
    } else {
        &LAYOUTS[LAYOUTS.len() - 1..]
    };
    for detect in layouts {
        if let Some(recognised) = detect(&listing)? {
            return Ok(recognised);
        }
    }
    Err(DataError::Unrecognised {
        expected: EXPECTED.to_owned(),
        found: found_names(path)?,
        path: path.to_owned(),
    })
}

/// The files directly inside a folder, sorted by name; the path itself when it is a file.
fn files_in(path: &Path) -> Result<Vec<std::path::PathBuf>, DataError> {
    let io = |source| DataError::Io {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a file or folder as text, without its path.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn found_names(path: &Path) -> Result<String, DataError> {
    const N_SHOWN: usize = 8;
    let mut names: Vec<String> = files_in(path)?.iter().map(|file| file_name(file)).collect();
    names.extend(folders_in(path).iter().map(|name| format!("{name}/")));
    Ok(match names.len() {
        0 => "nothing".to_owned(),
        n if n > N_SHOWN => format!("{} and {} more", names[..N_SHOWN].join(", "), n - N_SHOWN),
        _ => names.join(", "),
    })
}

/// The names of the folders in a folder, for messages.
fn folders_in(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .map(|path| file_name(&path))
        .collect();
    names.sort();
    names
}

/// The dataset's name: that of its folder, or of its file without the ending.
fn name_of(path: &Path) -> String {
    // A path such as "." has no name of its own until it is resolved.
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if full.is_dir() {
        file_name(&full)
    } else {
        full.file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}
