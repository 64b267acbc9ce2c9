//! Draws the codebook pane.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::view_model::{self, COLUMNS, LevelModel, Verdict};
use crate::app::command::UiCommand;
use crate::app::pane::PaneKind;
use crate::app::panes::common::{TWO_COLUMNS_FROM, failure_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::{
    BarChart, Goal, MetricPlot, PlotSeries, PlotView, Reference, heat_strip, stat_grid,
};
use crate::engine::event::Stage;
use crate::engine::tokenizer::report::TokenizerReport;

/// Width below which strips of the load would say nothing, points.
const LEAST_STRIP: f32 = 60.0;

/// The pane and how its load chart is shown.
#[derive(Default)]
pub struct CodebookPane {
    level_idx: usize,
    is_sorted: bool,
}

impl CodebookPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let levels = view_model::levels(state);
        let Some(verdict) = view_model::verdict(state) else {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Tokenize,
                "No codebook yet",
                "Utilization, entropy, perplexity and the load of every code appear here, level by level, \
                 while the codebooks are being fitted.",
            );
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            failure_ui(ui, state);
            verdict_ui(ui, &verdict);
            ui.add_space(4.0);
            levels_ui(ui, &levels);
            ui.add_space(8.0);
            if ui.available_width() >= TWO_COLUMNS_FROM {
                ui.columns(2, |columns| {
                    self.load_ui(&mut columns[0], &levels);
                    entropy_ui(&mut columns[1], &levels);
                });
            } else {
                self.load_ui(ui, &levels);
                entropy_ui(ui, &levels);
            }
            if let Some(report) = &state.run.item_alignment {
                ui.add_space(8.0);
                ui.strong("Alignment of the item vectors").on_hover_text(
                    "Whether items that are watched together lie together, before and after the vectors were aligned.",
                );
                stat_grid(ui, &view_model::item_alignment(report));
            }
            if let Some(report) = &state.run.tokenizer {
                ui.add_space(8.0);
                what_if_ui(ui, state, commands);
                table_ui(ui, report);
            }
        });
    }

    fn load_ui(&mut self, ui: &mut Ui, levels: &[LevelModel]) {
        self.level_idx = self.level_idx.min(levels.len().saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.strong("Items per code");
            for (level_idx, level) in levels.iter().enumerate() {
                ui.selectable_value(&mut self.level_idx, level_idx, &level.name);
            }
            ui.checkbox(&mut self.is_sorted, "Sorted")
                .on_hover_text("Fullest code first instead of in order of code.");
        });
        let Some(level) = levels.get(self.level_idx) else {
            return;
        };
        let mut codes: Vec<usize> = (0..level.load.len()).collect();
        if self.is_sorted {
            codes.sort_by_key(|code| std::cmp::Reverse(level.load[*code]));
        }
        let values: Vec<f64> = codes
            .iter()
            .map(|code| f64::from(level.load[*code]))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        BarChart {
            title: &format!("Items per code, {}", level.name),
            values: &values,
            bar_name: &|idx| {
                if self.is_sorted {
                    format!("code {} (rank {})", codes[idx], idx + 1)
                } else {
                    format!("code {idx}")
                }
            },
            reference: Some((mean, "mean")),
            color_idx: self.level_idx,
            height: 190.0,
        }
        .show(ui);
    }
}

fn verdict_ui(ui: &mut Ui, verdict: &Verdict) {
    let tokens = theme::of(ui);
    let color = match verdict.is_healthy {
        Some(true) => tokens.good,
        Some(false) => tokens.warning,
        None => tokens.text,
    };
    ui.label(RichText::new(&verdict.text).color(color).strong())
        .on_hover_text(view_model::rule());
    ui.weak(view_model::rule());
}

fn levels_ui(ui: &mut Ui, levels: &[LevelModel]) {
    let strip_width = (ui.available_width() - 620.0).min(360.0);
    let has_strips = strip_width >= LEAST_STRIP;
    ScrollArea::horizontal().show(ui, |ui| {
        Grid::new("codebook levels")
            .num_columns(COLUMNS.len() + 2)
            .spacing([16.0, 4.0])
            .striped(true)
            .show(ui, |ui| {
                ui.strong("Level");
                for (name, tip) in COLUMNS {
                    ui.strong(name).on_hover_text(tip);
                }
                if has_strips {
                    ui.strong("Load").on_hover_text(
                        "Items of every code, in order of code; stronger means more.",
                    );
                }
                ui.end_row();
                for (level_idx, level) in levels.iter().enumerate() {
                    let suffix = if level.is_live { " (fitting)" } else { "" };
                    ui.label(format!("{}{suffix}", level.name));
                    for cell in &level.cells {
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            ui.monospace(cell);
                        });
                    }
                    if has_strips {
                        let summary = format!("Load of {}: {} codes", level.name, level.load.len());
                        heat_strip(ui, &summary, &level.load, level_idx, strip_width);
                    }
                    ui.end_row();
                }
            });
    });
}

fn entropy_ui(ui: &mut Ui, levels: &[LevelModel]) {
    let n_codes = levels.first().map_or(1, |level| level.load.len()).max(1);
    MetricPlot {
        title: "Entropy over sweeps",
        tip: "Entropy of the load after every sweep, in nats. The dashed line is ln K, the largest possible.",
        x_name: "sweep",
        series: levels
            .iter()
            .map(|level| PlotSeries {
                name: &level.name,
                points: &level.entropy,
                abandoned: &[],
            })
            .collect(),
        references: vec![Reference {
            name: "ln K",
            value: (n_codes as f64).ln(),
        }],
        goal: Goal::Highest,
        is_from_zero: true,
        exports: &[],
        height: 216.0,
    }
    .show(ui, PlotView::default());
}

/// One click to what other settings would change, before anything is trained on them.
fn what_if_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let compare = UiCommand::CompareTokenizers {
        names: view_model::WHAT_IF.map(str::to_owned).to_vec(),
        tables: Vec::new(),
    };
    let obstacle = compare.obstacle(state);
    let mut button = ui.add_enabled(
        obstacle.is_none(),
        egui::Button::new("What would a balanced or deeper tokenizer change?"),
    );
    button = match obstacle {
        Some(reason) => button.on_disabled_hover_text(reason),
        None => button.on_hover_text(
            "Fits a few other tokenizers to the same item vectors and shows them side by side. \
             The run is not changed.",
        ),
    };
    if button.clicked() {
        commands.push(compare);
        commands.push(UiCommand::ShowPane(PaneKind::Compare));
    }
    ui.add_space(4.0);
}

fn table_ui(ui: &mut Ui, report: &TokenizerReport) {
    ui.strong("Whole table");
    stat_grid(ui, &view_model::table(report));
    ui.add_space(4.0);
    ui.strong("Balanced assignment against nearest centroids")
        .on_hover_text(
            "Balanced: the labels of the clustering, every code used equally often. \
         Nearest: what the same items would get as new items.",
        );
    Grid::new("balanced against nearest")
        .num_columns(3)
        .spacing([24.0, 3.0])
        .striped(true)
        .show(ui, |ui| {
            ui.strong("Figure");
            ui.strong("As fitted");
            ui.strong("Nearest");
            ui.end_row();
            for [name, stored, nearest] in view_model::comparison(report) {
                ui.label(name);
                ui.monospace(stored);
                ui.monospace(nearest);
                ui.end_row();
            }
        });
}
