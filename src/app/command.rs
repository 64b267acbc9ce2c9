//! Everything a user can make the window do, with its words and its shortcut.
//!
//! Panes and chrome push commands; `obstacle` says when they are possible, `command_handling` carries
//! them out.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, KeyboardShortcut, Modifiers};

pub use super::dialog_kind::DialogKind;
use super::pane::PaneKind;
use super::theme::ThemeChoice;
use crate::engine::chart::LineChart;
use crate::engine::command::{NearTo, UserSet};
use crate::engine::config::{ExperimentConfig, Preset};
use crate::engine::event::Stage;
use crate::engine::run::pair_marks::{PairKey, PairVerdict};
use crate::engine::tokenizer::{Code, SidPattern};
use crate::places::Sample;

/// Something to do.
#[derive(Clone, Debug)]
pub enum UiCommand {
    /// Set up a sample and show the workbench.
    OpenSample(Sample),
    /// Ask for a dataset's folder or file.
    ImportDataDialog,
    /// Set up a dataset and have it inspected.
    ImportData(PathBuf),
    /// Count the dataset that is set up again, with the settings as they are now.
    CountData,
    /// Ask for a folder or file to check.
    CheckDataDialog,
    /// Have files checked: what they are, which rows and columns are in the way, and what to do.
    CheckData(PathBuf),
    /// Stop reading for a question about data.
    StopReading,
    /// Set up the dataset that was checked.
    UseCheckedData,
    /// Take the report of the check off the window.
    CloseCheck,
    /// Ask for a run folder.
    OpenRunDialog,
    /// Show a run from its journal.
    OpenRun(PathBuf),
    /// Take the run off the window and show the welcome screen.
    CloseRun,
    /// Ask for a settings file.
    LoadSettingsDialog,
    /// Take the settings from a file.
    LoadSettings(PathBuf),
    /// Leave the program.
    Quit,
    /// Stop the run, then leave.
    StopAndQuit,

    /// Start a new run of the draft, to its end or up to and including a stage.
    StartRun {
        /// The last stage; `None` means to the end.
        last_stage: Option<Stage>,
    },
    /// Wait at the next step.
    Pause,
    /// Go on after a pause.
    Continue,
    /// Save and end; can be resumed.
    Stop,
    /// Go on from the last checkpoint, to the end or up to and including a stage.
    Resume {
        /// The last stage; `None` means to the end.
        last_stage: Option<Stage>,
    },

    /// Forget alignment and evaluation of the run in view and do them again.
    AlignAgain,

    /// Fit other tokenizers to the item vectors of the run in view and set them side by side.
    CompareTokenizers {
        /// Which, by their short names; empty means all.
        names: Vec<String>,
        /// Tables of semantic IDs made elsewhere.
        tables: Vec<PathBuf>,
    },
    /// Ask for a table of semantic IDs made elsewhere, then set it beside those tokenizers.
    CompareTableDialog {
        /// Which tokenizers, by their short names.
        names: Vec<String>,
    },

    /// Train the draft's generator for a few steps and tell what they cost.
    ProbeCost,
    /// End that measurement.
    StopProbe,

    /// Replace the draft's settings.
    EditConfig(Box<ExperimentConfig>),
    /// Take a preset's settings.
    ChoosePreset(Preset),
    /// Take the last edit of the settings back.
    Undo,
    /// Do the last undone edit again.
    Redo,

    /// Select an item, as row of the item table.
    SelectItem(Option<u32>),
    /// Select all items whose semantic ID starts so.
    SelectPrefix(Vec<Code>),
    /// Select all items whose semantic ID fits.
    SelectPattern(SidPattern),
    /// Lay all items of the run in view out on a plane.
    MapItems,
    /// Find the items of the run in view that are nearest to something.
    FindNearest(NearTo),
    /// Generate and score slates for a user, by the dataset's own identifier.
    InspectUser(String),
    /// Score a slate of any items.
    RescoreSlate {
        /// For whom, by the dataset's own identifier.
        user: String,
        /// Rows of the item table, in order.
        items: Vec<u32>,
        /// Whose log-probability is asked for: pretrain or align.
        stage: Stage,
    },
    /// Show the same users' slates by every checkpoint of the run.
    CompareCheckpoints(UserSet),
    /// End that comparison.
    StopComparing,
    /// Mark a preference pair, or take its mark off.
    MarkPair {
        /// The pair.
        pair: PairKey,
        /// What is to become of it, and why.
        mark: Option<(PairVerdict, String)>,
    },

