//! Draws how advantages and ratios of a policy gradient are spread, step by step.

use egui::{Slider, Ui};

use crate::app::panes::common::side_by_side;
use crate::app::state::RunStore;
use crate::app::widgets::BarChart;
use crate::app::widgets::number::{percent, significant};
use crate::engine::event::Histogram;

/// Height of a chart in points.
const HEIGHT: f32 = 120.0;

/// Which step is looked at.
#[derive(Default)]
pub(super) struct SpreadView {
    /// Position among the steps that were told; `None` follows the newest.
    place: Option<usize>,
}

impl SpreadView {
    /// Draws nothing for objectives that learn from pairs.
    pub(super) fn ui(&mut self, ui: &mut Ui, run: &RunStore) {
        let Some(last) = run.spreads.len().checked_sub(1) else {
            return;
        };
        let mut place = self.place.unwrap_or(last).min(last);
        ui.horizontal_wrapped(|ui| {
            ui.strong("Advantages and ratios of step");
            let step_of = |place: f64| run.spreads[(place as usize).min(last)].step.to_string();
            let slider = Slider::new(&mut place, 0..=last)
                .custom_formatter(move |place, _| step_of(place))
                .custom_parser(|text| {
                    let step: u64 = text.trim().parse().ok()?;
                    let place = run.spreads.partition_point(|spread| spread.step < step);
                    Some(place.min(last) as f64)
                });
            let response = ui.add(slider);
            response.widget_info(|| {
                egui::WidgetInfo::slider(true, place as f64, "Step of the histograms")
            });
            if response.changed() {
                // At the end it follows the steps that come.
                self.place = (place < last).then_some(place);
            }
        });
        let spread = &run.spreads[place];
        side_by_side(
            ui,
            |ui| {
                histogram_ui(
                    ui,
                    "Advantages",
                    "Reward of a slate less the mean of its group, in standard deviations of the group: (r - mean) / std. \
                     Slates above 0 become likelier, those below 0 less likely",
                    &spread.advantages,
                    0,
                );
            },
            |ui| {
                histogram_ui(
                    ui,
                    "Ratios",
                    "pi / pi_old of each code or slate (align.ratio), pi_old raised as the objective says: ECPO's ratios \
                     never exceed 1 + clip + early_clip, GBPO's never 1. The chart \"Ratios outside the clip range\" counts \
                     those whose gradient may be cut off",
                    &spread.ratios,
                    1,
                );
            },
        );
    }
}

/// Shares of the values per bin.
fn histogram_ui(ui: &mut Ui, title: &str, tip: &str, histogram: &Histogram, color_idx: usize) {
    let total = histogram.total().max(1) as f64;
    let shares: Vec<f64> = histogram
        .counts
        .iter()
        .map(|count| *count as f64 / total)
        .collect();
    let last = shares.len().saturating_sub(1);
    ui.strong(title).on_hover_text(format!(
        "{tip}. Height: share of the {} values; the outermost bars also hold what lies beyond",
        histogram.total()
    ));
    BarChart {
        title,
        values: &shares,
        bar_name: &|bin| {
            let (from, to) = histogram.bin(bin);
            match bin {
                0 => format!("under {}", significant(to, 2)),
                bin if bin == last => format!("over {}", significant(from, 2)),
                _ => significant(from, 2),
            }
        },
        reference: None,
        color_idx,
        height: HEIGHT,
    }
    .show(ui);
    let highest = shares.iter().copied().fold(0.0, f64::max);
    ui.weak(format!("Fullest bin: {}", percent(highest)));
}
