//! Readers: from files of several layouts to one [`Dataset`]. A reader only parses;
//! `builder` sorts, numbers and fingerprints what it found.

mod builder;
mod cell;
mod generic;
mod kuairand;
pub mod simulator;
mod table;

use std::path::Path;

use super::config::DataConfig;
use super::{DataError, Dataset};

/// What the readers look for, for messages.
const EXPECTED: &str = "a KuaiRand folder (log_standard_*.csv), a folder with a CSV, JSON Lines or Parquet file whose \
                        name contains event, inter, log or rating, or one such file";

/// Reads a dataset from a folder or a file; the files present decide which reader is used.
///
/// # Errors
/// [`DataError`] naming the file and, where there is one, the line and the column.
pub fn load(path: &Path, config: &DataConfig) -> Result<Dataset, DataError> {
    let mut dataset = if let Some(files) = kuairand::detect(path)? {
        kuairand::load(&files, config)?
    } else if let Some(files) = generic::detect(path)? {
        generic::load(&files, config)?
    } else {
        return Err(DataError::Unrecognised {
            expected: EXPECTED.to_owned(),
            found: found_names(path)?,
            path: path.to_owned(),
        });
    };
    dataset.name = name_of(path);
    if dataset.log.is_empty() {
        return Err(DataError::Empty {
            found: "no event could be read".to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(dataset)
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
fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn found_names(path: &Path) -> Result<String, DataError> {
    const N_SHOWN: usize = 8;
    let names: Vec<String> = files_in(path)?.iter().map(|file| file_name(file)).collect();
    Ok(match names.len() {
        0 => "no files".to_owned(),
        n if n > N_SHOWN => format!("{} and {} more", names[..N_SHOWN].join(", "), n - N_SHOWN),
        _ => names.join(", "),
    })
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
