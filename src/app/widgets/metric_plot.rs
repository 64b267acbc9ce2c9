//! A chart of one or more metrics over training steps.
//!
//! It shows every extreme (see [`super::decimate`]), smooths on the whole series, has a true
//! logarithmic axis, and marks values that are not finite instead of dropping them or panicking.

use egui::{Align, Color32, Layout, Rect, Response, RichText, Role, TextStyle, Ui, WidgetInfo};
use egui_plot::{Corner, HLine, Legend, Line, LineStyle, Plot, PlotTransform, PlotUi, Points};

use super::decimate::{NonFinite, decimate, split, visible};
use super::log_axis;
use super::number::{count, significant};
use super::plot_grid::{self, Y_AXIS_WIDTH};
use super::plot_marks;
use super::plot_text::{Goal, nearest, nearest_at, summarise};
use super::smooth::smooth;
use crate::app::theme;

/// One metric.
pub struct PlotSeries<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// `[step, value]`, sorted by step; any value may be NaN or infinite.
    pub points: &'a [[f64; 2]],
    /// Tails that a resume abandoned, drawn faintly.
    pub abandoned: &'a [Vec<[f64; 2]>],
}

/// A horizontal line with a meaning, for example ln 2.
pub struct Reference<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Where it lies.
    pub value: f64,
}

/// A file format into which a chart can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A picture made of pixels.
    Png,
    /// A picture made of lines.
    Svg,
    /// The values themselves.
    Csv,
}

impl ExportFormat {
    /// All formats, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Png, Self::Svg, Self::Csv];
}

/// How charts are drawn; one of these serves all charts of a pane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlotView {
    /// Memory of the smoothing, 0 (off) to 0.999.
    pub smoothing: f64,
    /// Logarithmic y axis.
    pub is_log: bool,
}

/// A chart.
pub struct MetricPlot<'a> {
    /// Its title, also its identity within the window.
    pub title: &'a str,
    /// What it shows and by which formula.
    pub tip: &'a str,
    /// Name of the x axis.
    pub x_name: &'a str,
    /// The metrics.
    pub series: Vec<PlotSeries<'a>>,
    /// Lines with a meaning.
    pub references: Vec<Reference<'a>>,
    /// Which end is good.
    pub goal: Goal,
    /// Whether the y axis begins at zero, for metrics whose distance from zero says something.
    pub is_from_zero: bool,
    /// The formats in which it can be exported.
    pub exports: &'a [ExportFormat],
    /// Height of the whole chart in points.
    pub height: f32,
}

