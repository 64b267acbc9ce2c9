//! Which charts there are and what is in them, from the run alone.

use super::item_vectors;
use super::spec::{SPECS, Spec};
use crate::app::state::{RunStore, SeriesPoint};
use crate::app::widgets::Goal;
use crate::engine::event::Stage;

/// What the x axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum XAxis {
    /// Optimiser steps.
    #[default]
    Step,
    /// Training examples seen.
    Sample,
    /// Seconds of training.
    Second,
}

impl XAxis {
    /// All choices in order.
    pub(super) const ALL: [Self; 3] = [Self::Step, Self::Sample, Self::Second];

    /// The word under the axis.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Sample => "sample",
            Self::Second => "second",
        }
    }

    fn of(self, point: &SeriesPoint) -> f64 {
        match self {
            Self::Step => point.step as f64,
            Self::Sample => point.samples as f64,
            Self::Second => point.seconds,
        }
    }
}

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ChartModel {
    /// Its title.
    pub title: String,
    /// What it shows, with the formula.
    pub tip: &'static str,
    /// Unit of the values; empty where they have none.
    pub unit: &'static str,
    /// The stage it belongs to.
    pub stage: Stage,
    /// Which end is good.
    pub goal: Goal,
    /// The metrics.
    pub lines: Vec<LineModel>,
    /// Horizontal lines with a meaning.
    pub references: &'static [(&'static str, f64)],
    /// How to read it; empty where nothing is surprising.
    pub note: &'static str,
}

/// One metric of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LineModel {
    /// Its name in the legend.
    pub name: String,
    /// `[x, value]`, sorted by x.
    pub points: Vec<[f64; 2]>,
    /// Tails that a resume abandoned.
    pub abandoned: Vec<Vec<[f64; 2]>>,
}

/// The charts of all metrics that the run has, the known ones first.
pub(super) fn charts(run: &RunStore, x_axis: XAxis) -> Vec<ChartModel> {
    let mut charts = Vec::new();
    for spec in item_vectors::SPECS.iter().chain(&SPECS) {
        let lines: Vec<LineModel> = run
            .stage_series(spec.stage)
            .filter_map(|(name, series)| {
                Some(LineModel {
                    name: (spec.legend)(name)?,
                    points: on_axis(&series.points, x_axis),
                    abandoned: abandoned(&series.abandoned, x_axis),
                })
            })
            .collect();
        if !lines.is_empty() {
            charts.push(ChartModel {
                title: spec.title.to_owned(),
                tip: spec.tip,
                unit: spec.unit,
                stage: spec.stage,
                goal: spec.goal,
                lines,
                references: spec.references,
                note: spec.note,
            });
        }
    }
    charts.extend(other_charts(run, x_axis));
    charts
}

/// Metrics without a chart of ours get one each, so that nothing a stage reports is hidden.
fn other_charts(run: &RunStore, x_axis: XAxis) -> Vec<ChartModel> {
    let mut charts = Vec::new();
    for stage in Stage::ALL {
        for (name, series) in run.stage_series(stage) {
            // Probes have charts of their own in the alignment pane.
            if name.starts_with("probe_") {
                continue;
            }
            let is_known = |spec: &Spec| spec.stage == stage && (spec.legend)(name).is_some();
            if item_vectors::SPECS.iter().chain(&SPECS).any(is_known) {
                continue;
            }
            let words = name.replace('_', " ");
            charts.push(ChartModel {
                title: format!("{} {words}", stage_title(stage)),
                tip: "As the stage reports it.",
                unit: "",
                stage,
                goal: Goal::None,
                lines: vec![LineModel {
                    name: words,
                    points: on_axis(&series.points, x_axis),
                    abandoned: abandoned(&series.abandoned, x_axis),
                }],
                references: &[],
                note: "",
            });
        }
    }
    charts
}

/// The name of a stage at the head of a chart.
pub(super) const fn stage_title(stage: Stage) -> &'static str {
    match stage {
        Stage::Data => "Data",
        Stage::Tokenize => "Tokenizer",
        Stage::Pretrain => "Pretraining",
        Stage::Reward => "Reward models",
        Stage::Align => "Alignment",
        Stage::Evaluate => "Evaluation",
    }
}

