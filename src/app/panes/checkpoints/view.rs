//! Draws the checkpoints pane.

use egui::{ComboBox, Grid, RichText, ScrollArea, Ui};

use super::view_model;
use crate::app::command::UiCommand;
use crate::app::panes::common::{command_button, failure_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::widgets::{DataTable, TableColumn};
use crate::engine::event::{CheckpointInfo, Stage};

const COLUMNS: [TableColumn<'_>; 5] = [
    TableColumn {
        name: "Stage",
        tip: "The stage that wrote it.",
        width: 220.0,
        is_number: false,
    },
    TableColumn {
        name: "Step",
        tip: "Optimiser steps done.",
        width: 70.0,
        is_number: true,
    },
    TableColumn {
        name: "Saved (UTC)",
        tip: "When it was written.",
        width: 130.0,
        is_number: false,
    },
    TableColumn {
        name: "Size",
        tip: "On disk.",
        width: 80.0,
        is_number: true,
    },
    TableColumn {
        name: "Metrics",
        tip: "The stage's own figures at that step.",
        width: 0.0,
        is_number: false,
    },
];

/// Room for the sentence below the list while nothing is selected.
const HINT_HEIGHT: f32 = 28.0;

/// The pane and which two checkpoints are chosen, as indices into the run's list.
#[derive(Default)]
pub struct CheckpointsPane {
    selected: Option<usize>,
    other: Option<usize>,
}

impl CheckpointsPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let checkpoints = &state.run.checkpoints;
        if checkpoints.is_empty() {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Pretrain,
                "No checkpoints yet",
                "Every stage saves its state here. A stopped or killed run goes on from the last one, and a trained \
                 generator can be exported for PyTorch.",
            );
        }
        failure_ui(ui, state);
        ui.horizontal_wrapped(|ui| {
            for stage in [Stage::Pretrain, Stage::Align] {
                command_button(
                    ui,
                    state,
                    commands,
                    UiCommand::ExportCheckpointDialog(stage),
                );
            }
            if let Some(folder) = &state.pending.export {
                ui.spinner();
                ui.weak(format!("Exporting to {}", folder.display()));
            }
        });
        exported_ui(ui, state, commands);
        ui.add_space(4.0);
        let order = view_model::order(&state.run);
        let chosen = self.selected.and_then(|idx| checkpoints.get(idx));
        let height = match chosen {
            Some(_) => ui.available_height() * 0.5,
            None => ui.available_height() - HINT_HEIGHT,
        };
        self.list_ui(ui, checkpoints, &order, height);
        ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| match chosen {
                Some(info) => self.detail_ui(ui, checkpoints, info, commands),
                None => {
                    ui.weak(
                        "Select a checkpoint to copy its path or to compare it with another one.",
                    );
                }
            });
    }

    fn list_ui(
        &mut self,
        ui: &mut Ui,
        checkpoints: &[CheckpointInfo],
        order: &[usize],
        height: f32,
    ) {
        let action = DataTable {
            name: "Checkpoints",
            columns: &COLUMNS,
            n_rows: order.len(),
            selected: self
                .selected
                .and_then(|idx| order.iter().position(|known| *known == idx)),
            sort: None,
            text: &|row, column| view_model::row(&checkpoints[order[row]]).cells[column].clone(),
            draw: None,
            height,
        }
        .show(ui);
        if let Some(row) = action.selected {
            self.selected = order.get(row).copied();
        }
    }

    fn detail_ui(
        &mut self,
        ui: &mut Ui,
        checkpoints: &[CheckpointInfo],
        info: &CheckpointInfo,
        commands: &mut Vec<UiCommand>,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.strong(view_model::name(info));
            if ui.button("Copy path").clicked() {
                commands.push(UiCommand::CopyText(info.path.display().to_string()));
            }
            if ui.button("Show folder").clicked() {
                commands.push(UiCommand::OpenFolder(info.path.clone()));
            }
        });
        ui.add(egui::Label::new(RichText::new(info.path.display().to_string()).weak()).truncate());
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let label = ui.label("Compare with");
            let shown = self.other.and_then(|idx| checkpoints.get(idx));
            ComboBox::from_id_salt("other checkpoint")
                .selected_text(shown.map_or_else(|| "choose one".to_owned(), view_model::name))
                .width(200.0)
                .show_ui(ui, |ui| {
                    for (idx, other) in checkpoints.iter().enumerate().rev() {
                        ui.selectable_value(&mut self.other, Some(idx), view_model::name(other));
                    }
                })
                .response
                .labelled_by(label.id);
        });
        if let Some(other) = self.other.and_then(|idx| checkpoints.get(idx)) {
            compare_ui(ui, info, other);
        }
    }
}

fn compare_ui(ui: &mut Ui, first: &CheckpointInfo, second: &CheckpointInfo) {
    Grid::new("compare")
        .num_columns(4)
        .spacing([24.0, 3.0])
        .striped(true)
        .show(ui, |ui| {
            ui.strong("Metric");
            ui.strong(view_model::name(first));
            ui.strong(view_model::name(second));
            ui.strong("Change").on_hover_text("Second - first.");
            ui.end_row();
            for row in view_model::compare(first, second) {
                ui.label(row.name);
                for cell in [row.first, row.second, row.change] {
                    ui.monospace(cell);
                }
                ui.end_row();
            }
        });
}

fn exported_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let Some((folder, files)) = &state.exported else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(format!(
            "Exported {} files to {}",
            files.len(),
            folder.display()
        ))
        .on_hover_text(files.join("\n"));
        if ui.button("Show in folder").clicked() {
            commands.push(UiCommand::OpenFolder(folder.clone()));
        }
        if ui.button("Copy Python snippet").clicked() {
            commands.push(UiCommand::CopyText(view_model::python_snippet(folder)));
        }
    });
}
