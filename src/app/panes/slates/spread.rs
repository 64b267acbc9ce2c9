//! How a score is spread over the slates of several models: one histogram each, over the same axis.

use egui::{ComboBox, Ui};

use super::view_model::score_name;
use crate::app::panes::common::in_columns;
use crate::app::widgets::BarChart;
use crate::app::widgets::number::significant;
use crate::engine::eval::distribution::{ScoreDistribution, ScoreSpread};

/// Height of a histogram in points.
const HEIGHT: f32 = 110.0;

/// Which score is looked at.
#[derive(Default)]
pub(super) struct SpreadView {
    /// Its name; the reward where it is unknown.
    score: Option<String>,
}

impl SpreadView {
    /// Draws the histograms of the models with those names.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        id: &str,
        scores: &[ScoreDistribution],
        names: &[String],
    ) {
        let wanted = self.score.as_deref().unwrap_or("reward");
        let Some(shown) = scores
            .iter()
            .find(|score| score.name == wanted)
            .or(scores.first())
        else {
            return;
        };
        ui.horizontal_wrapped(|ui| {
            let label = ui.strong("Distribution of").on_hover_text(
                "All slates of all these users in the same bins for every model. Bars: slates per bin. Mean and its 95% \
                 interval are over users; quartiles are over slates",
            );
            ComboBox::from_id_salt(id)
                .selected_text(score_name(&shown.name))
                .width(150.0)
                .show_ui(ui, |ui| {
                    for score in scores {
                        let is_shown = score.name == shown.name;
                        if ui.selectable_label(is_shown, score_name(&score.name)).clicked() {
                            self.score = Some(score.name.clone());
                        }
                    }
                })
                .response
                .labelled_by(label.id);
        });
        let models: Vec<(usize, (&ScoreSpread, &String))> =
            shown.models.iter().zip(names).enumerate().collect();
        in_columns(ui, &models, 0.0, |ui, (idx, (spread, name))| {
            spread_ui(ui, name, spread, *idx);
        });
    }
}

fn spread_ui(ui: &mut Ui, name: &str, spread: &ScoreSpread, color_idx: usize) {
    ui.strong(name);
    let [low, middle, high] = spread.quartiles.map(|value| significant(value, 3));
    let values: Vec<f64> = spread
        .histogram
        .counts
        .iter()
        .map(|count| *count as f64)
        .collect();
    BarChart {
        title: name,
        values: &values,
        bar_name: &|bin| significant(spread.histogram.bin(bin).0, 3),
        reference: None,
        color_idx,
        height: HEIGHT,
    }
    .show(ui);
    ui.weak(format!(
        "Mean {} ± {}; quartiles {low}, {middle}, {high}",
        significant(spread.mean, 4),
        significant(spread.mean_ci95, 2),
    ));
}