    /// Ask for a folder, then write a trained generator there for PyTorch.
    ExportCheckpointDialog(Stage),
    /// Write a trained generator for PyTorch.
    ExportCheckpoint {
        /// pretrain or align.
        stage: Stage,
        /// The folder.
        folder: PathBuf,
    },
    /// Ask for a place, then write a chart there.
    SaveChartDialog {
        /// The name offered, with its extension.
        name: String,
        /// What to write.
        chart: Box<LineChart>,
    },
    /// Write a chart; the file's extension (png, svg or csv) says in which format.
    SaveChart {
        /// The place.
        path: PathBuf,
        /// What to write.
        chart: Box<LineChart>,
    },
    /// Ask for a place, then write a text there.
    SaveTextDialog {
        /// The name offered, with its extension.
        name: String,
        /// What to write.
        text: Arc<str>,
    },
    /// Write a text.
    SaveText {
        /// The place.
        path: PathBuf,
        /// What to write.
        text: Arc<str>,
    },
    /// Put text on the clipboard.
    CopyText(String),
    /// Show a folder in the system's file manager.
    OpenFolder(PathBuf),

    /// Bring a pane to the front, adding it where it was closed.
    ShowPane(PaneKind),
    /// Give every pane its first place again.
    ResetLayout,
    /// Show or hide the experiment's settings.
    ToggleSettings,
    /// Follow the system's theme or override it.
    SetTheme(ThemeChoice),
    /// Show things larger.
    ZoomIn,
    /// Show things smaller.
    ZoomOut,
    /// Show things in their own size.
    ZoomReset,
    /// Fill the screen or leave it.
    ToggleFullScreen,
    /// Open a dialog.
    ShowDialog(DialogKind),
    /// Close the dialog.
    CloseDialog,
    /// Take a toast off the screen.
    DismissToast(u64),
    /// Look for devices again.
    ProbeDevices,
    /// Look for run folders again.
    RefreshRuns,
}

