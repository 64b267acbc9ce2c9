//! The project's own rules, checked on its text: layers, file sizes, heads, words and versions.
//!
//! Does not use the library: it reads the checkout as files. Every failure names the file, the line
//! and the reason for the rule. Rules that a lint can express are in Cargo.toml and clippy.toml.

mod files;
mod layers;
mod source;
mod words;

use std::fs;
use std::path::Path;

use files::{read, rust_files, walk};

/// Longest file, without its tests.
const MAX_LINES: usize = 400;

/// Largest committed sample dataset.
const MAX_SAMPLE_BYTES: u64 = 3_000_000;

/// Fails with every place where a rule is broken.
fn check(rule: &str, found: Vec<String>) {
    assert!(
        found.is_empty(),
        "rule {rule:?} is broken {} times:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn files_have_a_head_and_stay_short() {
    let mut found = Vec::new();
    for source in rust_files(&["src", "tests", "benches"]) {
        if !source.text.starts_with("//!") {
            found.push(format!(
                "{}:1: start with //! and say what the file is and is not",
                source.path
            ));
        }
        let n_lines = source.code.len();
        if n_lines > MAX_LINES {
            found.push(format!(
                "{}:{MAX_LINES}: {n_lines} lines without tests; one file is one idea, split it",
                source.path
            ));
        }
    }
    check("heads and sizes", found);
}

#[test]
fn the_lock_file_has_one_version_of_each_shared_crate() {
    let lock = read("Cargo.lock");
    let mut found = Vec::new();
    for name in ["burn", "eframe", "egui", "wgpu"] {
        let n_versions = lock
            .lines()
            .filter(|line| *line == format!("name = \"{name}\""))
            .count();
        if n_versions != 1 {
            found.push(format!(
                "Cargo.lock:1: {n_versions} versions of {name}: their types would not fit together"
            ));
        }
    }
    check("versions", found);
}

#[test]
fn presets_use_known_sections_only() {
    let sections = config_sections();
    assert!(
        sections.contains(&"model".to_owned()),
        "read the sections wrongly: {sections:?}"
    );
    let mut found = Vec::new();
    for path in walk(Path::new("assets/presets")) {
        let path = path.display().to_string();
        match read(&path).parse::<toml::Table>() {
            Err(error) => found.push(format!("{path}: {error}")),
            Ok(table) => found.extend(
                table
                    .keys()
                    .filter(|key| !sections.contains(key))
                    .map(|key| format!("{path}: unknown section {key:?}; known: {sections:?}")),
            ),
        }
    }
    check("presets", found);
}

#[test]
fn samples_stay_small() {
    let mut found = Vec::new();
    for entry in fs::read_dir("datasets").into_iter().flatten() {
        let folder = entry.expect("datasets can be listed").path();
        let bytes: u64 = walk(&folder)
            .iter()
            .map(|path| fs::metadata(path).map_or(0, |file| file.len()))
            .sum();
        if bytes > MAX_SAMPLE_BYTES {
            found.push(format!(
                "{}: {bytes} bytes: a clone must stay quick",
                folder.display()
            ));
        }
    }
    check("samples", found);
}

#[test]
fn the_code_map_names_every_folder() {
    let map = read("ARCHITECTURE.md");
    let mut found = Vec::new();
    for layer in ["src/engine", "src/app"] {
        for entry in fs::read_dir(layer).expect("the sources are here") {
            let path = entry.expect("the sources can be listed").path();
            let name = path
                .file_name()
                .expect("a listed entry has a name")
                .to_string_lossy();
            if path.is_dir() && !map.contains(&format!("`{name}/`")) {
                found.push(format!(
                    "ARCHITECTURE.md: says nothing of {layer}/{name}/; the map must be whole"
                ));
            }
        }
    }
    check("code map", found);
}

/// The top-level keys of a configuration: the fields of `ExperimentConfig`.
fn config_sections() -> Vec<String> {
    read("src/engine/config/mod.rs")
        .lines()
        .skip_while(|line| !line.starts_with("pub struct ExperimentConfig"))
        .take_while(|line| *line != "}")
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .collect()
}
