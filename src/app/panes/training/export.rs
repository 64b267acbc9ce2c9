//! A chart of the window as a chart for a file.

use super::view_model::{ChartModel, XAxis};
use crate::app::widgets::smooth::smooth;
use crate::engine::chart::{LineChart, Reference, Series};

/// The file name offered for a chart, without its extension.
pub(super) fn file_stem(title: &str) -> String {
    title
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// All values as they were measured, and beside each metric its smoothed values where smoothing is on.
pub(super) fn chart(model: &ChartModel, x_axis: XAxis, smoothing: f64, is_log: bool) -> LineChart {
    let mut series = Vec::new();
    for line in &model.lines {
        series.push(as_series(line.name.clone(), &line.points));
        if smoothing > 0.0 {
            let name = format!("{} (smoothed {smoothing:.3})", line.name);
            series.push(as_series(name, &smooth(&line.points, smoothing)));
        }
    }
    LineChart {
        title: model.title.clone(),
        x_label: x_axis.name().to_owned(),
        y_label: model.unit.to_owned(),
        log_y: is_log,
        series,
        references: model
            .references
            .iter()
            .map(|(name, y)| Reference {
                name: (*name).to_owned(),
                y: *y,
            })
            .collect(),
    }
}

fn as_series(name: String, points: &[[f64; 2]]) -> Series {
    Series {
        name,
        points: points.iter().map(|[x, y]| (*x, *y)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panes::training::view_model::LineModel;
    use crate::app::widgets::Goal;
    use crate::engine::event::Stage;

    fn model() -> ChartModel {
        ChartModel {
            title: "DPO loss".to_owned(),
            tip: "",
            unit: "nats",
            stage: Stage::Align,
            goal: Goal::Lowest,
            lines: vec![LineModel {
                name: "loss".to_owned(),
                points: vec![[1.0, 0.5], [10.0, f64::NAN]],
                abandoned: Vec::new(),
            }],
            references: &[("ln 2", std::f64::consts::LN_2)],
            note: "",
        }
    }

    #[test]
    fn values_references_and_names_are_those_of_the_window() {
        let chart = chart(&model(), XAxis::Step, 0.0, true);
        assert_eq!(chart.series.len(), 1);
        assert_eq!(chart.series[0].points[0], (1.0, 0.5));
        assert!(chart.series[0].points[1].1.is_nan());
        assert_eq!(
            (chart.x_label.as_str(), chart.references.len()),
            ("step", 1)
        );
        assert!(chart.log_y);
    }

    #[test]
    fn smoothed_values_stand_beside_the_raw_ones() {
        let chart = chart(&model(), XAxis::Step, 0.5, false);
        let names: Vec<&str> = chart
            .series
            .iter()
            .map(|series| series.name.as_str())
            .collect();
        assert_eq!(names, ["loss", "loss (smoothed 0.500)"]);
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(
            file_stem("Log-probability of the pairs"),
            "log_probability_of_the_pairs"
        );
    }
}
