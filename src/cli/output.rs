//! The only place that writes to the terminal. A reader that went away (`onerec doctor | head`) is no failure.

use std::io::{Write as _, stderr, stdout};

use onerec_workbench::engine::data::report_text;
use onerec_workbench::engine::event::EventRecord;

/// A line of the result.
pub(crate) fn line(text: &str) {
    writeln!(stdout().lock(), "{text}").ok();
}

/// A line about the work, apart from the result.
pub(crate) fn remark(text: &str) {
    writeln!(stderr().lock(), "{text}").ok();
}

/// An event as one line of JSON.
pub(crate) fn record(record: &EventRecord) {
    match serde_json::to_string(record) {
        Ok(text) => line(&text),
        Err(error) => remark(&format!(
            "error: could not write event {}: {error}",
            record.seq
        )),
    }
}

/// Columns under each other: the first to the left, the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) {
    line(&report_text::columns(rows));
}
