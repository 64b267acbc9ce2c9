//! One Rust file as the rules see it: its lines without tests, and the paths that they name.

use std::fs;
use std::path::Path;

use crate::files::read;

/// One Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Line number and text of every line outside `#[cfg(test)]` items; none in a file that is one.
    pub(crate) code: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn new(path: &Path) -> Self {
        let is_test = is_test_module(path);
        let path = path.display().to_string().replace('\\', "/");
        let text = read(&path);
        let code = if is_test {
            Vec::new()
        } else {
            without_tests(&text)
        };
        Self { path, text, code }
    }

    pub(crate) fn hits(&self, patterns: &[&str], reason: &str) -> Vec<String> {
        self.code
            .iter()
            .filter(|(_, line)| {
                patterns
                    .iter()
                    .any(|pattern| code_part(line).contains(pattern))
            })
            .map(|(number, line)| format!("{}:{number}: {}: {reason}", self.path, line.trim()))
            .collect()
    }

    /// Every path that the code outside tests names, with imports unfolded and `super` resolved.
    pub(crate) fn used_paths(&self) -> Vec<(usize, String)> {
        let mut paths = Vec::new();
        let mut lines = self.code.iter();
        while let Some((number, line)) = lines.next() {
            let mut statement = code_part(line).trim().to_owned();
            if statement.starts_with("use ") || statement.starts_with("pub use ") {
                while !statement.ends_with(';') {
                    let Some((_, next)) = lines.next() else { break };
                    statement.push_str(code_part(next).trim());
                }
                let tree = statement.split_once("use ").map_or("", |(_, tree)| tree);
                paths.extend(
                    unfold(tree.trim_end_matches(';'))
                        .into_iter()
                        .map(|path| (*number, path)),
                );
            } else {
                let is_path_char = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let words = statement
                    .split(|c| !is_path_char(c))
                    .filter(|word| word.contains("::"));
                paths.extend(words.map(|word| (*number, word.to_owned())));
            }
        }
        let here = module_of(&self.path);
        paths
            .into_iter()
            .map(|(number, path)| (number, resolve(&here, &path)))
            .collect()
    }
}

/// Whether the folder's `mod.rs` takes the file in for tests only.
fn is_test_module(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let declaration = format!("mod {name};");
    let parent = fs::read_to_string(path.with_file_name("mod.rs")).unwrap_or_default();
    let lines: Vec<&str> = parent.lines().collect();
    lines
        .windows(2)
        .any(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with(&declaration))
}

/// Lines outside items marked `#[cfg(test)]`, found by rustfmt's indentation.
fn without_tests(text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            kept.push((number + 1, line.to_owned()));
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let mut is_first = true;
        for (_, line) in lines.by_ref() {
            if line == end || is_first && line.ends_with(';') {
                break;
            }
            is_first = is_first && line.trim_start().starts_with("#[");
        }
    }
    kept
}

/// The line without its comment.
fn code_part(line: &str) -> &str {
    let code = if line.trim_start().starts_with("//") {
        ""
    } else {
        line
    };
    code.split_once(" // ").map_or(code, |(code, _)| code)
}

/// `a::{b, c::{d, e as f}}` as the paths it stands for.
fn unfold(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree).trim();
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![path.to_owned()]
        };
    };
    let mut paths = Vec::new();
    let (mut depth, mut part) = (0, String::new());
    for c in rest.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 || depth == 0 && c == ',' {
            paths.extend(
                unfold(&part)
                    .into_iter()
                    .map(|path| format!("{}{path}", prefix.trim())),
            );
            part.clear();
        } else {
            part.push(c);
        }
        if depth < 0 {
            break;
        }
    }
    paths
}

/// `src/engine/loss/dpo.rs` as `crate::engine::loss::dpo`.
pub(crate) fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let inner = path.strip_prefix("src/").unwrap_or(path);
    std::iter::once("crate")
        .chain(inner.split('/'))
        .map(str::to_owned)
        .collect()
}

/// The absolute path that a path means inside a module.
fn resolve(here: &[String], path: &str) -> String {
    let mut base = here.to_vec();
    let mut rest = path;
    let mut is_relative = false;
    while let Some((first @ ("super" | "self"), tail)) = rest.split_once("::") {
        is_relative = true;
        rest = tail;
        if first == "super" {
            base.pop();
        }
    }
    if is_relative {
        format!("{}::{rest}", base.join("::"))
    } else {
        path.to_owned()
    }
}

#[test]
fn the_reader_of_sources_is_right() {
    assert_eq!(
        unfold("a::{b, c::{d, e as f}}"),
        ["a::b", "a::c::d", "a::c::e"],
        "imports"
    );
    let text = "a\n#[cfg(test)]\nuse x;\nb\n#[cfg(test)]\nmod tests {\n    c\n}\nd\n";
    let kept: Vec<String> = without_tests(text)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    assert_eq!(kept, ["a", "b", "d"], "test code is left out");
    let here = module_of("src/engine/loss/dpo.rs");
    assert_eq!(
        resolve(&here, "super::super::model::X"),
        "crate::engine::model::X",
        "super"
    );
    assert_eq!(
        resolve(&module_of("src/engine/loss/mod.rs"), "super::model"),
        "crate::engine::model",
        "mod.rs"
    );
}