impl MetricPlot<'_> {
    /// Draws the chart. Returns the format in which the user asked to export it, if any.
    pub fn show(&self, ui: &mut Ui, view: PlotView) -> Option<ExportFormat> {
        let mut export = None;
        ui.vertical(|ui| {
            let top = ui.cursor().top();
            ui.horizontal(|ui| {
                ui.label(RichText::new(self.title).strong())
                    .on_hover_text(self.tip);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if !self.exports.is_empty() {
                        export = export_menu(ui, self.title, self.exports);
                    }
                });
            });
            self.warn_of_gaps(ui);
            let height = (self.height - (ui.cursor().top() - top)).max(60.0);
            self.draw(ui, view, height);
        });
        export
    }

    fn draw(&self, ui: &mut Ui, view: PlotView, height: f32) {
        let lines: Vec<DrawnSeries<'_>> = self
            .series
            .iter()
            .enumerate()
            .map(|(idx, series)| DrawnSeries::new(series, idx, view, ui))
            .collect();
        let width = ui.available_width();
        let n_columns = width.max(16.0) as usize;
        let tokens = theme::of(ui);
        let faint = tokens.weak_text;
        let mut plot = Plot::new(self.title)
            .height(height)
            .width(width)
            .allow_scroll(false)
            .grid_color(tokens.border)
            .x_axis_label(self.x_name)
            .y_axis_min_width(Y_AXIS_WIDTH)
            .x_grid_spacer(move |input| plot_grid::whole_marks(input.bounds, width - Y_AXIS_WIDTH))
            .x_axis_formatter(|mark, _| plot_grid::even_text(&mark))
            .label_formatter(|position| Some(self.readout(position_x(position), view)));
        if self.series.len() + self.references.len() > 1 {
            plot = plot.legend(
                Legend::default()
                    .position(free_corner(self.goal))
                    .follow_insertion_order(true)
                    .text_style(TextStyle::Small),
            );
        }
        if view.is_log {
            plot = plot
                .y_grid_spacer(|input| plot_grid::log_marks(input.bounds))
                .y_axis_formatter(|mark, _| significant(10_f64.powf(mark.value), 2));
        } else {
            plot = plot
                .y_grid_spacer(move |input| plot_grid::even_marks(input.bounds, height))
                .y_axis_formatter(|mark, _| plot_grid::even_text(&mark));
        }
        if self.is_from_zero && !view.is_log {
            plot = plot.include_y(0.0);
        }
        for [x, _] in self.series.iter().flat_map(|series| ends(series.points)) {
            plot = plot.include_x(x);
        }
        let shown = plot.show(ui, |plot_ui| {
            for line in &lines {
                line.draw(plot_ui, n_columns);
            }
            for reference in &self.references {
                let value = if view.is_log {
                    log_axis::to_axis(reference.value)
                } else {
                    reference.value
                };
                if value.is_finite() {
                    plot_ui.hline(
                        HLine::new(reference.name, value)
                            .color(faint)
                            .style(LineStyle::dashed_loose()),
                    );
                }
            }
        });
        for line in &lines {
            mark_gaps(ui, &shown.response, &shown.transform, line);
        }
        let summary = self.summary();
        shown
            .response
            .widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
    }

    /// The chart in one sentence per metric, for those who cannot see it.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self
            .series
            .iter()
            .map(|series| {
                let text = summarise(series.points, self.goal, self.x_name);
                if self.series.len() == 1 {
                    text
                } else {
                    format!("{} {text}", series.name)
                }
            })
            .collect();
        if parts.is_empty() {
            format!("{}: no values yet", self.title)
        } else {
            format!("{}: {}", self.title, parts.join("; "))
        }
    }

    /// The values of all metrics at the step nearest to `x`.
    fn readout(&self, x: f64, view: PlotView) -> String {
        let nearest = self
            .series
            .iter()
            .filter_map(|series| nearest(series.points, x))
            .min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs()));
        let Some([step, _]) = nearest else {
            return String::new();
        };
        let mut text = format!("{} {}", self.x_name, count(step.max(0.0) as u64));
        for series in &self.series {
            if let Some(point) = nearest_at(series.points, step) {
                text.push_str(&format!("\n{}  {}", series.name, significant(point[1], 5)));
                if view.smoothing > 0.0 {
                    let smoothed = smooth(series.points, view.smoothing);
                    if let Some(point) = nearest_at(&smoothed, step) {
                        text.push_str(&format!(" (smoothed {})", significant(point[1], 5)));
                    }
                }
            }
        }
        text
    }

    fn warn_of_gaps(&self, ui: &mut Ui) {
        let bad: Vec<[f64; 2]> = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().copied())
            .filter(|point| !point[1].is_finite())
            .collect();
        let first = bad
            .iter()
            .copied()
            .reduce(|a, b| if b[0] < a[0] { b } else { a });
        if let Some([step, value]) = first {
            let text = format!(
                "{} not finite; the first is {value} at {} {}",
                if bad.len() == 1 {
                    "1 value is".to_owned()
                } else {
                    format!("{} values are", count(bad.len() as u64))
                },
                self.x_name,
                count(step.max(0.0) as u64)
            );
            ui.colored_label(theme::of(ui).bad, text);
        }
    }
}

/// The corner that the good end of a metric leaves free.
fn free_corner(goal: Goal) -> Corner {
    match goal {
        Goal::Lowest | Goal::None => Corner::RightTop,
        Goal::Highest => Corner::RightBottom,
    }
}

/// Switches for all charts of a pane.
pub fn plot_controls(ui: &mut Ui, view: &mut PlotView) {
    let label = ui.label("Smoothing").on_hover_text(
        "Exponential average over steps, debiased and weighted by distance. \
         The raw values stay visible behind it; 0 switches it off.",
    );
    ui.spacing_mut().slider_width = 80.0;
    ui.add(egui::Slider::new(&mut view.smoothing, 0.0..=0.999).max_decimals(3))
        .labelled_by(label.id);
    ui.checkbox(&mut view.is_log, "Logarithmic y axis")
        .on_hover_text("Base 10. Values at or below zero are marked on the lower edge.");
}

/// A metric as it will be drawn, in the coordinates of the axis.
struct DrawnSeries<'a> {
    name: &'a str,
    color: Color32,
    style: LineStyle,
    raw: Option<Vec<[f64; 2]>>,
    line: Vec<[f64; 2]>,
    abandoned: Vec<Vec<[f64; 2]>>,
}

impl<'a> DrawnSeries<'a> {
    fn new(series: &'a PlotSeries<'_>, idx: usize, view: PlotView, ui: &Ui) -> Self {
        let on_axis = |points: Vec<[f64; 2]>| -> Vec<[f64; 2]> {
            if view.is_log {
                points
                    .into_iter()
                    .map(|[x, y]| [x, log_axis::to_axis(y)])
                    .collect()
            } else {
                points
            }
        };
        let is_smooth = view.smoothing > 0.0;
        Self {
            name: series.name,
            color: theme::of(ui).series_color(idx),
            style: match idx % 3 {
                0 => LineStyle::Solid,
                1 => LineStyle::dashed_dense(),
                _ => LineStyle::dotted_dense(),
            },
            raw: is_smooth.then(|| on_axis(series.points.to_vec())),
            line: on_axis(smooth(series.points, view.smoothing)),
            abandoned: series.abandoned.iter().cloned().map(on_axis).collect(),
        }
    }

