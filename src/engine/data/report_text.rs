//! What a dataset contains and what a check of files found, as text: the same in the terminal and on the clipboard.

use std::fmt::Write as _;

use super::check::{BadRow, DataCheck, FileCheck};
use super::stats::DatasetStats;

/// The report of a check, several lines.
pub fn check_text(check: &DataCheck) -> String {
    let format = check.format.as_deref().unwrap_or("not recognised");
    let mut lines = vec![
        format!("{}: {}", check.path.display(), check.verdict.describe()),
        format!("layout: {format} ({})", check.why),
    ];
    if let Some(problem) = &check.problem {
        lines.push(format!("problem: {problem}"));
    }
    lines.extend(check.files.iter().map(file_text));
    let rows = check.bad_rows.iter();
    lines.extend(rows.map(|row| format!("bad row: {}: {}", place(row), row.what)));
    let n_more = check.n_bad_rows.saturating_sub(check.bad_rows.len() as u64);
    if n_more > 0 {
        lines.push(format!("and {n_more} more"));
    }
    let warnings = check.warnings.iter();
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    let advice = check.advice.iter();
    lines.extend(advice.map(|advice| format!("advice: {advice}")));
    let mut text = lines.join("\n");
    if let Some(stats) = &check.stats {
        text.push_str("\n\n");
        text.push_str(&counts_text(stats));
    }
    text
}

/// Counts, feedback and sessions, several lines.
pub fn counts_text(stats: &DatasetStats) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let counts = [
        row("users", stats.users.to_string()),
        row("items", stats.items.to_string()),
        row("events", stats.events.to_string()),
        row("positive events", stats.positives.to_string()),
        row("sparsity", format!("{:.5}", stats.sparsity)),
        row("sessions found", stats.sessions.to_string()),
        row("sessions kept", stats.sessions_kept.to_string()),
        row("held-out users", stats.test_users.to_string()),
        row(
            "tied times",
            format!("{:.1} %", 100.0 * stats.tied_times_frac),
        ),
        row(
            "of them by item",
            format!("{:.1} %", 100.0 * stats.sorted_ties_frac),
        ),
        row("repeated events", stats.duplicates.to_string()),
        row(
            "true utility",
            if stats.has_oracle { "known" } else { "unknown" }.to_owned(),
        ),
    ];
    let feedback: Vec<Vec<String>> = stats
        .feedback
        .iter()
        .map(|(name, count)| row(name, count.to_string()))
        .collect();
    let sessions: Vec<Vec<String>> = stats
        .sessions_by_rule
        .iter()
        .map(|sessions| {
            let known = |n: u64| sessions.found.map_or("-".to_owned(), |_| n.to_string());
            let found = known(sessions.found.unwrap_or_default());
            vec![sessions.words.clone(), found, known(sessions.kept)]
        })
        .collect();
    let features: Vec<Vec<String>> = stats
        .features
        .iter()
        .map(|used| {
            let values = match used.values {
                _ if !used.is_present => "absent".to_owned(),
                Some(n) => n.to_string(),
                None => "-".to_owned(),
            };
            vec![used.feature.clone(), values, used.pathways.clone()]
        })
        .collect();
    format!(
        "{}\n\nFeedback\n{}\n\n\
         Features: different values, pathways that read them (model.system = \"pathways\")\n{}\n\n\
         Sessions under each grouping: found, kept\n{}",
        columns(&counts),
        columns(&feedback),
        columns(&features),
        columns(&sessions)
    )
}

/// Rows under each other: the first column to the left, the others to the right.
pub fn columns(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let written = if column == 0 {
                write!(line, "  {cell:<width$}")
            } else {
                write!(line, "  {cell:>width$}")
            };
            written.expect("a string takes everything");
        }
        line
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Where a bad row stands: file, line and column as far as they are known.
pub fn place(row: &BadRow) -> String {
    let line = match row.line {
        0 => String::new(),
        line => format!(" line {line}"),
    };
    let column = row.column.as_ref().map(|name| format!(", column {name:?}"));
    format!("{}{line}{}", row.file, column.unwrap_or_default())
}

fn file_text(file: &FileCheck) -> String {
    if !file.is_read() {
        return format!("file {}: {}", file.name, file.holds);
    }
    let bad = match file.bad_rows {
        0 => String::new(),
        n => format!(", {n} of them bad"),
    };
    let mut text = format!(
        "file {}: {}, {} rows{bad}",
        file.name, file.holds, file.rows
    );
    for (what, names) in file.column_uses() {
        write!(text, "\n  {what}: {}", names.join(", ")).expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::check::{ColumnCheck, Verdict};
    use super::*;

    #[test]
    fn the_report_says_layout_columns_bad_rows_and_advice() {
        let column = |name: &str, used_as: Option<&str>, is_found| ColumnCheck {
            name: name.to_owned(),
            used_as: used_as.map(str::to_owned),
            is_found,
        };
        let check = DataCheck {
            path: "log.csv".into(),
            format: Some("generic".to_owned()),
            why: "a CSV file".to_owned(),
            verdict: Verdict::NotUsable,
            problem: Some("2 of 9 rows cannot be read".to_owned()),
            advice: vec!["correct the rows".to_owned()],
            files: vec![
                FileCheck {
                    name: "log.csv".to_owned(),
                    holds: "events".to_owned(),
                    rows: 9,
                    bad_rows: 2,
                    columns: vec![
                        column("uid", Some("user"), true),
                        column("time", Some("time"), false),
                        column("extra", None, true),
                    ],
                },
                FileCheck {
                    name: "notes.txt".to_owned(),
                    holds: "not read: not a table".to_owned(),
                    ..FileCheck::default()
                },
            ],
            bad_rows: vec![BadRow {
                file: "log.csv".to_owned(),
                line: 3,
                column: Some("uid".to_owned()),
                what: "it is empty".to_owned(),
            }],
            n_bad_rows: 2,
            ..DataCheck::default()
        };
        let expected = "log.csv: cannot be used as it is\n\
            layout: generic (a CSV file)\n\
            problem: 2 of 9 rows cannot be read\n\
            file log.csv: events, 9 rows, 2 of them bad\n  used: uid as user\n  not there: time\n  not used: extra\n\
            file notes.txt: not read: not a table\n\
            bad row: log.csv line 3, column \"uid\": it is empty\n\
            and 1 more\n\
            advice: correct the rows";
        assert_eq!(check_text(&check), expected);
    }

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [["a", "10"], ["long", "5"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "  a     10\n  long   5");
    }
}