impl UiCommand {
    /// The words in menus and in the palette.
    pub fn text(&self) -> String {
        match self {
            Self::OpenSample(sample) => format!("Try the {}", sample.title()),
            Self::ImportDataDialog => "Import data…".to_owned(),
            Self::ImportData(path) => format!("Import {}", path.display()),
            Self::CountData => "Count again".to_owned(),
            Self::CheckDataDialog => "Check data…".to_owned(),
            Self::CheckData(path) => format!("Check {}", path.display()),
            Self::StopReading => "Stop reading".to_owned(),
            Self::UseCheckedData => "Use this data".to_owned(),
            Self::CloseCheck => "Close report".to_owned(),
            Self::OpenRunDialog => "Open run…".to_owned(),
            Self::OpenRun(path) => format!("Open {}", path.display()),
            Self::CloseRun => "Close run".to_owned(),
            Self::LoadSettingsDialog => "Load settings…".to_owned(),
            Self::LoadSettings(path) => format!("Load settings from {}", path.display()),
            Self::Quit => "Quit".to_owned(),
            Self::StopAndQuit => "Stop and save, then quit".to_owned(),
            Self::StartRun { last_stage: None } => "Run all".to_owned(),
            Self::StartRun {
                last_stage: Some(stage),
            } => format!("Run up to {stage}"),
            Self::Pause => "Pause".to_owned(),
            Self::Continue => "Continue".to_owned(),
            Self::Stop => "Stop and save".to_owned(),
            Self::Resume { last_stage: None } => "Resume from the last checkpoint".to_owned(),
            Self::Resume {
                last_stage: Some(stage),
            } => format!("Resume up to {stage}"),
            Self::AlignAgain => "Align again".to_owned(),
            Self::ShowDialog(DialogKind::ConfirmAlignAgain) => "Align again…".to_owned(),
            Self::CompareTokenizers { .. } => "Compare tokenizers".to_owned(),
            Self::CompareTableDialog { .. } => "Compare with a table…".to_owned(),
            Self::ProbeCost => "Measure ten steps".to_owned(),
            Self::StopProbe => "Stop measuring".to_owned(),
            Self::EditConfig(_) => "Edit settings".to_owned(),
            Self::ChoosePreset(preset) => format!("Preset {}", preset.name()),
            Self::Undo => "Undo settings".to_owned(),
            Self::Redo => "Redo settings".to_owned(),
            Self::SelectItem(_) => "Select item".to_owned(),
            Self::SelectPrefix(_) => "Select prefix".to_owned(),
            Self::SelectPattern(_) => "Select codes".to_owned(),
            Self::MapItems => "Compute map".to_owned(),
            Self::FindNearest(_) => "Find nearest".to_owned(),
            Self::InspectUser(user) => format!("Generate slates for {user}"),
            Self::RescoreSlate { .. } => "Score slate".to_owned(),
            Self::CompareCheckpoints(_) => "Compare checkpoints".to_owned(),
            Self::StopComparing => "Stop comparing".to_owned(),
            Self::MarkPair { mark, .. } => match mark {
                Some((PairVerdict::LeaveOut, _)) => "Leave out".to_owned(),
                Some((PairVerdict::TurnRound, _)) => "Turn round".to_owned(),
                None => "Take the mark off".to_owned(),
            },
            Self::ExportCheckpointDialog(Stage::Align) => "Export aligned generator…".to_owned(),
            Self::ExportCheckpointDialog(_) => "Export pretrained generator…".to_owned(),
            Self::ExportCheckpoint { folder, .. } => format!("Export to {}", folder.display()),
            Self::SaveChartDialog { name, .. } => format!("Save {name}…"),
            Self::SaveChart { path, .. } => format!("Save {}", path.display()),
            Self::SaveTextDialog { name, .. } => format!("Save {name}…"),
            Self::SaveText { path, .. } => format!("Save {}", path.display()),
            Self::CopyText(_) => "Copy".to_owned(),
            Self::OpenFolder(path) => format!("Show {}", path.display()),
            Self::ShowPane(pane) => pane.title().to_owned(),
            Self::ResetLayout => "Reset layout".to_owned(),
            Self::ToggleSettings => "Experiment settings".to_owned(),
            Self::SetTheme(theme) => theme.title().to_owned(),
            Self::ZoomIn => "Zoom in".to_owned(),
            Self::ZoomOut => "Zoom out".to_owned(),
            Self::ZoomReset => "Actual size".to_owned(),
            Self::ToggleFullScreen => "Full screen".to_owned(),
            Self::ShowDialog(kind) => kind.title().to_owned(),
            Self::CloseDialog => "Close".to_owned(),
            Self::DismissToast(_) => "Dismiss message".to_owned(),
            Self::ProbeDevices => "Look for devices again".to_owned(),
            Self::RefreshRuns => "Look for runs again".to_owned(),
        }
    }

    /// The keys that give the command.
    pub fn shortcut(&self) -> Option<KeyboardShortcut> {
        let ctrl = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let ctrl_shift = |key| {
            Some(KeyboardShortcut::new(
                Modifiers::COMMAND.plus(Modifiers::SHIFT),
                key,
            ))
        };
        let bare = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::ImportDataDialog => ctrl(Key::I),
            Self::CheckDataDialog => ctrl(Key::K),
            Self::OpenRunDialog => ctrl(Key::O),
            Self::CloseRun => ctrl(Key::W),
            Self::Quit => ctrl(Key::Q),
            Self::Undo => ctrl(Key::Z),
            Self::Redo => ctrl_shift(Key::Z),
            Self::StartRun { last_stage: None } => bare(Key::F5),
            Self::Pause => bare(Key::F7),
            Self::Continue => bare(Key::F8),
            Self::Stop => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::F5)),
            Self::Resume { last_stage: None } => bare(Key::F9),
            Self::ShowPane(pane) => pane.shortcut(),
            Self::ToggleSettings => ctrl(Key::E),
            Self::ToggleFullScreen => bare(Key::F11),
            Self::ZoomIn => ctrl(Key::Plus),
            Self::ZoomOut => ctrl(Key::Minus),
            Self::ZoomReset => ctrl(Key::Num0),
            Self::ShowDialog(DialogKind::Palette) => ctrl_shift(Key::P),
            Self::ShowDialog(DialogKind::Preferences) => ctrl(Key::Comma),
            Self::ShowDialog(DialogKind::SemanticIds) => bare(Key::F1),
            Self::ShowDialog(DialogKind::Shortcuts) => ctrl(Key::Slash),
            _ => None,
        }
    }
}
