//! The files of the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use crate::source::Source;

pub(crate) fn rust_files(folders: &[&str]) -> Vec<Source> {
    let files: Vec<Source> = folders
        .iter()
        .flat_map(|folder| walk(Path::new(folder)))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source::new(&path))
        .collect();
    assert!(
        !files.is_empty(),
        "no Rust files under {folders:?}; run from the checkout"
    );
    files
}

/// Everything a person wrote: code, scripts, settings, documents.
pub(crate) fn text_files() -> Vec<(String, String)> {
    let folders = [
        "src", "tests", "benches", "scripts", ".ci", "assets", "datasets",
    ];
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| walk(Path::new(folder)))
        .collect();
    paths.extend(
        fs::read_dir(".")
            .expect("the checkout can be listed")
            .map(|entry| entry.expect("the checkout can be listed").path()),
    );
    paths
        .into_iter()
        .filter(|path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            path.is_file()
                && (matches!(extension, Some("rs" | "sh" | "py" | "toml" | "md"))
                    || path.ends_with(".ci/run"))
        })
        .map(|path| {
            (
                path.display().to_string(),
                read(&path.display().to_string()),
            )
        })
        .collect()
}

/// All files below a folder, sorted; none where the folder is missing.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a listed folder can be read").path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn is_under(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
