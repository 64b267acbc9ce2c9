//! What the user asked about data apart from any run: counts of a dataset, the check of files, and why one came to
//! nothing.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::engine::data::check::{DataCheck, Verdict};
use crate::engine::data::config::DataConfig;
use crate::engine::data::stats::DatasetStats;
use crate::engine::error::{Failure, FailureKind};

/// What was asked and what is known.
#[derive(Clone, Debug, Default)]
pub struct DataState {
    /// Questions without an answer yet; the engine is at the first of them.
    asked: VecDeque<DataQuestion>,
    /// How far the reading at hand is.
    pub progress: Option<ReadingProgress>,
    /// The counts of the dataset that was set up last.
    pub inspected: Option<InspectedData>,
    /// The newest report of a check, until it is closed.
    pub check: Option<CheckedData>,
    /// Why the newest reading came to nothing.
    pub failed: Option<FailedReading>,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub struct DataQuestion {
    /// The folder or file.
    pub path: PathBuf,
    /// Whether its files are checked rather than just counted.
    pub is_check: bool,
    /// How it is read.
    pub config: DataConfig,
    /// The engine's words for it, by which a failed question is recognised.
    pub words: String,
}

/// How far a reading is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadingProgress {
    /// What is being done, for example "reading events.csv".
    pub doing: String,
    /// Bytes or rows done.
    pub done: u64,
    /// Of how many; 0 where nobody knows.
    pub total: u64,
}

/// Counts of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct InspectedData {
    /// Its folder or file.
    pub path: PathBuf,
    /// The settings under which it was counted; `None` where nobody asked for them.
    pub config: Option<DataConfig>,
    /// The counts.
    pub stats: DatasetStats,
}

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedData {
    /// The settings under which the files were read.
    pub config: DataConfig,
    /// The report.
    pub report: DataCheck,
}

/// A reading that came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedReading {
    /// What was asked.
    pub question: DataQuestion,
    /// Why; of the kind [`FailureKind::Stopped`] where the user stopped it.
    pub failure: Failure,
}

impl DataState {
    /// Notes a question that was sent to the engine.
    pub fn ask(&mut self, question: DataQuestion) {
        self.failed = None;
        if question.is_check {
            self.check = None;
        }
        self.asked.push_back(question);
    }

    /// The question that the engine is at.
    pub fn reading(&self) -> Option<&DataQuestion> {
        self.asked.front()
    }

    /// Whether files are being checked or will be.
    pub fn is_checking(&self) -> bool {
        self.asked.iter().any(|question| question.is_check)
    }

    /// Whether there is a report that says that the data can be used.
    pub fn is_usable(&self) -> bool {
        let check = self.check.as_ref();
        check.is_some_and(|check| check.report.verdict != Verdict::NotUsable)
    }

    /// Share of the reading at hand that is done; `None` while nobody knows.
    pub fn fraction(&self) -> Option<f32> {
        let progress = self.progress.as_ref()?;
        (progress.total > 0).then(|| progress.done as f32 / progress.total as f32)
    }

    /// Takes in how far the reading at hand is.
    pub fn advance(&mut self, doing: &str, done: u64, total: u64) {
        self.progress = Some(ReadingProgress {
            doing: doing.to_owned(),
            done,
            total,
        });
    }

    /// Takes in the counts of a dataset.
    pub fn take_counts(&mut self, path: &Path, stats: &DatasetStats) {
        let question = self.answered(|question| !question.is_check && question.path == path);
        self.inspected = Some(InspectedData {
            path: path.to_owned(),
            config: question.map(|question| question.config),
            stats: stats.clone(),
        });
    }

    /// Takes in the report of a check.
    pub fn take_check(&mut self, report: &DataCheck) {
        let question = self.answered(|question| question.is_check && question.path == report.path);
        self.check = Some(CheckedData {
            config: question.map_or_else(DataConfig::default, |question| question.config),
            report: report.clone(),
        });
    }

    /// Takes in that a command failed; false where it was no question about data.
    pub fn fail(&mut self, words: &str, failure: &Failure) -> bool {
        let Some(question) = self.answered(|question| question.words == words) else {
            return false;
        };
        // Who has set up something else meanwhile does not want to hear of it.
        if self.asked.is_empty() || question.is_check {
            self.failed = Some(FailedReading {
                question,
                failure: failure.clone(),
            });
        }
        true
    }

    /// Forgets what is not of the dataset that is now set up.
    pub fn set_up(&mut self) {
        self.inspected = None;
        self.check = None;
        self.failed = None;
    }

    fn answered(&mut self, is_it: impl Fn(&DataQuestion) -> bool) -> Option<DataQuestion> {
        let place = self.asked.iter().position(is_it)?;
        self.progress = None;
        self.asked.remove(place)
    }
}

impl FailedReading {
    /// Whether the user stopped it.
    pub fn is_stopped(&self) -> bool {
        self.failure.kind == FailureKind::Stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(path: &str, is_check: bool) -> DataQuestion {
        DataQuestion {
            path: path.into(),
            is_check,
            config: DataConfig::default(),
            words: format!("{is_check} {path}"),
        }
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            message: "no".to_owned(),
            hint: None,
            kind,
        }
    }

    #[test]
    fn answers_are_matched_with_their_questions() {
        let mut data = DataState::default();
        data.ask(question("a", false));
        data.ask(question("b", true));
        assert!(data.is_checking());
        data.advance("reading x", 1, 4);
        assert_eq!(data.fraction(), Some(0.25));
        data.take_counts("a".as_ref(), &DatasetStats::default());
        assert_eq!(data.fraction(), None);
        assert_eq!(data.reading().unwrap().path, Path::new("b"));
        data.take_check(&DataCheck {
            path: "b".into(),
            ..DataCheck::default()
        });
        assert!(data.reading().is_none() && data.check.is_some());
        data.ask(question("b", true));
        assert!(data.check.is_none(), "an old report gives way");
    }

    #[test]
    fn only_its_own_failures_are_taken() {
        let mut data = DataState::default();
        data.ask(question("a", true));
        assert!(!data.fail("export to a", &failure(FailureKind::Other)));
        assert!(data.fail("true a", &failure(FailureKind::Stopped)));
        assert!(data.failed.as_ref().is_some_and(FailedReading::is_stopped));
        data.ask(question("a", true));
        assert!(data.failed.is_none());
    }

    #[test]
    fn a_dataset_that_was_left_for_another_fails_unheard() {
        let mut data = DataState::default();
        data.ask(question("a", false));
        data.ask(question("b", false));
        assert!(data.fail("false a", &failure(FailureKind::Data)));
        assert!(data.failed.is_none());
    }
}
