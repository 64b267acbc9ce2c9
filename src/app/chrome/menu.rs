//! The menus and what stands in them; the palette and the list of shortcuts show the same commands.

use crate::app::command::{DialogKind, UiCommand};
use crate::app::pane::PaneKind;
use crate::app::theme::ThemeChoice;
use crate::engine::event::Stage;
use crate::places::Sample;

/// The menus, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Data, runs, export.
    File,
    /// Undo, preferences.
    Edit,
    /// The engine.
    Run,
    /// Panes, theme, size.
    View,
    /// Explanations.
    Help,
}

impl Menu {
    /// All menus, in order.
    pub const ALL: [Self; 5] = [Self::File, Self::Edit, Self::Run, Self::View, Self::Help];

    /// The word in the menu bar.
    pub const fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Run => "Run",
            Self::View => "View",
            Self::Help => "Help",
        }
    }

    /// The commands of the menu, in groups. The palette lists the same ones.
    pub fn groups(self) -> Vec<Vec<UiCommand>> {
        match self {
            Self::File => vec![
                Sample::ALL.map(UiCommand::OpenSample).to_vec(),
                vec![
                    UiCommand::ImportDataDialog,
                    UiCommand::CheckDataDialog,
                    UiCommand::OpenRunDialog,
                    UiCommand::LoadSettingsDialog,
                ],
                [Stage::Pretrain, Stage::Align]
                    .map(UiCommand::ExportCheckpointDialog)
                    .to_vec(),
                vec![UiCommand::CloseRun, UiCommand::Quit],
            ],
            Self::Edit => vec![
                vec![UiCommand::Undo, UiCommand::Redo],
                vec![UiCommand::ShowDialog(DialogKind::Preferences)],
            ],
            Self::Run => vec![
                vec![UiCommand::StartRun { last_stage: None }],
                vec![
                    UiCommand::Pause,
                    UiCommand::Continue,
                    UiCommand::Stop,
                    UiCommand::Resume { last_stage: None },
                    UiCommand::ShowDialog(DialogKind::ConfirmAlignAgain),
                ],
                vec![UiCommand::ProbeDevices],
            ],
            Self::View => vec![
                vec![UiCommand::ShowDialog(DialogKind::Palette)],
                PaneKind::ALL.map(UiCommand::ShowPane).to_vec(),
                vec![UiCommand::ToggleSettings, UiCommand::ResetLayout],
                ThemeChoice::ALL.map(UiCommand::SetTheme).to_vec(),
                vec![
                    UiCommand::ZoomIn,
                    UiCommand::ZoomOut,
                    UiCommand::ZoomReset,
                    UiCommand::ToggleFullScreen,
                ],
            ],
            Self::Help => vec![
                vec![
                    UiCommand::ShowDialog(DialogKind::SemanticIds),
                    UiCommand::ShowDialog(DialogKind::Shortcuts),
                ],
                vec![UiCommand::ShowDialog(DialogKind::About)],
            ],
        }
    }
}
