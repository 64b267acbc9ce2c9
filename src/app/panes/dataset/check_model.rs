//! What the dataset pane says of a check of files, from the report alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::view_model::{DatasetModel, capitalised_all, describe};
use crate::app::command::UiCommand;
use crate::app::panes::common::capitalised;
use crate::app::state::{AppState, CheckedData};
use crate::app::widgets::number::count;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::check::{FileCheck, Verdict};
use crate::engine::data::report_text::{check_text, place};

/// A report as shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CheckModel {
    /// The file or folder by its name.
    pub title: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it can be used.
    pub verdict: Verdict,
    /// What stands in the way.
    pub problem: Option<String>,
    /// Which layout was recognised, and why.
    pub layout: String,
    /// What to do, the most important first.
    pub advice: Vec<String>,
    /// What can be done about it at once.
    pub fixes: Vec<Fix>,
    /// The files in the order of reading.
    pub files: Vec<FileModel>,
    /// The first rows that cannot be read: place and what is wrong.
    pub bad_rows: Vec<[String; 2]>,
    /// How many there are, those that are not shown included.
    pub n_bad_rows: u64,
    /// Partial trouble.
    pub warnings: Vec<String>,
    /// What is in the data, where it can be read.
    pub dataset: Option<DatasetModel>,
    /// Whether the settings have changed since.
    pub is_outdated: bool,
    /// All of it as text.
    pub text: String,
}

/// One file as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileModel {
    /// Its name.
    pub name: String,
    /// What it is for and how many rows it has.
    pub facts: String,
    /// Whether some of them cannot be read.
    pub has_bad_rows: bool,
    /// Columns by what became of them: "Used", names.
    pub columns: Vec<(String, String)>,
}

/// A change of the settings that may make the data usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// Take columns of other names for ours.
    MapColumns(BTreeMap<String, String>),
    /// Count other kinds of feedback as positive.
    CountAsPositive(Vec<String>),
    /// Leave rows out that cannot be read.
    LeaveRowsOut,
}

impl Fix {
    /// The words on its button.
    pub(super) fn text(&self) -> String {
        match self {
            Self::MapColumns(columns) => {
                let pairs = columns
                    .iter()
                    .map(|(ours, theirs)| format!("{theirs} as {ours}"));
                let pairs = pairs.collect::<Vec<_>>().join(", ");
                format!("Take {pairs} and check again")
            }
            Self::CountAsPositive(kinds) => {
                format!("Count {} as positive and check again", kinds.join(" and "))
            }
            Self::LeaveRowsOut => "Leave bad rows out and check again".to_owned(),
        }
    }

    /// What it changes in the settings.
    pub(super) fn apply(&self, config: &mut ExperimentConfig) {
        match self {
            Self::MapColumns(columns) => config.data.columns.extend(columns.clone()),
            Self::CountAsPositive(kinds) => config.data.positive.clone_from(kinds),
            Self::LeaveRowsOut => config.data.skip_bad_rows = true,
        }
    }

    /// The commands that change the settings and check again.
    pub(super) fn commands(&self, state: &AppState) -> Vec<UiCommand> {
        let Some(check) = &state.data.check else {
            return Vec::new();
        };
        let mut config = state.draft.config.clone();
        self.apply(&mut config);
        vec![
            UiCommand::EditConfig(Box::new(config)),
            UiCommand::CheckData(check.report.path.clone()),
        ]
    }
}

/// The report of the newest check; `None` where there is none.
pub(super) fn check(state: &AppState) -> Option<CheckModel> {
    let CheckedData { config, report } = state.data.check.as_ref()?;
    let name = report.path.file_name();
    let mut fixes = Vec::new();
    if !report.proposed_columns.is_empty() {
        fixes.push(Fix::MapColumns(report.proposed_columns.clone()));
    }
    if !report.proposed_positive.is_empty() {
        fixes.push(Fix::CountAsPositive(report.proposed_positive.clone()));
    }
    if report.n_bad_rows > 0 && !config.skip_bad_rows {
        fixes.push(Fix::LeaveRowsOut);
    }
    Some(CheckModel {
        title: name.map_or_else(
            || report.path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        ),
        path: report.path.clone(),
        verdict: report.verdict,
        problem: report.problem.as_deref().map(capitalised),
        layout: match &report.format {
            Some(format) => format!("{format}: {}", report.why),
            None => format!("Not recognised: {}", report.why),
        },
        advice: capitalised_all(&report.advice),
        fixes,
        files: report.files.iter().map(file).collect(),
        bad_rows: report
            .bad_rows
            .iter()
            .map(|row| [place(row), row.what.clone()])
            .collect(),
        n_bad_rows: report.n_bad_rows,
        warnings: capitalised_all(&report.warnings),
        dataset: report.stats.as_ref().map(|stats| DatasetModel {
            // Both stand above already.
            warnings: Vec::new(),
            advice: Vec::new(),
            ..describe(stats, &report.path)
        }),
        is_outdated: *config != state.draft.config.data,
        text: check_text(report),
    })
}

