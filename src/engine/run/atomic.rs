//! Files appear whole or not at all: written beside their place, flushed to the disk, then renamed.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::engine::error::EngineError;

/// Writes `bytes` to `path`, creating its folder.
///
/// # Errors
/// With the path; what was there before is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let beside = beside(path);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(EngineError::io("create", folder))?;
    }
    let result = File::create(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, path));
    result.map_err(|source| {
        // The half-written file is of no use to anybody.
        std::fs::remove_file(&beside).ok();
        EngineError::Io {
            operation: "write",
            path: path.to_owned(),
            source,
        }
    })
}

/// Writes `value` as indented JSON.
///
/// # Errors
/// As [`write()`].
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), EngineError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| EngineError::Io {
        operation: "serialise",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    text.push(b'\n');
    write(path, &text)
}

/// Fills a folder through `fill` and puts it at `path` only when everything succeeded.
/// A folder already at `path` is replaced.
///
/// # Errors
/// Of `fill`, or with the path.
pub fn write_folder<E: From<EngineError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let beside = beside(path);
    if beside.exists() {
        std::fs::remove_dir_all(&beside).map_err(EngineError::io("remove", &beside))?;
    }
    std::fs::create_dir_all(&beside).map_err(EngineError::io("create", &beside))?;
    if let Err(error) = fill(&beside) {
        std::fs::remove_dir_all(&beside).ok();
        return Err(error);
    }
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(EngineError::io("replace", path))?;
    }
    std::fs::rename(&beside, path).map_err(EngineError::io("create", path))?;
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_folder_leaves_the_old_one_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("step_000010");
        write_folder::<EngineError>(&path, |folder| write(&folder.join("a"), b"old")).unwrap();
        let failed = write_folder::<EngineError>(&path, |folder| {
            write(&folder.join("a"), b"new")?;
            Err(EngineError::Stopped)
        });
        assert!(failed.is_err(), "the failure must reach the caller");
        assert_eq!(std::fs::read(path.join("a")).unwrap(), b"old");
        assert_eq!(
            std::fs::read_dir(root.path()).unwrap().count(),
            1,
            "no partial folder may stay"
        );
    }
}
