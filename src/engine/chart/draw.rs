//! Draws a chart through plotters, the same for every kind of file.

use std::fmt::{Debug, Display};
use std::io::Error as IoError;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::{
    BitMapBackend, Cartesian2d, ChartBuilder, ChartContext, Cross, DrawingArea, DrawingBackend,
    FontStyle, IntoDrawingArea as _, IntoLogRange as _, LineSeries, PathElement, Ranged,
    SVGBackend, SeriesLabelPosition,
};
use plotters::style::{Color as _, RGBColor, ShapeStyle, WHITE, register_font};

use super::LineChart;

/// Size at scale 1, pixels.
const SIZE: (u32, u32) = (800, 500);
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(60, 60, 60);
const GRID: RGBColor = RGBColor(225, 225, 225);
/// The colours of Okabe and Ito, which colour-blind readers can tell apart.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(120, 100, 0),
];

/// The machine may have no fonts, so the program brings its own.
static FONT_READY: LazyLock<bool> = LazyLock::new(|| {
    let bytes = include_bytes!("../../../assets/fonts/Ubuntu-Light.ttf");
    register_font(FONT, FontStyle::Normal, bytes).is_ok()
});

pub(super) fn svg(chart: &LineChart) -> Result<String, IoError> {
    let mut text = String::new();
    draw(
        chart,
        &SVGBackend::with_string(&mut text, SIZE).into_drawing_area(),
        1.0,
    )?;
    Ok(text)
}

pub(super) fn png(chart: &LineChart, path: &Path, scale: f64) -> Result<(), IoError> {
    let size = [SIZE.0, SIZE.1].map(|pixels| (f64::from(pixels) * scale).round() as u32);
    draw(
        chart,
        &BitMapBackend::new(path, (size[0], size[1])).into_drawing_area(),
        scale,
    )
}

fn draw<DB>(chart: &LineChart, area: &DrawingArea<DB, Shift>, scale: f64) -> Result<(), IoError>
where
    DB: DrawingBackend,
    DB::ErrorType: 'static,
{
    if !*FONT_READY {
        return Err(IoError::other("the font of the charts is damaged"));
    }
    area.fill(&WHITE).map_err(drawing)?;
    let pixels = move |at_scale_1: f64| (at_scale_1 * scale).round() as i32;
    let mut builder = ChartBuilder::on(area);
    builder
        .caption(&chart.title, (FONT, pixels(20.0), &INK))
        .margin(pixels(12.0))
        .x_label_area_size(pixels(44.0))
        .y_label_area_size(pixels(64.0));
    let (x, y) = (x_range(chart), y_range(chart));
    if chart.log_y {
        let mut context = builder
            .build_cartesian_2d(x, y.clone().log_scale())
            .map_err(drawing)?;
        fill(chart, &mut context, y.start, scale)?;
    } else {
        let mut context = builder.build_cartesian_2d(x, y.clone()).map_err(drawing)?;
        fill(chart, &mut context, y.start, scale)?;
    }
    area.present().map_err(drawing)
}

