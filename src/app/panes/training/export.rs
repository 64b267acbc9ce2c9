//! A chart as a file: its values as CSV, its picture as PNG or SVG.

use std::collections::BTreeMap;

use super::view_model::{ChartModel, XAxis};
use crate::app::widgets::smooth::smooth;

/// The file name offered for a chart, without its extension.
pub(super) fn file_stem(title: &str) -> String {
    title
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// One row per x, one column per metric, and beside each its smoothed values where smoothing is on.
pub(super) fn csv(chart: &ChartModel, x_axis: XAxis, smoothing: f64) -> String {
    let mut header = vec![x_axis.name().to_owned()];
    let mut columns: Vec<Vec<[f64; 2]>> = Vec::new();
    for line in &chart.lines {
        header.push(line.name.clone());
        columns.push(line.points.clone());
        if smoothing > 0.0 {
            header.push(format!("{} (smoothed {smoothing})", line.name));
            columns.push(smooth(&line.points, smoothing));
        }
    }
    // Metrics of one chart may be logged at different steps; an absent value is an empty cell.
    let mut rows: BTreeMap<u64, (f64, Vec<Option<f64>>)> = BTreeMap::new();
    for (column_idx, column) in columns.iter().enumerate() {
        for [x, y] in column {
            let row = rows
                .entry(x.max(0.0).to_bits())
                .or_insert_with(|| (*x, vec![None; columns.len()]));
            row.1[column_idx] = Some(*y);
        }
    }
    let mut text = header.join(",");
    for (x, values) in rows.values() {
        text.push('\n');
        text.push_str(&x.to_string());
        for value in values {
            text.push(',');
            if let Some(value) = value {
                text.push_str(&value.to_string());
            }
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panes::training::view_model::LineModel;
    use crate::app::widgets::Goal;
    use crate::engine::event::Stage;

    fn chart() -> ChartModel {
        let line = |name: &str, points: Vec<[f64; 2]>| LineModel {
            name: name.to_owned(),
            points,
            abandoned: Vec::new(),
        };
        ChartModel {
            title: "DPO loss".to_owned(),
            tip: "",
            stage: Stage::Align,
            goal: Goal::Lowest,
            lines: vec![
                line("a", vec![[1.0, 0.5], [10.0, f64::NAN]]),
                line("b", vec![[10.0, 2.0]]),
            ],
            references: &[],
            note: "",
        }
    }

    #[test]
    fn rows_are_joined_by_step() {
        let text = csv(&chart(), XAxis::Step, 0.0);
        assert_eq!(text, "step,a,b\n1,0.5,\n10,NaN,2\n");
    }

    #[test]
    fn smoothed_values_stand_beside_the_raw_ones() {
        let text = csv(&chart(), XAxis::Step, 0.5);
        assert!(
            text.starts_with("step,a,a (smoothed 0.5),b,b (smoothed 0.5)\n1,0.5,0.5,,\n"),
            "{text}"
        );
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(
            file_stem("Log-probability of the pairs"),
            "log_probability_of_the_pairs"
        );
    }
}
