//! What the engine tells its clients: plain data that is also written to `events.jsonl`.
//!
//! No tensor and no handle crosses here, so a window can be restarted, replayed from the journal
//! and tested without an engine.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::config::ExperimentConfig;
use crate::engine::data::stats::DatasetStats;
use crate::engine::device::{DeviceReport, DeviceStatus};
use crate::engine::error::Failure;
use crate::engine::eval::report::EvaluationReport;
use crate::engine::run::report::{AlignmentReport, RewardReport};
use crate::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};
use crate::engine::tokenizer::report::{CodebookLevel, TokenizerReport};

/// The name of a run, which is also the name of its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The steps of the pipeline, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Load the dataset, split it, build sessions.
    Data,
    /// Item vectors, codebooks, semantic IDs.
    Tokenize,
    /// Next-token training of the generator.
    Pretrain,
    /// The session reward model and the independent judge.
    Reward,
    /// Iterative preference alignment.
    Align,
    /// Held-out metrics, rewards before and after, baselines.
    Evaluate,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 6] = [
        Self::Data,
        Self::Tokenize,
        Self::Pretrain,
        Self::Reward,
        Self::Align,
        Self::Evaluate,
    ];

    /// The name used in folders, reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Tokenize => "tokenize",
            Self::Pretrain => "pretrain",
            Self::Reward => "reward",
            Self::Align => "align",
            Self::Evaluate => "evaluate",
        }
    }

    /// The stage that comes directly before this one.
    pub fn previous(self) -> Option<Self> {
        let idx = Self::ALL.iter().position(|stage| *stage == self)?;
        idx.checked_sub(1).map(|idx| Self::ALL[idx])
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventRecord {
    /// Counts up from 0 without gaps within one run folder.
    pub seq: u64,
    /// Wall clock, milliseconds since 1970.
    pub time_millis: u64,
    /// The run that speaks; empty for answers that belong to no run.
    pub run: RunId,
    /// What happened.
    pub event: EngineEvent,
}

/// Everything the engine can say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EngineEvent {
    /// A run began, or began again.
    RunStarted(RunStarted),
    /// A stage began at `first_step` of `total_steps` (first_step > 0 after a resume).
    StageStarted {
        /// Which stage.
        stage: Stage,
        /// First step that will be done.
        first_step: u64,
        /// Steps in the whole stage.
        total_steps: u64,
    },
    /// Something inside a stage moved on; steps of training are in [`EngineEvent::Steps`].
    Progress {
        /// Which stage.
        stage: Stage,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What is being done, for example "fitting level 2".
        doing: String,
    },
    /// Training steps, gathered over a short while.
    Steps {
        /// Which stage.
        stage: Stage,
        /// The points, in order of step.
        points: Vec<StepPoint>,
    },
    /// The dataset is loaded and split.
    DatasetReady(DatasetStats),
    /// One level of the codebook, while it is being fitted and when it is done.
    CodebookUpdated(CodebookLevel),
    /// All levels are fitted, collisions are resolved, and the item table is written.
    ItemsReady {
        /// Health of the whole table.
        report: TokenizerReport,
        /// `items.json` in the run folder, see [`crate::engine::run::items::ItemTable`].
        items_path: PathBuf,
    },
    /// Several tokenizers are about to be fitted to the vectors of a run.
    ComparisonStarted {
        /// Their short names, in order.
        names: Vec<String>,
    },
    /// One of them is done.
    TokenizerCompared(ComparisonRow),
    /// All of them are done, or those that a stop left; `comparison.json` in the run folder holds the same.
    ComparisonReady(TokenizerComparison),
    /// The reward models are fitted.
    RewardReady(RewardReport),
    /// Alignment is done.
    AlignmentReady(AlignmentReport),
    /// Held-out metrics.
    EvaluationReady(EvaluationReport),
    /// Slates of one user before and after alignment, with their scores.
    SlatesReady(SlateComparison),
    /// A checkpoint was written.
    CheckpointSaved(CheckpointInfo),
    /// Something the user should know; work goes on.
    Notice(Notice),
    /// The run waits.
    Paused {
        /// In which stage.
        stage: Stage,
        /// After which step.
        step: u64,
    },
    /// The run goes on after a pause.
    Continued {
        /// In which stage.
        stage: Stage,
        /// From which step.
        step: u64,
    },
    /// A stage is complete.
    StageFinished {
        /// Which stage.
        stage: Stage,
        /// How long it took in this process.
        seconds: f64,
    },
    /// The run did all that was asked.
    RunFinished {
        /// How long it took in this process.
        seconds: f64,
        /// The report.
        report_path: PathBuf,
    },
    /// The run stopped on request and can be resumed.
    RunStopped {
        /// In which stage.
        stage: Stage,
        /// After which step.
        step: u64,
    },
    /// The run failed; what it had saved is still there.
    RunFailed {
        /// In which stage, where known.
        stage: Option<Stage>,
        /// Why.
        failure: Failure,
    },
    /// Answer to [`EngineCommand::ProbeDevices`](crate::engine::command::EngineCommand::ProbeDevices).
    DevicesProbed {
        /// All devices with a verdict each, best first.
        devices: Vec<DeviceStatus>,
    },
    /// Answer to [`EngineCommand::InspectData`](crate::engine::command::EngineCommand::InspectData).
    DataInspected {
        /// The path that was asked about.
        path: PathBuf,
        /// What was found.
        stats: DatasetStats,
    },
    /// Answer to [`EngineCommand::Export`](crate::engine::command::EngineCommand::Export).
    Exported {
        /// The folder written to.
        folder: PathBuf,
        /// The files in it.
        files: Vec<String>,
    },
    /// A command could not be carried out; a running run is not affected.
    CommandFailed {
        /// The command, in words.
        command: String,
        /// Why.
        failure: Failure,
    },
}

