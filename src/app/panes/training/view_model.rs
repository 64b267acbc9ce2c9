//! Which charts there are and what is in them, from the run alone.

use std::f64::consts::LN_2;

use super::item_vectors;
use crate::app::state::{RunStore, SeriesPoint};
use crate::app::widgets::{Goal, level_letter};
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

/// A chart we know how to explain; the fields are those of [`ChartModel`].
pub(super) struct Spec {
    pub stage: Stage,
    pub title: &'static str,
    pub tip: &'static str,
    pub unit: &'static str,
    /// The legend of a metric by its name in the events; `None` where it belongs elsewhere.
    pub legend: fn(&str) -> Option<String>,
    pub goal: Goal,
    pub references: &'static [(&'static str, f64)],
    pub note: &'static str,
}

const SPECS: [Spec; 20] = [
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining loss",
        tip: "Mean negative log-probability per code of the target sessions, in nats. Held out: the same over the last \
              learnable event of some users, which is not trained on.",
        unit: "nats per code",
        legend: |name| {
            only(name, "loss", "training").or_else(|| only(name, "validation_loss", "held out"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining loss per level",
        tip: "The same loss for the codes of each level. A model without knowledge has ln K.",
        unit: "nats per code",
        legend: level_legend,
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Learning rate",
        tip: "Linear warm-up, then cosine decay.",
        unit: "",
        legend: |name| only(name, "learning_rate", "learning rate"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining speed",
        tip: "Target codes per second of wall time, since the point before.",
        unit: "codes per second",
        legend: |name| only(name, "tokens_per_second", "tokens per second"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Padding",
        tip: "Share of the history's places in a batch that are padding, mean since the point before.",
        unit: "",
        legend: |name| only(name, "padding_frac", "padding"),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Reward model loss",
        tip: "Binary cross-entropy summed over the heads, for the model that alignment uses and for the judge.",
        unit: "nats",
        legend: |name| {
            only(name, "loss", "reward model").or_else(|| only(name, "judge_loss", "judge"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Reward model loss per head",
        tip: "Binary cross-entropy of each head of the model that alignment uses.",
        unit: "nats",
        legend: |name| name.strip_prefix("loss_").map(str::to_owned),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Judge loss per head",
        tip: "Binary cross-entropy of each head of the judge, which is trained on other users.",
        unit: "nats",
        legend: |name| name.strip_prefix("judge_loss_").map(str::to_owned),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Alignment loss",
        tip: "Next-token loss plus lambda times the preference loss of the samples that have a preference pair.",
        unit: "nats",
        legend: |name| {
            only(name, "loss", "total").or_else(|| only(name, "next_token_loss", "next token"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "DPO loss",
        tip: "-ln sigmoid(margin) of the preference pairs.",
        unit: "nats",
        legend: |name| only(name, "dpo_loss", "DPO loss"),
        goal: Goal::Lowest,
        references: &[("ln 2", LN_2)],
        note: "At ln 2 the policy does not yet tell the pair apart better than its reference; every new \
               reference starts there again.",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference loss",
        tip: "The objective's loss of the preference pairs; where it starts depends on the objective.",
        unit: "nats",
        legend: |name| only(name, "preference_loss", "preference loss"),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference margin",
        tip: "What the objective widens between chosen and rejected slate. For DPO: \
              beta x [(ln p - ln p_ref) of the chosen slate - the same of the rejected one].",
        unit: "nats",
        legend: |name| only(name, "margin", "margin"),
        goal: Goal::Highest,
        references: &[("no preference", 0.0)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference accuracy",
        tip: "Share of the pairs whose margin is positive.",
        unit: "",
        legend: |name| only(name, "accuracy", "accuracy"),
        goal: Goal::Highest,
        references: &[("chance", 0.5)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Log-probability of the pairs",
        tip: "Mean log-probability of the chosen and of the rejected slates under the policy.",
        unit: "nats",
        legend: |name| {
            only(name, "chosen_log_prob", "chosen")
                .or_else(|| only(name, "rejected_log_prob", "rejected"))
        },
        goal: Goal::None,
        references: &[],
        note: "Both may fall while the margin rises: DPO only asks for the distance between them. \
               A chosen line that falls much faster than the loss improves calls for a smaller learning rate.",
    },
    Spec {
        stage: Stage::Align,
        title: "Reward gap of the pairs",
        tip: "Reward of the chosen slate minus that of the rejected one, mean over the pairs of the step.",
        unit: "",
        legend: |name| only(name, "reward_gap", "reward gap"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Policy loss",
        tip: "Minus the objective of the policy gradient, mean over the codes or slates of all groups. \
              Its value means little; its course shows whether steps still change anything.",
        unit: "",
        legend: |name| only(name, "policy_loss", "policy loss"),
        goal: Goal::None,
        references: &[("frozen copy", 0.0)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Reward of the rollouts",
        tip: "Mean reward of the slates that the frozen copy generated for this step.",
        unit: "",
        legend: |name| only(name, "rollout_reward", "reward"),
        goal: Goal::Highest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Distance to the frozen copy",
        tip: "Mean over codes or slates of pi_old/pi - ln(pi_old/pi) - 1, an estimate of the KL divergence.",
        unit: "nats",
        legend: |name| only(name, "kl", "KL"),
        goal: Goal::None,
        references: &[],
        note: "It starts at 0 with every iteration. A steep rise means that the policy leaves what generated its \
               examples: lower the learning rate or take fewer steps per iteration.",
    },
    Spec {
        stage: Stage::Align,
        title: "Ratios outside the clip range",
        tip: "Share of the ratios pi / pi_old (raised as the objective says) outside 1 - clip to 1 + clip.",
        unit: "",
        legend: |name| only(name, "ratio_outside", "outside"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference pairs per step",
        tip: "Sessions of the step that got a preference pair.",
        unit: "pairs",
        legend: |name| only(name, "step_pairs", "pairs"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
];

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

pub(super) fn only(name: &str, wanted: &str, legend: &str) -> Option<String> {
    (name == wanted).then(|| legend.to_owned())
}

/// `loss_level_1` is the loss of level a.
fn level_legend(name: &str) -> Option<String> {
    let number: usize = name.strip_prefix("loss_level_")?.parse().ok()?;
    Some(format!("level {}", level_letter(number.checked_sub(1)?)))
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
