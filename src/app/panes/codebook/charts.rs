//! Draws the charts of the codebook pane: load over sweeps and per code, figures over sweeps, residuals.

use egui::{ComboBox, Ui};

use super::chart_model::{LoadMap, SweepFigure, fullest_first, residuals};
use super::view_model::LevelModel;
use crate::app::widgets::{BarChart, Goal, HeatMap, MetricPlot, PlotSeries, PlotView, Reference};
use crate::engine::tokenizer::health;

/// Height of one chart with its title, points.
const HEIGHT: f32 = 210.0;

/// Height beyond which a row of the load is not stretched, points.
const MOST_ROW_HEIGHT: f32 = 14.0;

/// What is charted.
#[derive(Default)]
pub(super) struct Charts {
    level_idx: usize,
    is_sorted: bool,
    is_popularity: bool,
    figure: SweepFigure,
}

impl Charts {
    /// The level that the charts of one level show, and the figure that is followed over the sweeps.
    pub(super) fn choice_ui(&mut self, ui: &mut Ui, levels: &[LevelModel<'_>]) {
        self.level_idx = self.level_idx.min(levels.len().saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.strong("Charts of");
            for (level_idx, level) in levels.iter().enumerate() {
                ui.selectable_value(&mut self.level_idx, level_idx, &level.name);
            }
            ui.separator();
            let label = ui.label("Followed over sweeps");
            ComboBox::from_id_salt("figure over sweeps")
                .selected_text(self.figure.measure().name)
                .show_ui(ui, |ui| {
                    for figure in SweepFigure::ALL {
                        ui.selectable_value(&mut self.figure, figure, figure.measure().name);
                    }
                })
                .response
                .labelled_by(label.id);
        });
    }

    /// The load of a level over its sweeps.
    pub(super) fn load_map_ui(&self, ui: &mut Ui, levels: &[LevelModel<'_>]) {
        ui.strong("Load over sweeps").on_hover_text(
            "One row per sweep, the newest at the bottom; codes fullest first. Colour: n / (n + even share), \
             n = items of the code, even share = items / K. A level that collapses fades from the right.",
        );
        let Some(map) = levels.get(self.level_idx).and_then(LoadMap::of) else {
            ui.weak("This level was not fitted here: there are no sweeps to show.");
            return;
        };
        HeatMap {
            name: "load over sweeps",
            summary: &map.summary,
            size: map.size(),
            cell: &|row, column| map.strength(row, column),
            row_name: &|row| map.rows[row].iteration.to_string(),
            ends: ["fullest code", "emptiest code"],
            readout: &|row, column| map.readout(row, column),
            legend: &[
                (0.0, "empty"),
                (0.5, "even share"),
                (0.75, "3 x"),
                (0.9, "9 x"),
            ],
            height: (map.rows.len() as f32 * MOST_ROW_HEIGHT).min(HEIGHT - 64.0),
        }
        .show(ui);
    }

    /// One figure of all levels over the sweeps.
    pub(super) fn course_ui(&self, ui: &mut Ui, levels: &[LevelModel<'_>]) {
        let measure = self.figure.measure();
        let courses: Vec<Vec<[f64; 2]>> = levels
            .iter()
            .map(|level| self.figure.course(level.sweeps))
            .collect();
        let n_codes = levels.first().map_or(1, |level| level.load.len()).max(1);
        let has_top = self.figure == SweepFigure::Entropy;
        MetricPlot {
            title: &format!("{} over sweeps", measure.name),
            tip: &measure.explain(),
            x_name: "sweep",
            series: levels
                .iter()
                .zip(&courses)
                .map(|(level, points)| PlotSeries {
                    name: &level.name,
                    points,
                    abandoned: &[],
                })
                .collect(),
            references: has_top
                .then(|| Reference {
                    name: "ln K",
                    value: (n_codes as f64).ln(),
                })
                .into_iter()
                .collect(),
            goal: if self.figure.is_better_high() {
                Goal::Highest
            } else {
                Goal::Lowest
            },
            is_from_zero: true,
            exports: &[],
            height: HEIGHT,
        }
        .show(ui, PlotView::default());
    }

    /// Items or popularity of every code of a level.
    pub(super) fn load_ui(&mut self, ui: &mut Ui, levels: &[LevelModel<'_>]) {
        let Some(level) = levels.get(self.level_idx) else {
            return;
        };
        let has_popularity = !level.popularity.is_empty();
        self.is_popularity &= has_popularity;
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.is_popularity, false, "Items per code")
                .on_hover_text("n(i): the items whose semantic ID has the code at this level.");
            ui.add_enabled_ui(has_popularity, |ui| {
                ui.selectable_value(&mut self.is_popularity, true, health::POPULARITY.name)
                    .on_hover_text(health::POPULARITY.explain())
                    .on_disabled_hover_text("Known once all levels are fitted.");
            });
            ui.checkbox(&mut self.is_sorted, "Sorted")
                .on_hover_text("Largest first instead of in order of code.");
        });
        let values: Vec<f64> = if self.is_popularity {
            level.popularity.iter().map(|sum| *sum as f64).collect()
        } else {
            level.load.iter().copied().map(f64::from).collect()
        };
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let codes = self.is_sorted.then(|| fullest_first(&values));
        let sorted: Option<Vec<f64>> = codes
            .as_ref()
            .map(|codes| codes.iter().map(|code| values[*code]).collect());
        let what = if self.is_popularity {
            health::POPULARITY.name
        } else {
            "Items per code"
        };
        BarChart {
            title: &format!("{what}, {}", level.name),
            values: sorted.as_ref().unwrap_or(&values),
            bar_name: &|idx| match &codes {
                Some(codes) => format!("code {} (rank {})", codes[idx], idx + 1),
                None => format!("code {idx}"),
            },
            reference: Some((mean, "mean")),
            color_idx: self.level_idx,
            height: HEIGHT - 30.0,
        }
        .show(ui);
    }
}

/// What every level leaves of the vectors.
pub(super) fn residuals_ui(ui: &mut Ui, levels: &[LevelModel<'_>], vector_power: Option<f64>) {
    ui.strong("Residual after every level")
        .on_hover_text(health::RESIDUAL.explain());
    let (names, values) = residuals(levels, vector_power);
    BarChart {
        title: "Residual after every level",
        values: &values,
        bar_name: &|idx| names[idx].clone(),
        reference: None,
        color_idx: 0,
        height: HEIGHT - 30.0,
    }
    .show(ui);
}
