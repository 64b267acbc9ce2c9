//! "Check my file": what a reader makes of a path, in words and numbers, whether or not it can be used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::DataConfig;
use super::prepare::prepare_dataset_watched;
use super::source::{self, reading::Reading};
use super::stats::DatasetStats;
use super::watch::Watch;
use super::{DataError, Dataset, FeedbackFlags, InteractionLog};
use crate::engine::error::Hint as _;
use crate::engine::number::count;

/// What a reader makes of a path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataCheck {
    /// The folder or file.
    pub path: PathBuf,
    /// Which layout it is in, for example "KuaiRand"; nothing where none was recognised.
    pub format: Option<String>,
    /// Why that layout, or what was looked for.
    pub why: String,
    /// Whether it can be used.
    pub verdict: Verdict,
    /// What stands in the way, where something does.
    pub problem: Option<String>,
    /// What to do, the most important first.
    pub advice: Vec<String>,
    /// Columns whose names fit what is missing: ours -> the file's, as in [`DataConfig::columns`].
    #[serde(default)]
    pub proposed_columns: BTreeMap<String, String>,
    /// Kinds of feedback to count as positive instead of those of the settings, of which none occurs.
    #[serde(default)]
    pub proposed_positive: Vec<String>,
    /// The files in the order of reading.
    pub files: Vec<FileCheck>,
    /// The first rows that cannot be read.
    pub bad_rows: Vec<BadRow>,
    /// Rows that cannot be read, in all files.
    pub n_bad_rows: u64,
    /// Partial trouble, in words.
    pub warnings: Vec<String>,
    /// Counts and histograms, where the data can be used.
    pub stats: Option<Box<DatasetStats>>,
}

/// Whether a dataset can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it is.
    Usable,
    /// Yes, with what the warnings say in mind.
    UsableWithCare,
    /// No, not before the advice is followed.
    #[default]
    NotUsable,
}

impl Verdict {
    /// In words.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Usable => "can be used",
            Self::UsableWithCare => "can be used with care",
            Self::NotUsable => "cannot be used as it is",
        }
    }
}

/// What was found in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCheck {
    /// Its name.
    pub name: String,
    /// What it is for: "events", "items", or why it is not read.
    pub holds: String,
    /// Rows that were read, bad ones included.
    pub rows: u64,
    /// Rows that cannot be read.
    pub bad_rows: u64,
    /// The columns that were looked for, then the others of the file.
    pub columns: Vec<ColumnCheck>,
}

impl FileCheck {
    /// Whether it was read, rather than left aside.
    pub fn is_read(&self) -> bool {
        !self.holds.starts_with("not read")
    }

    /// Its columns by what became of them: "used", "not there" and "not used", each with names, without empty groups.
    pub fn column_uses(&self) -> Vec<(&'static str, Vec<String>)> {
        let (mut used, mut missed, mut unused) = (Vec::new(), Vec::new(), Vec::new());
        for column in &self.columns {
            let name = &column.name;
            match &column.used_as {
                Some(ours) if ours == name && column.is_found => used.push(name.clone()),
                Some(ours) if ours == name => missed.push(name.clone()),
                Some(ours) if column.is_found => used.push(format!("{name} as {ours}")),
                Some(ours) => missed.push(format!("{name} ({ours})")),
                None => unused.push(name.clone()),
            }
        }
        [("used", used), ("not there", missed), ("not used", unused)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .collect()
    }
}

/// One column of a file, there or missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnCheck {
    /// Its name in the file.
    pub name: String,
    /// What it is used as; nothing where it is of no use.
    pub used_as: Option<String>,
    /// Whether the file has it.
    pub is_found: bool,
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// The file's name.
    pub file: String,
    /// Line in the file, from 1 with the header; 0 where the format has none.
    pub line: u64,
    /// The column, where one cell is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl BadRow {
    pub(super) fn of(error: &DataError, file: &str) -> Self {
        let (line, column, what) = match error {
            DataError::BadCell {
                column,
                expected,
                found,
                line,
                ..
            } => (
                *line,
                Some(column.clone()),
                format!("expected {expected}, found {found:?}"),
            ),
            DataError::Malformed { found, line, .. } => (*line, None, found.clone()),
            other => (0, None, other.to_string()),
        };
        Self {
            file: file.to_owned(),
            line,
            column,
            what,
        }
    }
}

/// Reads all of a dataset, bad rows counted and left out, and tells what came of it.
///
/// # Errors
/// [`DataError::Io`] when the path itself cannot be read, [`DataError::Stopped`]. All else is part of the answer.
pub fn check(
    path: &Path,
    config: &DataConfig,
    watch: &mut Watch<'_>,
) -> Result<DataCheck, DataError> {
    let tolerant = DataConfig {
        skip_bad_rows: true,
        ..config.clone()
    };
    let mut report = DataCheck {
        path: path.to_owned(),
        ..DataCheck::default()
    };
    let recognised = match source::recognise(path, config) {
        Ok(recognised) => recognised,
        Err(error @ DataError::Io { .. }) if !path.exists() => return Err(error),
        Err(error) => {
            if let DataError::Unrecognised { expected, .. } = &error {
                report.why = format!("looked for {expected}");
            }
            refuse(&mut report, &error, config);
            return Ok(report);
        }
    };
    report.format = Some(recognised.format.to_owned());
    report.why = recognised.why.clone();
    let mut reading = Reading::new(&tolerant, watch);
    let outcome = recognised.load(path, &mut reading);
    let Reading {
        files,
        bad_rows,
        warnings,
        ..
    } = reading;
    report.n_bad_rows = files.iter().map(|file| file.bad_rows).sum();
    (report.files, report.bad_rows, report.warnings) = (files, bad_rows, warnings);
    let prepared = outcome.and_then(|dataset: Dataset| {
        report.warnings.clone_from(&dataset.warnings);
        let occurring = feedback_that_occurs(&dataset.log);
        prepare_dataset_watched(dataset, path, config, watch).inspect_err(|error| {
            if matches!(error, DataError::Empty { .. }) {
                report.proposed_positive = better_positive(&occurring, config);
            }
        })
    });
    match prepared {
        Ok(data) => accept(&mut report, data.stats, config),
        Err(DataError::Stopped) => return Err(DataError::Stopped),
        Err(error) => refuse(&mut report, &error, config),
    }
    Ok(report)
}

