//! Draws size and cost.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::view_model::{self, Counted, SIZE_COLUMNS};
use crate::app::command::UiCommand;
use crate::app::panes::common::{command_button, failure_ui, running_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::{DataTable, TableColumn, empty_state, progress_bar, stat_grid};
use crate::engine::event::Stage;

/// Height of the table of the papers' generators, points.
const TABLE_HEIGHT: f32 = 330.0;

/// The pane and which of the papers' generators is selected.
#[derive(Default)]
pub struct CostPane {
    selected: Option<usize>,
}

impl CostPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            failure_ui(ui, state);
            if state.run.is_active() {
                running_ui(ui, state, Stage::Pretrain);
            }
            match view_model::counted(state) {
                Some(counted) => {
                    counted_ui(ui, &counted);
                    measured_ui(ui, state, &counted, commands);
                }
                None => {
                    empty_state(
                        ui,
                        "The settings have problems",
                        "Once they are corrected, the generator's size and cost appear here.",
                        None,
                    );
                }
            }
            self.sizes_ui(ui, state, commands);
        });
    }

    fn sizes_ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let rows = view_model::sizes(&state.draft.config);
        ui.heading("The papers' generators");
        let chosen = self.selected.and_then(|row| rows.get(row));
        ui.horizontal_wrapped(|ui| {
            let button = egui::Button::new("Use this size");
            let response = ui
                .add_enabled(chosen.is_some(), button)
                .on_disabled_hover_text("Select a row first.");
            if let (true, Some(row)) = (response.clicked(), chosen) {
                let mut config = state.draft.config.clone();
                row.size.apply(&mut config);
                commands.push(UiCommand::EditConfig(Box::new(config)));
            }
            if let Some(row) = chosen {
                ui.weak(row.size.remark);
            }
        });
        ui.add_space(4.0);
        let columns: Vec<TableColumn<'_>> = SIZE_COLUMNS
            .iter()
            .enumerate()
            .map(|(column_idx, (name, tip))| TableColumn {
                name,
                tip,
                width: 104.0,
                is_number: column_idx > 1,
            })
            .collect();
        ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
            ui.set_min_width(columns.iter().map(|column| column.width + 10.0).sum());
            let action = DataTable {
                name: "The papers' generators",
                columns: &columns,
                n_rows: rows.len(),
                selected: self.selected,
                sort: None,
                text: &|row, column| rows[row].cells[column].clone(),
                draw: None,
                height: TABLE_HEIGHT,
            }
            .show(ui);
            if action.selected.is_some() {
                self.selected = action.selected;
            }
        });
    }
}

fn counted_ui(ui: &mut Ui, counted: &Counted) {
    ui.heading("Counted");
    stat_grid(ui, &counted.figures);
    if counted.can_run {
        ui.weak(&counted.verdict);
    } else {
        ui.colored_label(theme::of(ui).warning, &counted.verdict);
    }
    ui.add_space(4.0);
    Grid::new("parts")
        .num_columns(4)
        .striped(true)
        .show(ui, |ui| {
            for name in ["Part", "Parameters", "For the context", "For the items"] {
                ui.label(RichText::new(name).weak());
            }
            ui.end_row();
            for [name, parameters, context, target] in &counted.parts {
                ui.label(name);
                ui.monospace(parameters);
                ui.monospace(context);
                ui.monospace(target);
                ui.end_row();
            }
        });
    ui.weak("Operations of one forward pass over a request.");
    ui.add_space(8.0);
}

fn measured_ui(ui: &mut Ui, state: &AppState, counted: &Counted, commands: &mut Vec<UiCommand>) {
    ui.heading("Measured");
    ui.horizontal_wrapped(|ui| {
        ui.add_enabled_ui(counted.can_run, |ui| {
            command_button(ui, state, commands, UiCommand::ProbeCost);
        });
        if state.cost.is_going() {
            command_button(ui, state, commands, UiCommand::StopProbe);
        }
    });
    if let Some((done, total)) = state.cost.progress {
        let fraction = done as f32 / total.max(1) as f32;
        let text = if total == 0 {
            "preparing".to_owned()
        } else {
            format!("step {done} of {total}")
        };
        progress_bar(ui, "Measuring steps", fraction, &text);
    }
    match state.cost.of(&state.draft.config) {
        Some(probe) => {
            stat_grid(ui, &view_model::measured(probe));
            ui.weak(format!("On {}.", probe.device.actual));
        }
        None => {
            ui.weak(
                "Trains for a few steps on the data and the device of the settings, and forgets them: seconds per step \
                 and per epoch before a run begins.",
            );
        }
    }
    ui.add_space(8.0);
}
