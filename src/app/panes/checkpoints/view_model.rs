//! What the checkpoints pane says, from the run alone.

use std::path::Path;

use crate::app::state::RunStore;
use crate::app::widgets::number::{bytes, count, signed, significant, utc_minute};
use crate::engine::event::CheckpointInfo;

/// One checkpoint as a row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CheckpointRow {
    /// The text of each column: stage, step, saved, size, metrics.
    pub cells: [String; 5],
}

/// One metric of two checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetricRow {
    /// Its name.
    pub name: String,
    /// In the first checkpoint.
    pub first: String,
    /// In the second.
    pub second: String,
    /// Second - first.
    pub change: String,
}

/// All checkpoints, newest first, as indices into the run's list.
pub(super) fn order(run: &RunStore) -> Vec<usize> {
    (0..run.checkpoints.len()).rev().collect()
}

/// A checkpoint as text.
pub(super) fn row(info: &CheckpointInfo) -> CheckpointRow {
    let metrics: Vec<String> = info
        .metrics
        .iter()
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), significant(*value, 4)))
        .collect();
    CheckpointRow {
        cells: [
            if info.is_final {
                format!("{} (complete)", part(info))
            } else {
                part(info)
            },
            count(info.step),
            utc_minute(i64::try_from(info.time_millis).unwrap_or(i64::MAX)),
            bytes(info.bytes),
            metrics.join(", "),
        ],
    }
}

/// Short name of a checkpoint, for choices.
pub(super) fn name(info: &CheckpointInfo) -> String {
    format!("{} step {}", part(info), count(info.step))
}

/// The stage, and the model within it where the stage trains several.
fn part(info: &CheckpointInfo) -> String {
    let folder = info.path.parent().and_then(Path::file_name);
    match folder.and_then(|name| name.to_str()) {
        Some(model) if model != info.stage.name() => {
            format!("{}, {}", info.stage, model.replace('_', " "))
        }
        _ => info.stage.to_string(),
    }
}

/// All metrics that either checkpoint has, side by side.
pub(super) fn compare(first: &CheckpointInfo, second: &CheckpointInfo) -> Vec<MetricRow> {
    let value = |info: &CheckpointInfo, name: &str| {
        let metric = info.metrics.iter().find(|(key, _)| key == name);
        metric.map(|(_, value)| *value)
    };
    let text =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| significant(value, 5));
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in first.metrics.iter().chain(&second.metrics) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut rows: Vec<MetricRow> = names
        .into_iter()
        .map(|name| {
            let (a, b) = (value(first, name), value(second, name));
            MetricRow {
                name: name.replace('_', " "),
                first: text(a),
                second: text(b),
                change: a
                    .zip(b)
                    .map_or_else(|| "-".to_owned(), |(a, b)| signed(b - a, 3)),
            }
        })
        .collect();
    rows.push(MetricRow {
        name: "step".to_owned(),
        first: count(first.step),
        second: count(second.step),
        change: signed(second.step as f64 - first.step as f64, 6),
    });
    rows.push(MetricRow {
        name: "size".to_owned(),
        first: bytes(first.bytes),
        second: bytes(second.bytes),
        change: String::new(),
    });
    rows
}

/// Python that loads an export folder and generates slates for a history of five items.
pub(super) fn python_snippet(folder: &Path) -> String {
    let folder = folder.display().to_string();
    // A JSON string is a Python string too: quotes and backslashes of the path stay what they are.
    let quoted = serde_json::Value::String(folder).to_string();
    format!(
        "import sys\n\
         folder = {quoted}\n\
         sys.path.insert(0, folder)\n\
         from onerec_model import load\n\
         generator, items = load(folder)\n\
         history = items.all_codes()[:5]\n\
         slates = generator.generate(history, items.all_codes(), n_items=5, n_beams=16)\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Stage;

    fn info(step: u64, metrics: &[(&str, f64)]) -> CheckpointInfo {
        CheckpointInfo {
            stage: Stage::Pretrain,
            step,
            path: "run/pretrain/step_000010".into(),
            bytes: 1_500_000,
            time_millis: 0,
            metrics: metrics
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
            is_final: step == 20,
        }
    }

    #[test]
    fn the_newest_comes_first() {
        let mut run = RunStore::default();
        assert!(order(&run).is_empty());
        run.checkpoints = vec![info(10, &[]), info(20, &[])];
        assert_eq!(order(&run), [1, 0]);
    }

    #[test]
    fn a_row_has_words_and_units() {
        let shown = row(&info(20, &[("loss", 5.25)]));
        assert_eq!(
            shown.cells,
            [
                "pretrain (complete)",
                "20",
                "1970-01-01 00:00",
                "1.5 MB",
                "loss 5.250"
            ]
        );
    }

    #[test]
    fn models_of_one_stage_are_told_apart() {
        let judge = CheckpointInfo {
            stage: Stage::Reward,
            path: "run/reward/judge/step_000010".into(),
            ..info(10, &[])
        };
        assert_eq!(name(&judge), "reward, judge step 10");
        assert_eq!(name(&info(10, &[])), "pretrain step 10");
    }

    #[test]
    fn metrics_that_one_side_lacks_have_no_change() {
        let rows = compare(
            &info(10, &[("loss", 5.0), ("margin", f64::NAN)]),
            &info(20, &[("loss", 4.5), ("accuracy", 0.5)]),
        );
        let shown: Vec<(&str, &str)> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.change.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("loss", "-0.500"),
                ("margin", "-"),
                ("accuracy", "-"),
                ("step", "+10.0000"),
                ("size", "")
            ]
        );
    }

    #[test]
    fn the_snippet_survives_odd_paths() {
        let text = python_snippet(Path::new("a \"b\"\\c"));
        assert!(text.contains(r#"folder = "a \"b\"\\c""#), "{text}");
    }
}