    fn draw(&self, plot_ui: &mut PlotUi<'_>, n_columns: usize) {
        let faint = self.color.gamma_multiply(0.35);
        for tail in self.abandoned.iter().chain(&self.raw) {
            for line in split(&shown_part(tail, plot_ui, n_columns)).lines {
                plot_ui.line(
                    Line::new("", line)
                        .color(faint)
                        .width(1.0)
                        .allow_hover(false),
                );
            }
        }
        for line in split(&shown_part(&self.line, plot_ui, n_columns)).lines {
            if line.len() == 1 {
                let point = Points::new(self.name, line).color(self.color).radius(2.5);
                plot_ui.points(point.allow_hover(false));
            } else {
                let line = Line::new(self.name, line).color(self.color).width(1.8);
                plot_ui.line(line.style(self.style).allow_hover(false));
            }
        }
    }
}

/// What the present zoom can show of a series.
fn shown_part(points: &[[f64; 2]], plot_ui: &PlotUi<'_>, n_columns: usize) -> Vec<[f64; 2]> {
    if plot_ui.auto_bounds().x {
        return decimate(points, n_columns);
    }
    let range = plot_ui.plot_bounds().range_x();
    decimate(visible(points, *range.start(), *range.end()), n_columns)
}

/// Marks at the edges of the chart where values are not finite.
fn mark_gaps(ui: &Ui, response: &Response, transform: &PlotTransform, series: &DrawnSeries<'_>) {
    let frame: Rect = *transform.frame();
    let painter = ui.painter_at(frame.intersect(response.rect));
    let thinned = decimate(&series.line, frame.width().max(1.0) as usize);
    for (x, kind) in split(&thinned).gaps {
        let x = transform.position_from_point_x(x);
        match kind {
            NonFinite::Nan => {
                plot_marks::cross(&painter, egui::pos2(x, frame.top() + 8.0), series.color);
            }
            NonFinite::Above => {
                plot_marks::up(&painter, egui::pos2(x, frame.top() + 8.0), series.color);
            }
            NonFinite::Below => {
                plot_marks::down(&painter, egui::pos2(x, frame.bottom() - 8.0), series.color);
            }
        }
    }
}

fn export_menu(ui: &mut Ui, title: &str, formats: &[ExportFormat]) -> Option<ExportFormat> {
    let mut chosen = None;
    let menu = ui.menu_button("Export", |ui| {
        for format in formats {
            let name = match format {
                ExportFormat::Png => "Picture as PNG",
                ExportFormat::Svg => "Picture as SVG",
                ExportFormat::Csv => "Values as CSV",
            };
            if ui.button(name).clicked() {
                chosen = Some(*format);
                ui.close();
            }
        }
    });
    menu.response
        .widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Export {title}")));
    chosen
}

fn position_x(position: &egui_plot::HoverPosition<'_>) -> f64 {
    match position {
        egui_plot::HoverPosition::NearDataPoint { position, .. }
        | egui_plot::HoverPosition::Elsewhere { position } => position.x,
    }
}

fn ends(points: &[[f64; 2]]) -> impl Iterator<Item = [f64; 2]> {
    points.first().into_iter().chain(points.last()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: &[[f64; 2]], goal: Goal) -> MetricPlot<'_> {
        MetricPlot {
            title: "Pretrain loss",
            tip: "",
            x_name: "step",
            series: vec![PlotSeries {
                name: "loss",
                points,
                abandoned: &[],
            }],
            references: Vec::new(),
            goal,
            is_from_zero: false,
            exports: &[ExportFormat::Csv],
            height: 200.0,
        }
    }

    #[test]
    fn the_summary_names_last_and_best() {
        let points = [[1.0, 6.0], [1900.0, 5.0], [2000.0, 5.1]];
        assert_eq!(
            plot(&points, Goal::Lowest).summary(),
            "Pretrain loss: step 2000, last 5.10, best 5.00 at step 1900"
        );
        assert_eq!(
            plot(&[[1.0, f64::NAN]], Goal::Highest).summary(),
            "Pretrain loss: step 1, last NaN, 1 not finite"
        );
        assert_eq!(
            plot(&[], Goal::None).summary(),
            "Pretrain loss: no values yet"
        );
    }

    #[test]
    fn the_readout_takes_the_nearest_step() {
        let plot = plot(&[[10.0, 1.0], [20.0, 2.0]], Goal::None);
        let view = PlotView::default();
        assert_eq!(plot.readout(13.0, view), "step 10\nloss  1.0000");
        assert_eq!(plot.readout(99.0, view), "step 20\nloss  2.0000");
    }
}
