//! Draws the overview.

use egui::{RichText, ScrollArea, Ui};

use super::view_model::{self, DatasetModel, Histogram};
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::{BarChart, empty_state, score_bar, stat_grid};
use crate::engine::event::Stage;

/// The overview; it keeps nothing of its own.
#[derive(Default)]
pub struct OverviewPane {}

impl OverviewPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let Some(model) = view_model::dataset(state) else {
            return nothing_yet(ui, state, commands);
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            failure_ui(ui, state);
            results_ui(ui, state);
            dataset_ui(ui, &model);
        });
    }
}

fn nothing_yet(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    if let Some(path) = &state.pending.inspection {
        let text = format!("Reading {}", path.display());
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

fn dataset_ui(ui: &mut Ui, model: &DatasetModel) {
    ui.heading(&model.title);
    ui.add(egui::Label::new(RichText::new(&model.source).weak()).truncate());
    ui.add_space(4.0);
    stat_grid(ui, &model.counts);
    ui.add_space(6.0);
    ui.columns(2, |columns| {
        histogram_ui(
            &mut columns[0],
            "Users by positive events",
            &model.history_lengths,
            0,
        );
        histogram_ui(
            &mut columns[1],
            "Items by positive events",
            &model.popularity,
            1,
        );
    });
    ui.add_space(6.0);
    if !model.feedback.is_empty() {
        ui.strong("Feedback")
            .on_hover_text("Events with this kind of feedback / all events.");
        egui::Grid::new("feedback").num_columns(3).show(ui, |ui| {
            for (name, events, share) in &model.feedback {
                ui.label(name);
                score_bar(ui, name, *share, (0.0, 1.0), 220.0);
                ui.monospace(format!("{events:>11}"));
                ui.end_row();
            }
        });
        ui.add_space(6.0);
    }
    for (name, text) in &model.rules {
        ui.strong(*name);
        ui.label(text);
    }
    if !model.warnings.is_empty() {
        ui.add_space(6.0);
        ui.colored_label(theme::of(ui).warning, "Warnings");
        for warning in &model.warnings {
            ui.label(warning);
        }
    }
}

fn histogram_ui(ui: &mut Ui, title: &str, histogram: &Histogram, color_idx: usize) {
    ui.strong(title);
    BarChart {
        title,
        values: &histogram.values,
        bar_name: &|idx| histogram.names[idx].clone(),
        reference: None,
        color_idx,
        height: 150.0,
    }
    .show(ui);
}