fn accept(report: &mut DataCheck, stats: DatasetStats, config: &DataConfig) {
    report.warnings.clone_from(&stats.warnings);
    if report.n_bad_rows > 0 {
        report.advice.push(if config.skip_bad_rows {
            "correct the rows that are left out, if they matter".to_owned()
        } else {
            "correct the bad rows, or set data.skip_bad_rows = true to leave them out".to_owned()
        });
    }
    report.verdict = if report.n_bad_rows > 0 && !config.skip_bad_rows {
        let n_rows: u64 = report.files.iter().map(|file| file.rows).sum();
        let (n_bad, n_rows) = (count(report.n_bad_rows), count(n_rows));
        report.problem = Some(format!("{n_bad} of {n_rows} rows cannot be read"));
        Verdict::NotUsable
    } else if report.warnings.is_empty() {
        Verdict::Usable
    } else {
        Verdict::UsableWithCare
    };
    report.advice.extend(stats.advice());
    report.stats = Some(Box::new(stats));
}

fn refuse(report: &mut DataCheck, error: &DataError, config: &DataConfig) {
    report.verdict = Verdict::NotUsable;
    report.problem = Some(error.to_string());
    if let DataError::MissingColumn {
        column,
        found,
        path,
    } = error
    {
        report.files.push(without_column(path, column, found));
        report.proposed_columns = mapping(found, config);
        report.advice.extend(in_words(&report.proposed_columns));
    }
    if !report.proposed_positive.is_empty() {
        report.advice.push(format!(
            "no event has {}; to count what there is, set data.positive = {:?}",
            config.positive.join(" or "),
            report.proposed_positive
        ));
    }
    report.advice.extend(error.hint());
}

fn feedback_that_occurs(log: &InteractionLog) -> Vec<&'static str> {
    let occurs = |kind| log.feedback.iter().any(|shown| shown.flags.has(kind));
    FeedbackFlags::NAMED
        .into_iter()
        .filter_map(|(name, kind)| occurs(kind).then_some(name))
        .collect()
}

/// What could count as positive where nothing of the settings occurs; nothing where something does.
fn better_positive(occurring: &[&str], config: &DataConfig) -> Vec<String> {
    let is_positive = |name: &&&str| config.positive.iter().any(|positive| positive == **name);
    if occurring.iter().any(|name| is_positive(&name)) {
        return Vec::new();
    }
    let others = occurring.iter().filter(|name| **name != "dislike");
    others.map(|name| (*name).to_owned()).collect()
}

/// A file that was not read because it lacks a column.
fn without_column(path: &Path, missing: &str, found: &[String]) -> FileCheck {
    let lacking = ColumnCheck {
        name: missing.to_owned(),
        used_as: Some(missing.to_owned()),
        is_found: false,
    };
    let others = found.iter().map(|name| ColumnCheck {
        name: name.clone(),
        used_as: None,
        is_found: true,
    });
    FileCheck {
        name: source::file_name(path),
        holds: "events".to_owned(),
        columns: [lacking].into_iter().chain(others).collect(),
        ..FileCheck::default()
    }
}

/// What columns are called elsewhere; the first that fits is proposed.
const ALIASES: [(&str, &[&str]); 3] = [
    (
        "user",
        &[
            "user", "uid", "reviewer", "customer", "visitor", "member", "session",
        ],
    ),
    (
        "item",
        &[
            "item", "asin", "video", "movie", "product", "article", "track", "song", "book", "iid",
        ],
    ),
    ("time", &["time", "date"]),
];

/// The mapping that would make a table readable, as far as its names tell.
fn mapping(found: &[String], config: &DataConfig) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    for (ours, words) in ALIASES {
        if config.columns.contains_key(ours) || found.iter().any(|name| name == ours) {
            continue;
        }
        let fits = |name: &&String| {
            let name = name.to_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        if let Some(name) = found.iter().find(fits) {
            columns.insert(ours.to_owned(), name.clone());
        }
    }
    columns
}

/// The mapping as advice; nothing where there is none.
fn in_words(columns: &BTreeMap<String, String>) -> Option<String> {
    let settings: Vec<String> = ALIASES
        .iter()
        .filter_map(|(ours, _)| {
            let name = columns.get(*ours)?;
            Some(format!("data.columns.{ours} = {name:?}"))
        })
        .collect();
    let fits = "if the names mean what they say, set ";
    (!settings.is_empty()).then(|| format!("{fits}{}", settings.join(", ")))
}
