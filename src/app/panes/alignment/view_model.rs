//! What the alignment pane says of the course of alignment, from the run alone.

use crate::app::state::{AppState, RunStatus, RunStore};
use crate::app::widgets::number::{percent, signed, significant};
use crate::app::widgets::{Goal, Stat, TextTable, level_letter};
use crate::engine::eval::diversity::Diversity;
use crate::engine::event::{NoticeLevel, Stage};
use crate::engine::run::report::AlignmentReport;

/// The rules behind the warnings, in words.
pub(super) const RULES: &str = "Every few steps the policy writes slates for the same users, and everyone who can \
    judge them does. A warning comes when the reward rises while the judge, true utility or HR@50 falls, each beyond \
    its 95% interval within users; when fewer than nine tenths of the freely written IDs that were legal still are; \
    when the policy differs from the generator before alignment by more than 0.5 nats per code; when more than 30% \
    of the items, and twice as many as before, begin with one code; when the entropy of the first code falls to \
    half; or when chosen and rejected slates differ by less than 0.01 in reward.";

/// The judgement at the head of the pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether no rule was broken; `None` where there is no probe yet.
    pub is_healthy: Option<bool>,
    /// In one sentence.
    pub text: String,
    /// The warnings with what to do, in the order in which they came.
    pub warnings: Vec<(String, String)>,
}

/// What to say at the head.
pub(super) fn verdict(state: &AppState) -> Verdict {
    let run = &state.run;
    let warnings: Vec<(String, String)> = run
        .log
        .iter()
        .filter(|line| line.stage == Some(Stage::Align) && line.level == NoticeLevel::Warning)
        .map(|line| (line.text.clone(), line.hint.clone().unwrap_or_default()))
        .collect();
    let last = last_point(run, "probe_reward");
    let (is_healthy, text) = match (last, warnings.len()) {
        (None, 0) => (None, "No probe yet.".to_owned()),
        (Some((step, _)), 0) => (
            Some(true),
            format!("No warning up to the probe after step {step}."),
        ),
        (_, 1) => (Some(false), "One warning.".to_owned()),
        (_, n) => (Some(false), format!("{n} warnings.")),
    };
    Verdict {
        is_healthy,
        text,
        warnings,
    }
}

/// One figure of the probes: its name in the events, its name here, its meaning, and how it is written.
struct Figure {
    name: &'static str,
    label: &'static str,
    tip: &'static str,
    write: fn(f64) -> String,
}

const FIGURES: [Figure; 7] = [
    Figure {
        name: "probe_reward",
        label: "Reward",
        tip: "Mean reward of the slates that the policy would show now.",
        write: |value| significant(value, 4),
    },
    Figure {
        name: "probe_judge",
        label: "Judge",
        tip: "The same by a second reward model, trained on other users and not used for alignment.",
        write: |value| significant(value, 4),
    },
    Figure {
        name: "probe_utility",
        label: "True utility",
        tip: "What the slates are really worth, by the simulator that made the data.",
        write: |value| significant(value, 4),
    },
    Figure {
        name: "probe_hr_at_50",
        label: "HR@50",
        tip: "Share of the probe's users whose held-out item is among the first 50.",
        write: percent,
    },
    Figure {
        name: "probe_legality",
        label: "Legality",
        tip: "Share of semantic IDs written without constraint that belong to an item.",
        write: percent,
    },
    Figure {
        name: "probe_divergence",
        label: "Divergence",
        tip: "Mean over codes of sum p ln(p / q), p the policy and q the generator before alignment, in nats.",
        write: |value| significant(value, 3),
    },
    Figure {
        name: "probe_top_code_share",
        label: "Commonest code",
        tip: "Share of the generated items that begin with the commonest first code.",
        write: percent,
    },
];

/// The newest probe as figures.
pub(super) fn figures(run: &RunStore) -> Vec<Stat> {
    FIGURES
        .iter()
        .filter_map(|figure| {
            let (_, value) = last_point(run, figure.name)?;
            Some(Stat::new(figure.label, (figure.write)(value), figure.tip))
        })
        .collect()
}

/// One chart of the course, over steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    /// Its title.
    pub title: &'static str,
    /// What it shows.
    pub tip: &'static str,
    /// Which end is good.
    pub goal: Goal,
    /// Names and points.
    pub lines: Vec<(String, Vec<[f64; 2]>)>,
}

/// A chart, and what its lines are called by their names in the events.
struct CourseSpec {
    title: &'static str,
    tip: &'static str,
    goal: Goal,
    legend: fn(&str) -> Option<String>,
}

