//! What no file of the project may say.
//!
//! Forbidden words are assembled from pieces, so that this file does not contain what it forbids.

use crate::check;
use crate::files::{is_under, rust_files, text_files};

#[test]
fn nothing_is_left_for_later_and_nothing_is_silenced() {
    let anywhere = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
    ];
    let in_code = [concat!("#[al", "low("), concat!("#![al", "low(")];
    let outside_tests = [concat!(".unw", "rap()")];
    let mut found = Vec::new();
    for file in text_files() {
        found.extend(hits(
            &file,
            &anywhere,
            "finish it, or leave it out and say so in the documents",
        ));
    }
    for source in rust_files(&["src", "tests", "benches"]) {
        found.extend(source.hits(
            &in_code,
            "fix the cause, or use expect(lint, reason = \"...\")",
        ));
    }
    for source in rust_files(&["src"]) {
        found.extend(source.hits(
            &outside_tests,
            "return an error, or expect() with the reason why it cannot fail",
        ));
    }
    check("no leftovers", found);
}

#[test]
fn no_path_of_one_machine() {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/t", "mp/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("bash_", "jobs"),
    ];
    let mut found = Vec::new();
    for file in text_files() {
        found.extend(hits(
            &file,
            &places,
            "it exists on one machine only; use a relative path or a variable",
        ));
    }
    check("portable paths", found);
}

#[test]
fn colours_come_from_the_theme() {
    let mut found = Vec::new();
    for source in rust_files(&["src/app"]) {
        if !is_under(&source.path, "src/app/theme") {
            let makers = ["Color32::from_", "hex_color!"];
            found.extend(source.hits(
                &makers,
                "one place decides on colours, so that both themes stay readable",
            ));
        }
    }
    check("colours", found);
}

fn hits((path, text): &(String, String), patterns: &[&str], reason: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| patterns.iter().any(|pattern| line.contains(pattern)))
        .map(|(number, line)| format!("{path}:{}: {}: {reason}", number + 1, line.trim()))
        .collect()
}