/// How a run began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunStarted {
    /// Its folder.
    pub run_dir: PathBuf,
    /// The dataset's folder or file.
    pub data_path: PathBuf,
    /// All settings.
    pub config: Box<ExperimentConfig>,
    /// Requested and actual device.
    pub device: DeviceReport,
    /// True when an earlier process had begun it.
    pub resumed: bool,
}

/// The values of one training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepPoint {
    /// Optimiser steps done, counting this one.
    pub step: u64,
    /// Training examples seen so far.
    pub samples: u64,
    /// Seconds since the stage began, over all processes that worked on it.
    pub seconds: f64,
    /// Named values, in a fixed order per stage, for example ("loss", 5.2).
    /// Non-finite values travel as the words "NaN", "inf" and "-inf".
    #[serde(with = "values")]
    pub values: Vec<(String, f64)>,
}

impl StepPoint {
    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }
}

/// Severity of a [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Something was wrong and has been dealt with.
    Warning,
    /// Something was lost.
    Error,
}

/// A structured message about partial trouble or progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How bad.
    pub level: NoticeLevel,
    /// Where, if in a stage.
    pub stage: Option<Stage>,
    /// What.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A saved state of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointInfo {
    /// Which stage.
    pub stage: Stage,
    /// After which step.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
    /// Size on disk.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub time_millis: u64,
    /// The stage's own figure of merit at that step, for example ("loss", 5.2).
    #[serde(with = "values")]
    pub metrics: Vec<(String, f64)>,
    /// True for the last one of a completed stage.
    pub is_final: bool,
}

/// One item as a row of a slate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlateItem {
    /// Index into the item table.
    pub item_idx: u32,
    /// The dataset's own identifier.
    pub external_id: String,
    /// Title, or the identifier where there is none.
    pub title: String,
    /// Semantic ID, one code per level.
    pub codes: Vec<u16>,
}

/// A slate with every score that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredSlate {
    /// The items in order.
    pub items: Vec<SlateItem>,
    /// Sum of the log-probabilities of its codes under the model that made it.
    pub log_prob: f64,
    /// The reward heads, by name.
    pub heads: Vec<(String, f64)>,
    /// The scalar reward used for alignment.
    pub reward: f64,
    /// The same scalar from the independent judge.
    pub judge_reward: f64,
    /// True utility, for simulated data.
    pub oracle: Option<f64>,
}

/// Slates of one user, before and after alignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlateComparison {
    /// The dataset's own identifier of the user.
    pub user: String,
    /// Most recent last.
    pub history: Vec<SlateItem>,
    /// What the user really went on to, held out from training.
    pub held_out: Vec<SlateItem>,
    /// Best first, from the pretrained generator.
    pub before: Vec<ScoredSlate>,
    /// Best first, from the aligned generator; empty when alignment has not run.
    pub after: Vec<ScoredSlate>,
}

/// Named floating-point values, with words for those that JSON cannot hold.
mod values {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(untagged)]
    enum Value {
        Finite(f64),
        Word(String),
    }

    pub(super) fn serialize<S: Serializer>(
        values: &[(String, f64)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        values
            .iter()
            .map(|(name, value)| {
                let value = if value.is_finite() {
                    Value::Finite(*value)
                } else {
                    Value::Word(value.to_string())
                };
                (name, value)
            })
            .collect::<Vec<_>>()
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(String, f64)>, D::Error> {
        Vec::<(String, Value)>::deserialize(from)?
            .into_iter()
            .map(|(name, value)| match value {
                Value::Finite(value) => Ok((name, value)),
                Value::Word(word) => word
                    .parse()
                    .map(|value| (name, value))
                    .map_err(D::Error::custom),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_finite_values_survive_the_journal() {
        let point = StepPoint {
            step: 3,
            samples: 96,
            seconds: 1.5,
            values: vec![
                ("loss".into(), f64::NAN),
                ("up".into(), f64::INFINITY),
                ("down".into(), -2.5),
            ],
        };
        let text = serde_json::to_string(&point).unwrap();
        let back: StepPoint = serde_json::from_str(&text).unwrap();
        assert!(back.value("loss").unwrap().is_nan(), "{text}");
        assert_eq!(back.value("up"), Some(f64::INFINITY));
        assert_eq!(back.value("down"), Some(-2.5));
    }
}