const COURSES: [CourseSpec; 6] = [
    CourseSpec {
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
    CourseSpec {
        title: "True utility",
        tip: "What the probe's slates are really worth, by the simulator that made the data.",
        goal: Goal::Highest,
        legend: |name| one_of(name, &[("probe_utility", "true utility")]),
    },
    CourseSpec {
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
    CourseSpec {
        title: "Legality and commonest code",
        tip: "Share of freely written IDs that belong to an item, and share of the generated items that begin with the \
              commonest first code.",
        goal: Goal::None,
        legend: |name| {
            one_of(
                name,
                &[
                    ("probe_legality", "legality"),
                    ("probe_top_code_share", "commonest code"),
                ],
            )
        },
    },
    CourseSpec {
        title: "Entropy per level",
        tip: "Entropy of each level's predictions along the held-out items, in nats: how undecided the policy is.",
        goal: Goal::None,
        legend: |name| {
            let number: usize = name.strip_prefix("probe_entropy_level_")?.parse().ok()?;
            Some(format!("level {}", level_letter(number.checked_sub(1)?)))
        },
    },
    CourseSpec {
        title: "Divergence from the generator before alignment",
        tip: "Mean over codes of sum p ln(p / q) along the held-out items, in nats.",
        goal: Goal::None,
        legend: |name| one_of(name, &[("probe_divergence", "divergence")]),
    },
];

fn one_of(name: &str, known: &[(&str, &str)]) -> Option<String> {
    known
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, legend)| (*legend).to_owned())
}

/// The charts that the run has points for.
pub(super) fn courses(run: &RunStore) -> Vec<Course> {
    COURSES
        .iter()
        .filter_map(|spec| {
            let lines: Vec<(String, Vec<[f64; 2]>)> = run
                .stage_series(Stage::Align)
                .filter_map(|(name, series)| {
                    let points = series
                        .points
                        .iter()
                        .map(|point| [point.step as f64, point.value]);
                    Some(((spec.legend)(name)?, points.collect()))
                })
                .collect();
            (!lines.is_empty()).then_some(Course {
                title: spec.title,
                tip: spec.tip,
                goal: spec.goal,
                lines,
            })
        })
        .collect()
}

fn last_point(run: &RunStore, name: &str) -> Option<(u64, f64)> {
    let last = run.series(Stage::Align, name)?.last()?;
    Some((last.step, last.value))
}

/// The best of a user's first K slates before and after.
pub(super) fn pass_at_k(report: &AlignmentReport) -> TextTable {
    let mut columns = vec![
        ("K", "Slates of a user that are looked at, likeliest first."),
        (
            "Reward before",
            "The best reward of the K slates, mean over users.",
        ),
        ("Reward after", "The same after alignment."),
        (
            "Judge before",
            "The best of the judge's rewards, mean over users.",
        ),
        ("Judge after", "The same after alignment."),
    ];
    let has_utility = report.pass_at_k.iter().any(|pass| pass.utility.is_some());
    if has_utility {
        columns.push(("Utility before", "The best true utility, mean over users."));
        columns.push(("Utility after", "The same after alignment."));
    }
    let rows = report.pass_at_k.iter().map(|pass| {
        let mut row = vec![pass.k.to_string()];
        let pairs = [Some(pass.reward), Some(pass.judge), pass.utility];
        for (before, after) in pairs.into_iter().flatten() {
            row.push(significant(before, 4));
            row.push(significant(after, 4));
        }
        row
    });
    TextTable {
        rows: rows.collect(),
        columns,
    }
}

/// What alignment did to the catalogue.
pub(super) fn diversity(report: &AlignmentReport) -> TextTable {
    type Value = fn(&Diversity) -> f64;
    let figures: [(&str, Value); 5] = [
        ("Catalogue shown", |of| of.coverage),
        ("Novelty, bits", |of| of.novelty_bits),
        ("Cold items", |of| of.cold_share),
        ("Unlikeness within slates", |of| of.intra_slate),
        ("Largest cluster", |of| of.largest_cluster),
    ];
    let (before, after) = (&report.diversity_before, &report.diversity_after);
    let row = |name: &str, before: f64, after: f64| {
        vec![
            name.to_owned(),
            significant(before, 3),
            significant(after, 3),
            signed(after - before, 3),
        ]
    };
    let mut rows: Vec<Vec<String>> = figures
        .iter()
        .map(|(name, value)| row(name, value(before), value(after)))
        .collect();
    if let (Some(before), Some(after)) = (before.flagged_share, after.flagged_share) {
        rows.push(row("Flagged items", before, after));
    }
    TextTable {
        columns: vec![
            (
                "Of the slates shown",
                "The likeliest slate of each user. Catalogue shown: distinct items / items. Novelty: mean of \
                 -log2(events of the item / all events). Cold items: share of items with at most 5 positive events in \
                 training. Unlikeness: 1 - mean cosine between the items of a slate. Largest cluster: share of items \
                 with the commonest first code.",
            ),
            ("Before", "Before alignment."),
            ("After", "After alignment."),
            ("Change", "After - before."),
        ],
        rows,
    }
}