fn on_axis(points: &[SeriesPoint], x_axis: XAxis) -> Vec<[f64; 2]> {
    points
        .iter()
        .map(|point| [x_axis.of(point), point.value])
        .collect()
}

fn abandoned(tails: &[Vec<SeriesPoint>], x_axis: XAxis) -> Vec<Vec<[f64; 2]>> {
    tails.iter().map(|tail| on_axis(tail, x_axis)).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::LN_2;

    use super::*;
    use crate::engine::event::{EngineEvent, EventRecord, RunId, StepPoint};

    fn run_with(stage: Stage, values: &[(&str, f64)]) -> RunStore {
        let mut run = RunStore::default();
        for seq in 0..3 {
            run.apply(&EventRecord {
                seq,
                time_millis: seq,
                run: RunId("r".into()),
                event: EngineEvent::Steps {
                    stage,
                    points: vec![StepPoint {
                        step: seq + 1,
                        samples: 64 * (seq + 1),
                        seconds: 0.5 * (seq + 1) as f64,
                        values: values
                            .iter()
                            .map(|(name, value)| ((*name).to_owned(), *value))
                            .collect(),
                        experts: Vec::new(),
                    }],
                },
            });
        }
        run
    }

    fn titles(run: &RunStore) -> Vec<String> {
        charts(run, XAxis::Step)
            .into_iter()
            .map(|chart| chart.title)
            .collect()
    }

    #[test]
    fn a_run_without_steps_has_no_charts() {
        assert!(charts(&RunStore::default(), XAxis::Step).is_empty());
    }

    #[test]
    fn every_metric_appears_exactly_once() {
        let run = run_with(
            Stage::Pretrain,
            &[
                ("loss", 5.0),
                ("loss_level_1", 4.0),
                ("loss_level_2", f64::NAN),
                ("grad_norm", 1.0),
            ],
        );
        assert_eq!(
            titles(&run),
            [
                "Pretraining loss",
                "Pretraining loss per level",
                "Pretraining grad norm"
            ]
        );
        let shown = charts(&run, XAxis::Sample);
        let names: Vec<&str> = shown[1]
            .lines
            .iter()
            .map(|line| line.name.as_str())
            .collect();
        assert_eq!(names, ["level a", "level b"]);
        assert_eq!(shown[0].lines[0].points[1], [128.0, 5.0]);
        assert!(shown[1].lines[1].points[0][1].is_nan());
    }

    #[test]
    fn the_losses_of_the_item_vectors_have_charts_of_their_own() {
        let run = run_with(Stage::Tokenize, &[("contrastive", 5.5), ("caption", 3.0)]);
        assert_eq!(
            titles(&run),
            [
                "Item vectors: contrastive loss",
                "Item vectors: caption loss"
            ]
        );
    }

    #[test]
    fn the_dpo_loss_has_its_line_at_ln_2() {
        let run = run_with(
            Stage::Align,
            &[("loss", 3.0), ("dpo_loss", LN_2), ("margin", 0.0)],
        );
        let shown = charts(&run, XAxis::Step);
        assert_eq!(
            titles(&run),
            ["Alignment loss", "DPO loss", "Preference margin"]
        );
        assert_eq!(shown[1].references, [("ln 2", LN_2)]);
        assert!(shown[1].note.contains("ln 2"));
    }

    #[test]
    fn policy_and_judge_share_a_chart() {
        let run = run_with(
            Stage::Reward,
            &[("loss", 1.0), ("judge_loss", 1.1), ("judge_loss_vtr", 0.5)],
        );
        let shown = charts(&run, XAxis::Step);
        let names: Vec<&str> = shown[0]
            .lines
            .iter()
            .map(|line| line.name.as_str())
            .collect();
        assert_eq!(names, ["judge", "reward model"]);
        assert_eq!(titles(&run), ["Reward model loss", "Judge loss per head"]);
    }
}