fn file(file: &FileCheck) -> FileModel {
    let rows = match (file.rows, file.bad_rows) {
        (0, _) => "no row was read".to_owned(),
        (n, 0) => format!("{} rows", count(n)),
        (n, bad) => format!("{} rows, {} of them cannot be read", count(n), count(bad)),
    };
    FileModel {
        name: file.name.clone(),
        facts: if file.is_read() {
            format!("{}, {rows}", file.holds)
        } else {
            file.holds.clone()
        },
        has_bad_rows: file.bad_rows > 0,
        columns: file
            .column_uses()
            .into_iter()
            .map(|(what, names)| (capitalised(what), names.join(", ")))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::check::{BadRow, ColumnCheck, DataCheck};
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::stats::DatasetStats;

    fn checked(report: DataCheck) -> AppState {
        let mut state = AppState::default();
        state.data.check = Some(CheckedData {
            config: state.draft.config.data.clone(),
            report,
        });
        state
    }

    #[test]
    fn nothing_is_said_before_a_check() {
        assert_eq!(check(&AppState::default()), None);
    }

    #[test]
    fn missing_columns_are_offered_a_mapping() {
        let state = checked(DataCheck {
            path: "some/events.csv".into(),
            format: Some("generic".to_owned()),
            why: "a CSV file".to_owned(),
            proposed_columns: BTreeMap::from([("user".to_owned(), "uid".to_owned())]),
            files: vec![FileCheck {
                name: "events.csv".to_owned(),
                holds: "events".to_owned(),
                columns: vec![
                    ColumnCheck {
                        name: "user".to_owned(),
                        used_as: Some("user".to_owned()),
                        is_found: false,
                    },
                    ColumnCheck {
                        name: "uid".to_owned(),
                        used_as: None,
                        is_found: true,
                    },
                ],
                ..FileCheck::default()
            }],
            ..DataCheck::default()
        });
        let model = check(&state).unwrap();
        assert_eq!(
            (model.title.as_str(), model.layout.as_str()),
            ("events.csv", "generic: a CSV file")
        );
        let columns = [("Not there", "user"), ("Not used", "uid")];
        assert_eq!(
            model.files[0].columns,
            columns.map(|(what, name)| (what.to_owned(), name.to_owned()))
        );
        assert_eq!(model.files[0].facts, "events, no row was read");
        assert_eq!(model.fixes[0].text(), "Take uid as user and check again");
        match &model.fixes[0].commands(&state)[..] {
            [UiCommand::EditConfig(config), UiCommand::CheckData(path)] => {
                assert_eq!(config.data.columns["user"], "uid");
                assert_eq!(path, &state.data.check.as_ref().unwrap().report.path);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn feedback_that_occurs_can_be_counted() {
        let state = checked(DataCheck {
            proposed_positive: vec!["like".to_owned(), "follow".to_owned()],
            ..DataCheck::default()
        });
        let fix = &check(&state).unwrap().fixes[0];
        assert_eq!(
            fix.text(),
            "Count like and follow as positive and check again"
        );
        let mut config = state.draft.config.clone();
        fix.apply(&mut config);
        assert_eq!(config.data.positive, ["like", "follow"]);
    }

    #[test]
    fn bad_rows_are_placed_and_may_be_left_out() {
        let mut state = checked(DataCheck {
            bad_rows: vec![BadRow {
                file: "a.csv".to_owned(),
                line: 7,
                column: Some("time".to_owned()),
                what: "expected a number, found \"soon\"".to_owned(),
            }],
            n_bad_rows: 25,
            stats: Some(Box::new(DatasetStats {
                warnings: vec!["25 rows were left out".to_owned()],
                ..DatasetStats::default()
            })),
            ..DataCheck::default()
        });
        let model = check(&state).unwrap();
        assert_eq!(model.bad_rows[0][0], "a.csv line 7, column \"time\"");
        assert_eq!(
            (model.n_bad_rows, &model.fixes[..]),
            (25, &[Fix::LeaveRowsOut][..])
        );
        assert!(model.text.contains("and 24 more"), "{}", model.text);
        assert!(
            model.dataset.unwrap().warnings.is_empty(),
            "they are said once"
        );
        assert!(!model.is_outdated);
        state.data.check.as_mut().unwrap().config = DataConfig {
            skip_bad_rows: true,
            ..state.draft.config.data.clone()
        };
        let model = check(&state).unwrap();
        assert!(model.fixes.is_empty() && model.is_outdated);
    }
}