/// Whether anything will still come.
pub(super) fn is_under_way(state: &AppState) -> bool {
    state.run.status == RunStatus::Running && state.run.current_stage() == Some(Stage::Align)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, EventRecord, Notice, RunId, StepPoint};
    use crate::engine::run::report::PassAtK;

    fn apply(run: &mut RunStore, event: EngineEvent) {
        run.apply(&EventRecord {
            seq: run.next_seq,
            time_millis: 0,
            run: RunId("r".into()),
            event,
        });
    }

    fn probed() -> AppState {
        let mut state = AppState::default();
        for step in [10, 20] {
            apply(
                &mut state.run,
                EngineEvent::Steps {
                    stage: Stage::Align,
                    points: vec![StepPoint {
                        step,
                        samples: 64 * step,
                        seconds: step as f64,
                        values: [
                            ("probe_reward", 0.3 + step as f64 / 100.0),
                            ("probe_judge", 0.3),
                            ("probe_legality", 0.875),
                            ("probe_entropy_level_2", 1.5),
                            ("loss", 3.0),
                        ]
                        .map(|(name, value)| (name.to_owned(), value))
                        .to_vec(),
                        experts: Vec::new(),
                    }],
                },
            );
        }
        state
    }

    #[test]
    fn nothing_is_judged_before_the_first_probe() {
        let verdict = verdict(&AppState::default());
        assert_eq!(verdict.is_healthy, None);
        assert!(courses(&RunStore::default()).is_empty());
        assert!(figures(&RunStore::default()).is_empty());
    }

    #[test]
    fn probes_become_figures_and_charts_and_other_metrics_do_not() {
        let state = probed();
        assert_eq!(verdict(&state).is_healthy, Some(true));
        let shown: Vec<(String, String)> = figures(&state.run)
            .into_iter()
            .map(|stat| (stat.label, stat.value))
            .collect();
        assert_eq!(shown[0], ("Reward".to_owned(), "0.5000".to_owned()));
        assert_eq!(shown[2], ("Legality".to_owned(), "87.5%".to_owned()));
        let charts = courses(&state.run);
        let titles: Vec<&str> = charts.iter().map(|chart| chart.title).collect();
        assert_eq!(
            titles,
            [
                "Reward and judge",
                "Legality and commonest code",
                "Entropy per level"
            ]
        );
        assert_eq!(charts[0].lines.len(), 2);
        assert_eq!(charts[2].lines[0].0, "level b");
        assert_eq!(charts[2].lines[0].1, [[10.0, 1.5], [20.0, 1.5]]);
    }

    #[test]
    fn warnings_of_this_stage_are_the_verdict() {
        let mut state = probed();
        for (stage, level) in [
            (Stage::Align, NoticeLevel::Warning),
            (Stage::Align, NoticeLevel::Info),
            (Stage::Reward, NoticeLevel::Warning),
        ] {
            apply(
                &mut state.run,
                EngineEvent::Notice(Notice {
                    level,
                    stage: Some(stage),
                    text: "the reward rose while the judge fell".to_owned(),
                    hint: Some("lower align.lambda".to_owned()),
                }),
            );
        }
        let verdict = verdict(&state);
        assert_eq!(verdict.is_healthy, Some(false));
        assert_eq!(verdict.warnings.len(), 1);
        assert_eq!(verdict.warnings[0].1, "lower align.lambda");
    }

    #[test]
    fn tables_have_a_cell_per_column() {
        let report = AlignmentReport {
            pass_at_k: vec![PassAtK {
                k: 8,
                reward: (0.5, 0.75),
                judge: (0.5, 0.5),
                utility: Some((1.0, 2.0)),
            }],
            diversity_after: Diversity {
                coverage: 0.5,
                ..Diversity::default()
            },
            ..AlignmentReport::default()
        };
        for table in [pass_at_k(&report), diversity(&report)] {
            assert!(!table.rows.is_empty());
            for row in &table.rows {
                assert_eq!(row.len(), table.columns.len());
            }
        }
        assert_eq!(diversity(&report).rows[0][3], "+0.500");
    }
}
