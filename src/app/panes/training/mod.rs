//! The pane Training.

use crate::app::command::UiCommand;
use crate::app::pane::PaneKind;
use crate::app::state::AppState;

/// The pane and what only its drawing needs.
#[derive(Default)]
pub struct TrainingPane {}

impl TrainingPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut egui::Ui, _state: &AppState, _commands: &mut Vec<UiCommand>) {
        ui.heading(PaneKind::Training.title());
    }
}
