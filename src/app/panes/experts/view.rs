//! Draws the experts pane.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::view_model::{self, ExpertsModel, LayerModel, TARGET};
use crate::app::command::UiCommand;
use crate::app::panes::common::{TWO_COLUMNS_FROM, failure_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::{
    Goal, HeatMap, MetricPlot, PlotSeries, PlotView, Reference, empty_state, stat_grid,
};
use crate::engine::event::{RunId, Stage};

/// Height of one row of the heat map in points, and of all rows together at most.
const ROW_HEIGHT: f32 = 8.0;
const MAP_HEIGHT: (f32, f32) = (90.0, 320.0);

/// The pane and which layer it shows.
#[derive(Default)]
pub struct ExpertsPane {
    layer_idx: usize,
    layers: Vec<LayerModel>,
    made_of: Option<(RunId, u64)>,
}

impl ExpertsPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let made_of = (state.run.id.clone(), state.run.next_seq);
        if self.made_of.as_ref() != Some(&made_of) || self.layers.is_empty() {
            match view_model::model(state) {
                ExpertsModel::Dense => {
                    self.layers.clear();
                    return dense_ui(ui, state);
                }
                ExpertsModel::Waiting => {
                    self.layers.clear();
                    return waiting_ui(
                        ui,
                        state,
                        commands,
                        Stage::Pretrain,
                        "No expert load yet",
                        "How evenly the tokens are spread over the experts of every layer, and the biases that even \
                         it out, appear here while the generator is pretrained.",
                    );
                }
                ExpertsModel::Layers(layers) => self.layers = layers,
            }
            self.made_of = Some(made_of);
        }
        self.layer_idx = self.layer_idx.min(self.layers.len() - 1);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            failure_ui(ui, state);
            self.verdicts_ui(ui);
            ui.add_space(4.0);
            self.layer_ui(ui, state);
        });
    }

    /// One sentence per layer; a click chooses the layer.
    fn verdicts_ui(&mut self, ui: &mut Ui) {
        let tokens = theme::of(ui);
        ui.horizontal_wrapped(|ui| {
            ui.strong("Layer");
            for (layer_idx, layer) in self.layers.iter().enumerate() {
                ui.selectable_value(&mut self.layer_idx, layer_idx, &layer.name)
                    .on_hover_text(&layer.verdict);
            }
        });
        let layer = &self.layers[self.layer_idx];
        let color = if layer.is_even {
            tokens.good
        } else {
            tokens.warning
        };
        ui.label(RichText::new(&layer.verdict).color(color).strong());
        ui.weak(format!(
            "Even means: the fullest expert has less than {TARGET} times the mean load over the newest logged steps."
        ));
    }

    fn layer_ui(&self, ui: &mut Ui, state: &AppState) {
        stat_grid(ui, &self.layers[self.layer_idx].stats);
        ui.add_space(6.0);
        if ui.available_width() >= TWO_COLUMNS_FROM {
            ui.columns(2, |columns| {
                self.map_ui(&mut columns[0], state);
                columns[0].add_space(6.0);
                self.course_ui(&mut columns[0]);
                experts_ui(&mut columns[1], &self.layers[self.layer_idx]);
            });
        } else {
            self.map_ui(ui, state);
            self.course_ui(ui);
            experts_ui(ui, &self.layers[self.layer_idx]);
        }
    }

    fn map_ui(&self, ui: &mut Ui, state: &AppState) {
        let layer = &self.layers[self.layer_idx];
        ui.strong("Load over time").on_hover_text(
            "One row per expert, one column per logged step; where there are many, neighbours are joined. \
             The strongest colour is twice the mean load or more, the background is no load.",
        );
        let n_experts = layer.experts.len() as f32;
        let readout = |expert_idx: usize, column_idx: usize| {
            let history = state.run.experts.layers.get(self.layer_idx);
            history.map_or_else(String::new, |layer| {
                view_model::readout(layer, expert_idx, column_idx)
            })
        };
        HeatMap {
            summary: &layer.summary,
            name: "load of experts",
            size: [layer.experts.len(), layer.cells.len()],
            cell: &|expert_idx, column_idx| {
                let column = &layer.cells[column_idx];
                column.get(expert_idx).copied().unwrap_or(0.0)
            },
            row_name: &|expert_idx| (expert_idx + 1).to_string(),
            ends: [&layer.ends[0], &layer.ends[1]],
            readout: &readout,
            legend: &[],
            height: (ROW_HEIGHT * n_experts).clamp(MAP_HEIGHT.0, MAP_HEIGHT.1),
        }
        .show(ui);
    }

    fn course_ui(&self, ui: &mut Ui) {
        MetricPlot {
            title: "Max over mean",
            tip: "Load of the fullest expert / mean load of the layer; 1 is even. The dashed line is the target.",
            x_name: "step",
            series: self
                .layers
                .iter()
                .map(|layer| PlotSeries {
                    name: &layer.name,
                    points: &layer.max_over_mean,
                    abandoned: &[],
                })
                .collect(),
            references: vec![Reference {
                name: "target",
                value: TARGET,
            }],
            goal: Goal::Lowest,
            is_from_zero: false,
            exports: &[],
            height: 180.0,
        }
        .show(ui, PlotView::default());
    }
}

fn experts_ui(ui: &mut Ui, layer: &LayerModel) {
    ui.strong("Experts").on_hover_text(
        "Load over the newest logged steps, and the bias that is added to an expert's score when experts are chosen.",
    );
    Grid::new("experts")
        .num_columns(4)
        .spacing([24.0, 1.0])
        .min_row_height(14.0)
        .striped(true)
        .show(ui, |ui| {
            for name in ["Expert", "Load", "Over mean", "Bias"] {
                ui.strong(name);
            }
            ui.end_row();
            for row in &layer.experts {
                for cell in row {
                    ui.monospace(cell);
                }
                ui.end_row();
            }
        });
}

fn dense_ui(ui: &mut Ui, state: &AppState) {
    failure_ui(ui, state);
    empty_state(
        ui,
        "The generator is dense",
        "It has no experts whose load could be shown. Set Experts above 0 in the settings for a generator with some.",
        None,
    );
}
