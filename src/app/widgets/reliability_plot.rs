//! A reliability curve, what a model predicted against what was observed, in bins: on the diagonal its probabilities can
//! be taken at their word.

use egui::{RichText, Role, TextStyle, Ui, WidgetInfo};
use egui_plot::{Corner, Legend, Line, LineStyle, Plot, Points};

use super::number::{count, significant};
use super::plot_grid::{self, Y_AXIS_WIDTH};
use crate::app::theme;

/// The bins of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ReliabilityCurve {
    /// Its name in the legend.
    pub name: &'static str,
    /// Mean prediction, mean label, and examples of each bin, by prediction.
    pub bins: Vec<(f64, f64, u64)>,
}

/// A chart of some of them.
pub struct ReliabilityPlot<'a> {
    /// Its title, also its identity within the window.
    pub title: &'a str,
    /// The models.
    pub curves: &'a [ReliabilityCurve],
    /// Height of the whole chart in points.
    pub height: f32,
}

impl ReliabilityPlot<'_> {
    /// Draws the chart over the available width.
    pub fn show(&self, ui: &mut Ui) {
        ui.label(RichText::new(self.title).strong()).on_hover_text(
            "Later slates in ten bins by what a model predicted of them: the mean prediction against the mean label. On \
             the dashed line both agree. The larger a dot, the more slates; the smallest stand for a handful.",
        );
        let width = ui.available_width();
        let tokens = theme::of(ui);
        let height = self.height;
        let plot = Plot::new(("reliability", self.title))
            .height(height)
            .width(width)
            .allow_scroll(false)
            .grid_color(tokens.border)
            .x_axis_label("predicted")
            .y_axis_label("observed")
            .y_axis_min_width(Y_AXIS_WIDTH)
            .include_x(0.0)
            .include_y(0.0)
            .x_grid_spacer(move |input| {
                // Numbers beside each other need twice the room of numbers above each other.
                plot_grid::even_marks(input.bounds, (width - Y_AXIS_WIDTH) / 2.0)
            })
            .y_grid_spacer(move |input| plot_grid::even_marks(input.bounds, height))
            .x_axis_formatter(|mark, _| plot_grid::even_text(&mark))
            .y_axis_formatter(|mark, _| plot_grid::even_text(&mark))
            .label_formatter(|position| Some(self.readout(position)))
            .legend(
                Legend::default()
                    .position(Corner::LeftTop)
                    .follow_insertion_order(true)
                    .text_style(TextStyle::Small),
            );
        let end = self.highest();
        let shown = plot.show(ui, |plot_ui| {
            plot_ui.line(
                Line::new("calibrated", vec![[0.0, 0.0], [end, end]])
                    .color(tokens.weak_text)
                    .style(LineStyle::dashed_loose())
                    .allow_hover(false),
            );
            for (idx, curve) in self.curves.iter().enumerate() {
                let color = tokens.series_color(idx);
                let points: Vec<[f64; 2]> = curve
                    .bins
                    .iter()
                    .map(|(predicted, observed, _)| [*predicted, *observed])
                    .collect();
                plot_ui.line(
                    Line::new(curve.name, points.clone())
                        .color(color)
                        .width(1.8)
                        .allow_hover(false),
                );
                let most = curve.bins.iter().map(|bin| bin.2).max().unwrap_or(1);
                for (point, (_, _, n)) in points.into_iter().zip(&curve.bins) {
                    let radius = 1.5 + 3.0 * (*n as f32 / most.max(1) as f32).sqrt();
                    let dot = Points::new(curve.name, vec![point]);
                    plot_ui.points(dot.color(color).radius(radius));
                }
            }
        });
        let summary = self.summary();
        shown
            .response
            .widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
    }

    /// The highest value on either axis.
    fn highest(&self) -> f64 {
        let bins = self.curves.iter().flat_map(|curve| &curve.bins);
        bins.flat_map(|(predicted, observed, _)| [*predicted, *observed])
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max)
    }

    /// The bin of each model whose prediction is nearest.
    fn readout(&self, position: &egui_plot::HoverPosition<'_>) -> String {
        let (egui_plot::HoverPosition::NearDataPoint { position, .. }
        | egui_plot::HoverPosition::Elsewhere { position }) = position;
        let lines: Vec<String> = self
            .curves
            .iter()
            .filter_map(|curve| {
                let away = |bin: &&(f64, f64, u64)| (bin.0 - position.x).abs();
                let (predicted, observed, n) = curve
                    .bins
                    .iter()
                    .min_by(|a, b| away(a).total_cmp(&away(b)))?;
                Some(format!(
                    "{}: predicted {}, observed {}, {} slates",
                    curve.name,
                    significant(*predicted, 3),
                    significant(*observed, 3),
                    count(*n)
                ))
            })
            .collect();
        lines.join("\n")
    }

    /// The chart in one sentence per model, for those who cannot see it.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self
            .curves
            .iter()
            .map(|curve| {
                let worst = curve
                    .bins
                    .iter()
                    .max_by(|a, b| (a.0 - a.1).abs().total_cmp(&(b.0 - b.1).abs()));
                match worst {
                    Some((predicted, observed, _)) => format!(
                        "{} {} bins, furthest off where it predicts {} and {} was observed",
                        curve.name,
                        curve.bins.len(),
                        significant(*predicted, 3),
                        significant(*observed, 3)
                    ),
                    None => format!("{} no bins", curve.name),
                }
            })
            .collect();
        format!("Reliability of {}: {}", self.title, parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_the_bin_that_is_furthest_off() {
        let curves = [
            ReliabilityCurve {
                name: "judge",
                bins: vec![(0.1, 0.12, 90), (0.5, 0.3, 4)],
            },
            ReliabilityCurve {
                name: "nobody",
                bins: Vec::new(),
            },
        ];
        let plot = ReliabilityPlot {
            title: "ltr",
            curves: &curves,
            height: 100.0,
        };
        assert_eq!(
            plot.summary(),
            "Reliability of ltr: judge 2 bins, furthest off where it predicts 0.500 and 0.300 was observed; nobody no bins"
        );
        assert_eq!(plot.highest(), 0.5);
    }
}
