//! Draws the overview.

use egui::{RichText, Ui};

use super::view_model;
use crate::app::command::UiCommand;
use crate::app::pane::PaneKind;
use crate::app::panes::common::{failure_ui, scrolled, waiting_ui};
use crate::app::panes::dataset::{DatasetModel, counts_ui, dataset, histograms_ui};
use crate::app::state::AppState;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{empty_state, stat_grid};
use crate::engine::event::Stage;

/// The overview; it keeps nothing of its own.
#[derive(Default)]
pub struct OverviewPane {}

impl OverviewPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let Some(model) = dataset(state) else {
            return nothing_yet(ui, state, commands);
        };
        scrolled(ui, |ui| {
            failure_ui(ui, state);
            results_ui(ui, state);
            dataset_ui(ui, &model, commands);
        });
    }
}

fn nothing_yet(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    if let Some(question) = state.data.reading() {
        let text = format!("Reading {}", question.path.display());
        empty_state(ui, "Looking at the data", &text, None);
    } else {
        waiting_ui(
            ui,
            state,
            commands,
            Stage::Data,
            "No dataset read yet",
            "Counts, sparsity, histories, popularity, sessions and the split appear here once the data is read.",
        );
    }
}

fn results_ui(ui: &mut Ui, state: &AppState) {
    let results = view_model::results(state);
    if state.run.tokenizer.is_none() || results.is_empty() {
        return;
    }
    ui.heading("Results so far");
    stat_grid(ui, &results);
    for sentence in view_model::verdict(state) {
        ui.label(sentence);
    }
    ui.add_space(8.0);
}

fn dataset_ui(ui: &mut Ui, model: &DatasetModel, commands: &mut Vec<UiCommand>) {
    ui.horizontal_wrapped(|ui| {
        ui.heading(&model.title);
        ui.add_space(tokens::GAP);
        let button = ui.button("More about the data");
        if button.clicked() {
            commands.push(UiCommand::ShowPane(PaneKind::Dataset));
        }
    });
    ui.add(egui::Label::new(RichText::new(&model.source).weak()).truncate());
    ui.add_space(4.0);
    counts_ui(ui, model);
    histograms_ui(ui, model);
    if !model.warnings.is_empty() {
        ui.add_space(tokens::GAP);
        ui.colored_label(theme::of(ui).warning, "Warnings");
        for warning in &model.warnings {
            ui.label(warning);
        }
    }
}
