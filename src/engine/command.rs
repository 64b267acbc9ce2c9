//! What clients ask of the engine: plain, serialisable data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::config::ExperimentConfig;
use crate::engine::event::Stage;
use crate::engine::run::pair_marks::{PairKey, PairVerdict};
use crate::engine::tokenizer::Code;

/// Everything a client can ask for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EngineCommand {
    /// Find out which devices exist and which can train.
    ProbeDevices,
    /// Read a dataset and report on it without starting a run.
    InspectData {
        /// A folder or a file.
        path: PathBuf,
        /// How to read it.
        config: Box<ExperimentConfig>,
    },
    /// Read a dataset with every bad row counted, and tell whether it can be used and what to do.
    CheckData {
        /// A folder or a file.
        path: PathBuf,
        /// How to read it.
        config: Box<ExperimentConfig>,
    },
    /// Train for a few steps on a dataset, tell what they cost and forget them. [`EngineCommand::Stop`] ends it early.
    ProbeCost {
        /// A folder or a file.
        path: PathBuf,
        /// What to train and where.
        config: Box<ExperimentConfig>,
    },
    /// Start a new run. Refused while another one is going.
    StartRun(StartRun),
    /// Continue a stopped, killed or finished run from its last checkpoint.
    ResumeRun {
        /// The run folder.
        run_dir: PathBuf,
        /// Stop after this stage; `None` means to the end.
        last_stage: Option<Stage>,
    },
    /// Forget a run's alignment and evaluation and do both again from its pretrained generator, with the marks on its pairs.
    /// Refused while a run is going.
    AlignAgain {
        /// The run folder; its stage reward must be complete.
        run_dir: PathBuf,
    },
    /// Fit several tokenizers to the item vectors of a run and compare them. The run itself is not changed.
    /// Refused while a run is going; [`EngineCommand::Stop`] ends it after the tokenizer at hand.
    CompareTokenizers {
        /// The run folder; its stage tokenize must be complete.
        run_dir: PathBuf,
        /// Which tokenizers, by their short names; empty means all.
        names: Vec<String>,
        /// Tables of semantic IDs made elsewhere to set beside them.
        tables: Vec<PathBuf>,
    },
    /// Wait at the next step boundary.
    Pause,
    /// Go on after a pause.
    Continue,
    /// Finish the step, save a checkpoint, end the run. It can be resumed.
    Stop,
    /// End the reading for [`EngineCommand::InspectData`] and [`EngineCommand::CheckData`]; a run goes on.
    StopReading,
    /// Generate and score slates for one user from a run's checkpoints.
    InspectUser {
        /// The run folder.
        run_dir: PathBuf,
        /// The dataset's own identifier of the user.
        user: String,
    },
    /// Mark a preference pair of a run, or take its mark off. It holds from the next step on where the run is going, else when
    /// it is resumed or aligned again.
    MarkPair {
        /// The run folder.
        run_dir: PathBuf,
        /// The pair.
        pair: PairKey,
        /// What is to become of it, and why; `None` takes its mark off.
        mark: Option<(PairVerdict, String)>,
    },
    /// Score a slate of any items for a user.
    RescoreSlate {
        /// The run folder; its stage reward must be complete.
        run_dir: PathBuf,
        /// The dataset's own identifier of the user.
        user: String,
        /// The items in order, as rows of the item table.
        items: Vec<u32>,
        /// Whose log-probability is asked for: pretrain or align.
        stage: Stage,
    },
    /// Generate and score slates of the same users with every checkpoint that is there. [`EngineCommand::StopReading`] ends
    /// it early.
    CompareCheckpoints {
        /// The run folder; its stage reward must be complete.
        run_dir: PathBuf,
        /// Which users.
        users: UserSet,
    },
    /// Lay all items of a run out on a plane by their vectors.
    MapItems {
        /// The run folder; its stage tokenize must be complete.
        run_dir: PathBuf,
    },
    /// Find the items of a run that are nearest to something by their vectors.
    NearestItems {
        /// The run folder; its stage tokenize must be complete.
        run_dir: PathBuf,
        /// Nearest to what.
        to: NearTo,
    },
    /// Write a trained generator for PyTorch.
    Export {
        /// The run folder.
        run_dir: PathBuf,
        /// Which stage's generator: pretrain or align.
        stage: Stage,
        /// The folder to write to.
        folder: PathBuf,
    },
    /// End the engine thread after stopping a run.
    Shutdown,
}

/// Which users a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserSet {
    /// These, by the dataset's own identifiers.
    Named(Vec<String>),
    /// So many with a held-out item, drawn at random; the same ones each time.
    Drawn(usize),
}

/// What items are looked for near to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NearTo {
    /// An item, as row of the item table.
    Item(u32),
    /// The vector that a semantic ID stands for, whether an item has it or not.
    SemanticId(Vec<Code>),
}

/// The parts of a new run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StartRun {
    /// The dataset's folder or file.
    pub data_path: PathBuf,
    /// The folder to create; must not exist or be empty.
    pub run_dir: PathBuf,
    /// All settings.
    pub config: Box<ExperimentConfig>,
    /// Stop after this stage; `None` means to the end.
    pub last_stage: Option<Stage>,
}

impl EngineCommand {
    /// The command in words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::ProbeDevices => "look for devices".to_owned(),
            Self::InspectData { path, .. } => format!("inspect {}", path.display()),
            Self::CheckData { path, .. } => format!("check {}", path.display()),
            Self::ProbeCost { path, .. } => format!("measure steps on {}", path.display()),
            Self::StartRun(start) => format!("start a run on {}", start.data_path.display()),
            Self::ResumeRun { run_dir, .. } => format!("resume {}", run_dir.display()),
            Self::AlignAgain { run_dir } => format!("align {} again", run_dir.display()),
            Self::CompareTokenizers { run_dir, .. } => {
                format!("compare tokenizers on {}", run_dir.display())
            }
            Self::Pause => "pause the run".to_owned(),
            Self::Continue => "continue the run".to_owned(),
            Self::Stop => "stop the run".to_owned(),
            Self::StopReading => "stop reading".to_owned(),
            Self::InspectUser { user, .. } => format!("generate slates for user {user:?}"),
            Self::MarkPair { pair, .. } => format!("mark a pair of user {:?}", pair.user),
            Self::RescoreSlate { user, .. } => format!("score a slate for user {user:?}"),
            Self::CompareCheckpoints { run_dir, .. } => {
                format!("compare the checkpoints of {}", run_dir.display())
            }
            Self::MapItems { run_dir } => format!("lay out the items of {}", run_dir.display()),
            Self::NearestItems { to, .. } => match to {
                NearTo::Item(item_idx) => format!("find the items near item {item_idx}"),
                NearTo::SemanticId(codes) => format!("find the items near ID {codes:?}"),
            },
            Self::Export { folder, .. } => format!("export to {}", folder.display()),
            Self::Shutdown => "shut down".to_owned(),
        }
    }
}
