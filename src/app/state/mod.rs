//! All state of the window. Plain data: it knows neither egui nor tensors, so it can be tested as it is.
//!
//! Panes read it; only `command_handling`, `data_handling` and the event drain change it.

pub mod codebook_history;
pub mod comparison_state;
pub mod cost_state;
pub mod data_state;
pub mod draft;
pub mod expert_history;
pub mod load_history;
pub mod notices;
pub mod run_store;
pub mod selection;
pub mod series;
pub mod slate_answers;
pub mod stage_state;

use std::path::PathBuf;
use std::sync::Arc;

pub use codebook_history::{CodebookHistory, LevelHistory, SweepPoint};
pub use comparison_state::ComparisonState;
pub use cost_state::CostState;
pub use data_state::{CheckedData, DataQuestion, DataState, InspectedData};
pub use draft::Draft;
pub use expert_history::{ExpertHistory, LayerHistory, LoadColumn};
pub use load_history::{LoadHistory, LoadRow, bin_range};
pub use notices::{LogLine, Notices, Toast};
pub use run_store::{RunStatus, RunStore};
pub use selection::Selection;
pub use series::{Series, SeriesPoint};
pub use slate_answers::SlateAnswers;
pub use stage_state::{StageState, StageStatus};

use crate::engine::command::NearTo;
use crate::engine::device::DeviceStatus;
use crate::engine::embedding::ItemPlane;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::SidPattern;

/// All state of the window.
#[derive(Clone, Debug, Default)]
pub struct AppState {
    /// What fills the window.
    pub view: View,
    /// The run in view; `RunStatus::Idle` before there is one.
    pub run: RunStore,
    /// The item table of the run in view.
    pub items: ItemsState,
    /// All items of that table on a plane, once it was asked for.
    pub plane: Option<Arc<ItemPlane>>,
    /// What was last asked for near items of that table, and the items found: rows with their distance.
    pub nearest: Option<(NearTo, Vec<(u32, f32)>)>,
    /// The devices of this machine; `None` while they are being looked for.
    pub devices: Option<Vec<DeviceStatus>>,
    /// Run folders on disk, newest first.
    pub known_runs: Vec<KnownRun>,
    /// What is selected.
    pub selection: Selection,
    /// The experiment being set up.
    pub draft: Draft,
    /// The measurement of what training costs.
    pub cost: CostState,
    /// What was asked and found out about data apart from a run.
    pub data: DataState,
    /// Messages.
    pub notices: Notices,
    /// Requests that the engine has not answered yet.
    pub pending: Pending,
    /// The folder and the files of the last export.
    pub exported: Option<(PathBuf, Vec<String>)>,
    /// Measurements of this process.
    pub vitals: Vitals,
}

/// What fills the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Samples, open, import.
    #[default]
    Welcome,
    /// The panes.
    Workbench,
}

/// The item table, which is read off the UI thread.
#[derive(Clone, Debug, Default)]
pub enum ItemsState {
    /// The run has none yet.
    #[default]
    None,
    /// Being read.
    Loading,
    /// Here.
    Ready(Arc<ItemTable>),
    /// Could not be read.
    Failed(String),
}

impl ItemsState {
    /// The table, where it is here.
    pub fn table(&self) -> Option<&Arc<ItemTable>> {
        match self {
            Self::Ready(table) => Some(table),
            Self::None | Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// Requests that the engine has not answered yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Slates for this user.
    pub slates: Option<String>,
    /// Scores of a slate that was put together by hand.
    pub rescored: bool,
    /// What each checkpoint shows.
    pub checkpoints: bool,
    /// The plane of all items.
    pub plane: bool,
    /// The items near to this.
    pub nearest: Option<NearTo>,
    /// An export into this folder.
    pub export: Option<PathBuf>,
    /// A run folder is being opened.
    pub opening: Option<PathBuf>,
}

/// A run folder on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRun {
    /// Its folder.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// The dataset, the status and the like, in words.
    pub detail: String,
}

/// Measurements of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Resident memory; `None` until measured.
    pub memory_bytes: Option<u64>,
    /// Whether it hardly differed from the measurement before, and nothing has come in since.
    pub is_memory_steady: bool,
    /// Processor use of this process, 1 = one core busy; `None` until measured.
    pub cpu_cores: Option<f32>,
    /// Memory of this machine; `None` until measured.
    pub machine_bytes: Option<u64>,
    /// Time that the last frame took on the UI thread, milliseconds.
    pub frame_millis: f32,
}

/// Difference of two measurements of the memory from which on it is not steady, bytes.
const MEMORY_CHANGE: u64 = 2_000_000;

impl Vitals {
    /// Takes in how much memory this process uses.
    pub fn take_memory(&mut self, bytes: u64) {
        let before = self.memory_bytes.replace(bytes);
        self.is_memory_steady = before.is_some_and(|it| it.abs_diff(bytes) < MEMORY_CHANGE);
    }
}

impl AppState {
    /// Drops the item table and everything that speaks of its rows, because another one comes.
    pub fn take_items(&mut self, items: ItemsState) {
        self.items = items;
        self.plane = None;
        self.nearest = None;
        self.pending.plane = false;
        self.pending.nearest = None;
        self.selection.item = None;
        self.selection.pattern = SidPattern::default();
    }

    /// Whether the panes fill the window.
    pub fn is_workbench(&self) -> bool {
        self.view == View::Workbench
    }

    /// Whether the run in view is computing.
    pub fn is_running(&self) -> bool {
        self.run.status == RunStatus::Running
    }

    /// Whether the run in view waits for the user.
    pub fn is_paused(&self) -> bool {
        self.run.status == RunStatus::Paused
    }
}