/// Axes, lines and legend; `bottom` is where points are marked that cannot be drawn.
fn fill<'a, DB, X, Y>(
    chart: &LineChart,
    context: &mut ChartContext<'a, DB, Cartesian2d<X, Y>>,
    bottom: f64,
    scale: f64,
) -> Result<(), IoError>
where
    DB: DrawingBackend + 'a,
    DB::ErrorType: 'static,
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let pixels = move |at_scale_1: f64| (at_scale_1 * scale).round() as i32;
    context
        .configure_mesh()
        .x_desc(&chart.x_label)
        .y_desc(&chart.y_label)
        .x_labels(8)
        .y_labels(8)
        .y_label_formatter(&|value| number(*value))
        .x_label_formatter(&|value| number(*value))
        .label_style((FONT, pixels(13.0), &INK))
        .axis_desc_style((FONT, pixels(15.0), &INK))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(WHITE)
        .draw()
        .map_err(drawing)?;
    let swatch = move |(x, y): (i32, i32), style: ShapeStyle| {
        PathElement::new(vec![(x, y), (x + pixels(18.0), y)], style)
    };
    for (idx, series) in chart.series.iter().enumerate() {
        let colour = COLOURS[idx % COLOURS.len()];
        let style = colour.stroke_width(pixels(1.5).max(1) as u32);
        let is_drawable = |y: f64| y.is_finite() && !(chart.log_y && y <= 0.0);
        let lost: Vec<f64> = series
            .points
            .iter()
            .filter(|point| !is_drawable(point.1))
            .map(|point| point.0)
            .collect();
        let name = match lost.len() {
            0 => series.name.clone(),
            n => format!("{} ({n} not finite)", series.name),
        };
        let mut is_first = true;
        for run in series
            .points
            .split(|point| !is_drawable(point.1))
            .filter(|run| !run.is_empty())
        {
            // A line of one point would be invisible.
            let radius = if run.len() == 1 {
                pixels(2.0).max(1) as u32
            } else {
                0
            };
            let line = LineSeries::new(run.iter().copied(), style).point_size(radius);
            let annotation = context.draw_series(line).map_err(drawing)?;
            if is_first {
                annotation.label(&name).legend(move |at| swatch(at, style));
                is_first = false;
            }
        }
        let marks = lost
            .iter()
            .map(|x| Cross::new((*x, bottom), pixels(4.0), style));
        let annotation = context.draw_series(marks).map_err(drawing)?;
        if is_first {
            annotation.label(&name).legend(move |at| swatch(at, style));
        }
    }
    let x = context.x_range();
    for reference in &chart.references {
        let style = INK.stroke_width(1);
        let line = plotters::series::DashedLineSeries::new(
            [(x.start, reference.y), (x.end, reference.y)],
            pixels(5.0),
            pixels(4.0),
            style,
        );
        let annotation = context.draw_series(line).map_err(drawing)?;
        annotation
            .label(&reference.name)
            .legend(move |at| swatch(at, style));
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .legend_area_size(pixels(26.0))
        .margin(pixels(8.0))
        .label_font((FONT, pixels(13.0), &INK))
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .draw()
        .map_err(drawing)
}

fn x_range(chart: &LineChart) -> Range<f64> {
    let (low, high) = extremes(
        chart
            .series
            .iter()
            .flat_map(|series| series.points.iter().map(|point| point.0)),
    );
    if low < high {
        low..high
    } else {
        low - 1.0..high + 1.0
    }
}

/// The values with a margin, and room above them for the legend, so that it hides no line.
fn y_range(chart: &LineChart) -> Range<f64> {
    let values = chart
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(|point| point.1))
        .chain(chart.references.iter().map(|reference| reference.y));
    let (low, high, least_span) = if chart.log_y {
        let (low, high) = extremes(values.filter(|value| *value > 0.0).map(f64::log10));
        (low, high, 0.5)
    } else {
        let (low, high) = extremes(values);
        (low, high, if low < high { 0.0 } else { 1.0 })
    };
    let span = (high - low).max(least_span);
    let n_legend_rows = chart.series.len() + chart.references.len();
    let low = low - 0.05 * span;
    let high = high + (0.07 + 0.05 * n_legend_rows as f64) * span;
    if chart.log_y {
        10_f64.powf(low)..10_f64.powf(high)
    } else {
        low..high
    }
}

/// Least and largest of the finite values; 0 and 1 where there is none.
fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
        })
        .unwrap_or((0.0, 1.0))
}

/// A number for an axis, without digits that say nothing.
fn number(value: f64) -> String {
    let text = if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        format!("{value:.1e}")
    } else {
        format!("{value:.4}")
    };
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn drawing(error: impl Display + Debug) -> IoError {
    IoError::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_axes_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (2.5, "2.5"),
            (300.0, "300"),
            (0.0001, "1.0e-4"),
            (2e7, "2.0e7"),
            (-0.25, "-0.25"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
