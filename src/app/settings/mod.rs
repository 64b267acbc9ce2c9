//! The experiment's settings beside the panes: the important ones as fields, all of them as TOML.

mod align_fields;
mod expert_fields;
mod fields;
mod item_vector_fields;
mod lazy_fields;
mod pathway_fields;
mod row;
mod tokenizer_fields;
mod toml_tab;
mod training_fields;

use egui::{Panel, ScrollArea, Ui};

use super::command::UiCommand;
use super::state::AppState;
use super::theme;
use toml_tab::TomlTab;

/// The panel and what only its drawing needs.
#[derive(Default)]
pub struct SettingsPanel {
    tab: Tab,
    toml: TomlTab,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Fields,
    Toml,
}

impl SettingsPanel {
    /// Draws the panel at the left side.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        Panel::left("settings")
            .default_size(310.0)
            .size_range(260.0..=520.0)
            .show(ui, |ui| {
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    ui.heading("Experiment");
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if ui.button("Hide").clicked() {
                            commands.push(UiCommand::ToggleSettings);
                        }
                    });
                });
                ui.horizontal(|ui| {
                    ui.selectable_value(&mut self.tab, Tab::Fields, "Settings");
                    ui.selectable_value(&mut self.tab, Tab::Toml, "All as TOML");
                });
                let n_problems = state.draft.problems.len();
                if n_problems > 0 {
                    let text = format!("{n_problems} to correct before a run can start");
                    ui.colored_label(theme::of(ui).bad, text);
                }
                ui.separator();
                ScrollArea::vertical()
                    .auto_shrink([false, false])
                    .show(ui, |ui| match self.tab {
                        Tab::Fields => fields::ui(ui, state, commands),
                        Tab::Toml => self.toml.ui(ui, &state.draft, commands),
                    });
            });
    }
}
