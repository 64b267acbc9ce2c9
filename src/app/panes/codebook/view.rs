//! Draws the codebook pane.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::charts::{Charts, residuals_ui};
use super::view_model::{self, COLUMNS, LevelModel, PREFIX_COLUMNS, Verdict};
use crate::app::command::UiCommand;
use crate::app::pane::PaneKind;
use crate::app::panes::common::{failure_ui, number_cell, scrolled, side_by_side, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{heat_strip, stat_grid};
use crate::engine::event::Stage;
use crate::engine::tokenizer::report::TokenizerReport;

/// Width below which strips of the load would say nothing, points.
const LEAST_STRIP: f32 = 60.0;

/// Width that the figures of a level need, points.
const LEVEL_FIGURES: f32 = 720.0;

/// The pane and what its charts show.
#[derive(Default)]
pub struct CodebookPane {
    charts: Charts,
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
        scrolled(ui, |ui| {
            failure_ui(ui, state);
            verdict_ui(ui, &verdict);
            ui.add_space(4.0);
            levels_ui(ui, &levels);
            ui.add_space(tokens::GAP);
            self.charts_ui(ui, &levels, state);
            if let Some(report) = &state.run.item_alignment {
                ui.add_space(tokens::GAP);
                ui.strong("Alignment of the item vectors").on_hover_text(
                    "Whether items that are watched together lie together, before and after the vectors were aligned.",
                );
                stat_grid(ui, &view_model::item_alignment(report));
            }
            if let Some(report) = &state.run.tokenizer {
                ui.add_space(tokens::GAP);
                prefixes_ui(ui, report);
                ui.add_space(tokens::GAP);
                what_if_ui(ui, state, commands);
                table_ui(ui, report);
            }
        });
    }

    fn charts_ui(&mut self, ui: &mut Ui, levels: &[LevelModel<'_>], state: &AppState) {
        let report = state.run.tokenizer.as_ref();
        let power = report
            .filter(|report| report.reconstruction_error.is_some())
            .map(|report| report.vector_power);
        self.charts.choice_ui(ui, levels);
        let charts = &self.charts;
        side_by_side(
            ui,
            |ui| charts.load_map_ui(ui, levels),
            |ui| charts.course_ui(ui, levels),
        );
        side_by_side(
            ui,
            |ui| self.charts.load_ui(ui, levels),
            |ui| residuals_ui(ui, levels, power),
        );
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

fn levels_ui(ui: &mut Ui, levels: &[LevelModel<'_>]) {
    let strip_width = (ui.available_width() - LEVEL_FIGURES).min(360.0);
    let has_strips = strip_width >= LEAST_STRIP;
    ScrollArea::horizontal().id_salt("levels").show(ui, |ui| {
        Grid::new("codebook levels")
            .num_columns(COLUMNS.len() + 2)
            .spacing([16.0, 4.0])
            .striped(true)
            .show(ui, |ui| {
                ui.strong("Level");
                for measure in COLUMNS {
                    ui.strong(measure.name).on_hover_text(measure.explain());
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
                    level.cells.iter().for_each(|cell| number_cell(ui, cell));
                    if has_strips {
                        let summary = format!("Load of {}: {} codes", level.name, level.load.len());
                        heat_strip(ui, &summary, level.load, level_idx, strip_width);
                    } else {
                        ui.label("");
                    }
                    ui.end_row();
                }
            });
    });
}

/// How prefixes branch, and what they keep of neighbours.
fn prefixes_ui(ui: &mut Ui, report: &TokenizerReport) {
    ui.strong("Prefixes").on_hover_text(
        "The first codes of an ID: how many there are, how they branch, and whether items that belong together share \
         them.",
    );
    ScrollArea::horizontal().id_salt("prefixes").show(ui, |ui| {
        Grid::new("prefixes")
            .num_columns(PREFIX_COLUMNS.len() + 2)
            .spacing([16.0, 4.0])
            .striped(true)
            .show(ui, |ui| {
                ui.strong("Codes");
                for (name, measure) in PREFIX_COLUMNS {
                    ui.strong(name).on_hover_text(measure.explain());
                }
                ui.end_row();
                for [prefix, figures @ ..] in view_model::prefixes(report) {
                    ui.label(prefix);
                    figures.iter().for_each(|cell| number_cell(ui, cell));
                    ui.label("");
                    ui.end_row();
                }
            });
    });
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
    ui.strong("Codes as fitted against nearest centroids")
        .on_hover_text(
            "As fitted: the labels of the clustering, which a balanced one spreads evenly over the codes. \
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
