//! The course of alignment as charts over the same steps: what the policy would show, by its probes, and what each step
//! learned.

use crate::app::panes::training::SPECS;
use crate::app::state::{RunStore, SeriesPoint};
use crate::app::widgets::{Goal, level_letter};
use crate::engine::event::Stage;

/// One chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    /// Its title.
    pub title: &'static str,
    /// What it shows, with the formula.
    pub tip: &'static str,
    /// Which end is good.
    pub goal: Goal,
    /// Horizontal lines with a meaning.
    pub references: &'static [(&'static str, f64)],
    /// How to read it; empty where nothing is surprising.
    pub note: &'static str,
    /// The figures.
    pub lines: Vec<Line>,
}

/// One figure over the steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Its name in the legend.
    pub name: String,
    /// `[step, value]`.
    pub points: Vec<[f64; 2]>,
    /// Tails that a resume or an earlier alignment left.
    pub abandoned: Vec<Vec<[f64; 2]>>,
}

/// A chart of the probes, and what its lines are called by their names in the events.
struct ProbeSpec {
    title: &'static str,
    tip: &'static str,
    goal: Goal,
    legend: fn(&str) -> Option<String>,
}

const PROBES: [ProbeSpec; 8] = [
    ProbeSpec {
        title: "Reward and judge",
        tip: "Mean reward of the probe's slates. A reward that rises without the judge is the reward model's mistake.",
        goal: Goal::Highest,
        legend: |name| {
            one_of(
                name,
                &[("probe_reward", "reward"), ("probe_judge", "judge")],
            )
        },
    },
    ProbeSpec {
        title: "True utility",
        tip: "What the probe's slates are really worth, by the simulator that made the data.",
        goal: Goal::Highest,
        legend: |name| one_of(name, &[("probe_utility", "true utility")]),
    },
    ProbeSpec {
        title: "Hits",
        tip: "Share of the probe's users whose held-out item comes first, or among the first 50. Alignment may trade one for \
              the other.",
        goal: Goal::Highest,
        legend: |name| {
            one_of(
                name,
                &[("probe_hr_at_1", "HR@1"), ("probe_hr_at_50", "HR@50")],
            )
        },
    },
    ProbeSpec {
        title: "Legality",
        tip: "Share of freely written IDs that belong to an item: of IDs drawn at random, where what is likely comes \
              often, and of the 50 likeliest, where each counts once. A policy that writes few IDs looks better by the \
              first than by the second.",
        goal: Goal::Highest,
        legend: |name| {
            one_of(
                name,
                &[
                    ("probe_legality", "drawn"),
                    ("probe_beam_legality", "50 likeliest"),
                ],
            )
        },
    },
    ProbeSpec {
        title: "Commonest code per level",
        tip: "Share of the generated items that hold the commonest code of a level. A reward that hangs on one code shows \
              here.",
        goal: Goal::None,
        legend: |name| of_level(name, "probe_top_code_share_level_"),
    },
    ProbeSpec {
        title: "Flagged items",
        tip: "Share of the generated items that are flagged by align.flagged.",
        goal: Goal::None,
        legend: |name| one_of(name, &[("probe_flagged_share", "flagged items")]),
    },
    ProbeSpec {
        title: "Entropy per level",
        tip: "Entropy of each level's predictions along the held-out items, in nats: how undecided the policy is.",
        goal: Goal::None,
        legend: |name| of_level(name, "probe_entropy_level_"),
    },
    ProbeSpec {
        title: "Divergence from the generator before alignment",
        tip: "Mean over codes of sum p ln(p / q) along the held-out items, in nats.",
        goal: Goal::None,
        legend: |name| one_of(name, &[("probe_divergence", "divergence")]),
    },
];

/// The level that a name ends with.
fn of_level(name: &str, prefix: &str) -> Option<String> {
    let number: usize = name.strip_prefix(prefix)?.parse().ok()?;
    Some(format!("level {}", level_letter(number.checked_sub(1)?)))
}

/// The charts of the probes that the run has points for.
pub(super) fn probed(run: &RunStore) -> Vec<Course> {
    let charts = PROBES.iter().map(|spec| Course {
        title: spec.title,
        tip: spec.tip,
        goal: spec.goal,
        references: &[],
        note: "",
        lines: lines(run, spec.legend),
    });
    charts.filter(|chart| !chart.lines.is_empty()).collect()
}

/// The charts of what each step learned, as far as the run has points for them.
pub(super) fn learned(run: &RunStore) -> Vec<Course> {
    let specs = SPECS.iter().filter(|spec| spec.stage == Stage::Align);
    let charts = specs.map(|spec| Course {
        title: spec.title,
        tip: spec.tip,
        goal: spec.goal,
        references: spec.references,
        note: spec.note,
        lines: lines(run, spec.legend),
    });
    charts.filter(|chart| !chart.lines.is_empty()).collect()
}

fn lines(run: &RunStore, legend: fn(&str) -> Option<String>) -> Vec<Line> {
    let points = |points: &[SeriesPoint]| -> Vec<[f64; 2]> {
        let points = points.iter();
        points
            .map(|point| [point.step as f64, point.value])
            .collect()
    };
    run.stage_series(Stage::Align)
        .filter_map(|(name, series)| {
            Some(Line {
                name: legend(name)?,
                points: points(&series.points),
                abandoned: series.abandoned.iter().map(|tail| points(tail)).collect(),
            })
        })
        .collect()
}

fn one_of(name: &str, known: &[(&str, &str)]) -> Option<String> {
    known
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, legend)| (*legend).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, EventRecord, RunId, StepPoint};

    #[test]
    fn probes_and_steps_have_charts_of_their_own() {
        let mut run = RunStore::default();
        for (seq, step) in [0, 10, 20].into_iter().enumerate() {
            let mut values = vec![
                ("probe_reward", 0.3 + step as f64 / 100.0),
                ("probe_judge", 0.3),
                ("probe_legality", 0.875),
                ("probe_entropy_level_2", 1.5),
            ];
            if step > 0 {
                values.extend([("loss", 3.0), ("dpo_loss", 0.6)]);
            }
            run.apply(&EventRecord {
                seq: seq as u64,
                time_millis: 0,
                run: RunId("r".into()),
                event: EngineEvent::Steps {
                    stage: Stage::Align,
                    points: vec![StepPoint {
                        step,
                        values: values
                            .into_iter()
                            .map(|(name, value)| (name.to_owned(), value))
                            .collect(),
                        ..StepPoint::default()
                    }],
                },
            });
        }
        let titles =
            |charts: &[Course]| -> Vec<&str> { charts.iter().map(|chart| chart.title).collect() };
        let probed = probed(&run);
        assert_eq!(
            titles(&probed),
            ["Reward and judge", "Legality", "Entropy per level"]
        );
        assert_eq!(probed[0].lines.len(), 2);
        let level = &probed[2].lines[0];
        assert_eq!(level.name, "level b");
        assert_eq!(level.points, [[0.0, 1.5], [10.0, 1.5], [20.0, 1.5]]);
        let learned = learned(&run);
        assert_eq!(titles(&learned), ["Alignment loss", "DPO loss"]);
        assert_eq!(learned[1].lines[0].points[0], [10.0, 0.6]);
        assert!((learned[1].references[0].1 - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
