//! What the engine tells its clients: plain data that is also written to `events.jsonl`.
//!
//! No tensor and no handle crosses here, so a window can be restarted, replayed from the journal
//! and tested without an engine.

mod cost;
mod slates;
mod spread;
mod stage;
mod step;
mod values;

use std::fmt;
use std::path::PathBuf;

pub use cost::CostProbe;
pub use slates::{
    CheckpointComparison, CheckpointName, ItemShare, PairSlate, PreferencePairs, RescoredSlate,
    ScoredSlate, ShownPair, SlateComparison, SlateItem, UserSlates,
};
pub use spread::{GroupSpread, Histogram};
pub use stage::Stage;
pub use step::{ExpertLoad, StepPoint};

use serde::{Deserialize, Serialize};

use crate::engine::command::NearTo;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::check::DataCheck;
use crate::engine::data::stats::DatasetStats;
use crate::engine::device::{DeviceReport, DeviceStatus};
use crate::engine::embedding::ItemAlignmentReport;
use crate::engine::embedding::ItemPlane;
use crate::engine::error::Failure;
use crate::engine::eval::report::EvaluationReport;
use crate::engine::run::pair_marks::PairMarks;
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
    /// Item vectors were drawn together where items are watched together.
    ItemVectorsAligned(ItemAlignmentReport),
    /// One level of the codebook, while it is being fitted and when it is done.
    CodebookUpdated(CodebookLevel),
    /// All levels are fitted, collisions are resolved, and the item table is written.
    ItemsReady {
        /// Health of the whole table.
        report: TokenizerReport,
        /// `items.parquet` in the run folder, see [`crate::engine::run::items::ItemTable`].
        items_path: PathBuf,
    },
    /// Several tokenizers are about to be fitted to the vectors of a run.
    ComparisonStarted {
        /// Their short names, in order.
        names: Vec<String>,
    },
    /// How far the one at hand is.
    ComparisonProgress {
        /// Its short name.
        name: String,
        /// What it is doing, in words.
        doing: String,
    },
    /// One of them is done.
    TokenizerCompared(ComparisonRow),
    /// All of them are done, or those that a stop left; `comparison.json` in the run folder holds the same.
    ComparisonReady(TokenizerComparison),
    /// The reward models are fitted.
    RewardReady(RewardReport),
    /// Preference pairs of a logged step of alignment.
    PairsLearned(PreferencePairs),
    /// Advantages and ratios of a logged step of alignment by policy gradient.
    GroupsLearned(GroupSpread),
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
    /// Answer to [`EngineCommand::CheckData`](crate::engine::command::EngineCommand::CheckData).
    DataChecked(Box<DataCheck>),
    /// Answer to [`EngineCommand::MapItems`](crate::engine::command::EngineCommand::MapItems).
    ItemsMapped {
        /// The run folder.
        run_dir: PathBuf,
        /// All items on a plane.
        plane: Box<ItemPlane>,
    },
    /// Answer to [`EngineCommand::NearestItems`](crate::engine::command::EngineCommand::NearestItems).
    NearestItems {
        /// The run folder.
        run_dir: PathBuf,
        /// Nearest to what.
        to: NearTo,
        /// Rows of the item table with their Euclidean distance, nearest first.
        found: Vec<(u32, f32)>,
    },
    /// Answer to [`EngineCommand::MarkPair`](crate::engine::command::EngineCommand::MarkPair).
    PairsMarked {
        /// The run folder.
        run_dir: PathBuf,
        /// All marks of the run.
        marks: PairMarks,
    },
    /// Answer to [`EngineCommand::RescoreSlate`](crate::engine::command::EngineCommand::RescoreSlate).
    SlateRescored(RescoredSlate),
    /// Answer to [`EngineCommand::CompareCheckpoints`](crate::engine::command::EngineCommand::CompareCheckpoints).
    CheckpointsCompared {
        /// The run folder.
        run_dir: PathBuf,
        /// What each shows.
        comparison: Box<CheckpointComparison>,
    },
    /// Answer to [`EngineCommand::ProbeCost`](crate::engine::command::EngineCommand::ProbeCost).
    CostProbed(CostProbe),
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
