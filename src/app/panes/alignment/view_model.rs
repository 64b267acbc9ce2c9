//! What the alignment pane says of the course of alignment, from the run alone.

use crate::app::state::{AppState, RunStatus, RunStore};
use crate::app::widgets::number::{percent, signed, significant};
use crate::app::widgets::{Stat, TextTable, level_letter};
use crate::engine::eval::diversity::Diversity;
use crate::engine::eval::report::EvaluationReport;
use crate::engine::event::{NoticeLevel, Stage};
use crate::engine::run::report::AlignmentReport;

/// What is looked at in each probe, and when a warning comes of it.
pub(super) const RULES: [&str; 8] = [
    "The reward rises while the judge, true utility or HR@50 falls, each beyond the 95% interval of the change within users.",
    "The judge confirms less than half of the reward's rise, the 95% interval of its own change included.",
    "Legality, of drawn IDs or of the 50 likeliest, falls beyond its interval, and to less than 90% of what it was.",
    "The policy differs from the generator before alignment by more than 0.5 nats per code.",
    "More than 30% of the generated items hold one code on some level, and more than twice as many as before.",
    "The entropy of the first code falls to less than half of what it was.",
    "Chosen and rejected slates differ by less than 0.01 in reward, mean over ten logged steps.",
    "A rule must be broken at two probes in a row. Each warns once in a run, with its figures and the setting to change.",
];

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
        .alignment_log()
        .filter(|line| line.level == NoticeLevel::Warning)
        .map(|line| (line.text.clone(), line.hint.clone().unwrap_or_default()))
        .collect();
    let last = last_point(run, "probe_reward");
    let (is_healthy, text) = match (last, warnings.len()) {
        (None, 0) => (None, "No probe yet.".to_owned()),
        (Some((0, _)), 0) => (
            None,
            "The generator before alignment was probed; the policy was not yet.".to_owned(),
        ),
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
    /// Significant digits; `None` for a share, which is written in percent.
    digits: Option<usize>,
}

impl Figure {
    fn write(&self, value: f64) -> String {
        self.digits
            .map_or_else(|| percent(value), |digits| significant(value, digits))
    }

    /// A change of the figure; of a share in percentage points.
    fn change(&self, change: f64) -> String {
        match self.digits {
            Some(_) => signed(change, 2),
            None => format!("{:+.1} points", 100.0 * change),
        }
    }
}

const FIGURES: [Figure; 10] = [
    Figure {
        name: "probe_reward",
        label: "Reward",
        tip: "Mean reward of the slates that the policy would show now.",
        digits: Some(4),
    },
    Figure {
        name: "probe_judge",
        label: "Judge",
        tip: "The same by a second reward model, trained on other users and not used for alignment.",
        digits: Some(4),
    },
    Figure {
        name: "probe_utility",
        label: "True utility",
        tip: "What the slates are really worth, by the simulator that made the data.",
        digits: Some(4),
    },
    Figure {
        name: "probe_hr_at_1",
        label: "HR@1",
        tip: "Share of the probe's users whose held-out item comes first.",
        digits: None,
    },
    Figure {
        name: "probe_hr_at_50",
        label: "HR@50",
        tip: "Share of the probe's users whose held-out item is among the first 50.",
        digits: None,
    },
    Figure {
        name: "probe_legality",
        label: "Legality, drawn",
        tip: "Share of semantic IDs drawn at random without constraint that belong to an item.",
        digits: None,
    },
    Figure {
        name: "probe_beam_legality",
        label: "Legality, 50 likeliest",
        tip: "Share of the 50 likeliest semantic IDs, written without constraint, that belong to an item.",
        digits: None,
    },
    Figure {
        name: "probe_divergence",
        label: "Divergence",
        tip: "Mean over codes of sum p ln(p / q), p the policy and q the generator before alignment, in nats.",
        digits: Some(3),
    },
    Figure {
        name: "probe_top_code_share_level_1",
        label: "Commonest code",
        tip: "Share of the generated items that begin with the commonest first code.",
        digits: None,
    },
    Figure {
        name: "probe_flagged_share",
        label: "Flagged items",
        tip: "Share of the generated items that are flagged by align.flagged.",
        digits: None,
    },
];

/// The newest probe as figures, each with its change since before alignment.
pub(super) fn figures(run: &RunStore) -> Vec<Stat> {
    FIGURES
        .iter()
        .filter_map(|figure| {
            let (step, value) = last_point(run, figure.name)?;
            let stat = Stat::new(figure.label, figure.write(value), figure.tip);
            let first = run.series(Stage::Align, figure.name)?.points.first()?;
            let is_change = first.step == 0 && step > 0;
            Some(if is_change {
                stat.unit(figure.change(value - first.value))
            } else {
                stat
            })
        })
        .collect()
}

/// The step of the newest probe.
pub(super) fn probed_at(run: &RunStore) -> Option<u64> {
    last_point(run, "probe_reward").map(|(step, _)| step)
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

/// Entropy per level, of the predictions and of the codes that were written.
pub(super) fn entropy(
    report: &AlignmentReport,
    evaluation: Option<&EvaluationReport>,
) -> TextTable {
    let (mut before, mut after) = (&[][..], &[][..]);
    if let Some(evaluation) = evaluation {
        before = &evaluation.code_entropy_before;
        after = &evaluation.code_entropy_after;
    }
    let nats = |value: Option<&f64>| value.map_or_else(|| "-".to_owned(), |h| significant(*h, 3));
    // Reports of earlier versions do not say which codes were written.
    let has_codes = !report.codes.is_empty();
    let row = |level_idx: usize| {
        let mut row = vec![
            level_letter(level_idx).to_string(),
            nats(before.get(level_idx)),
            nats(after.get(level_idx)),
        ];
        if let Some(codes) = report.codes.get(level_idx) {
            row.extend([
                significant(codes.entropy.0, 3),
                significant(codes.entropy.1, 3),
                codes.n_distinct.0.to_string(),
                codes.n_distinct.1.to_string(),
            ]);
        }
        row
    };
    let mut columns = vec![
        ("Level", "Position in the semantic ID."),
        (
            "Undecided before",
            "Entropy of the generator's predictions along the held-out items, nats: -sum p ln p, mean over users. 0 is \
             certain.",
        ),
        ("Undecided after", "The same of the aligned generator."),
    ];
    if has_codes {
        columns.extend([
            (
                "Written before",
                "Entropy of the frequencies of the codes in all evaluated slates, nats: how many codes come up, over all \
                 users.",
            ),
            ("Written after", "The same of the aligned generator."),
            ("Codes before", "Distinct codes in those slates."),
            ("Codes after", "The same of the aligned generator."),
        ]);
    }
    let n_levels = if has_codes {
        report.codes.len()
    } else {
        before.len()
    };
    TextTable {
        rows: (0..n_levels).map(row).collect(),
        columns,
    }
}

/// What the marks on pairs did; empty where there were none.
pub(super) fn marked(report: &AlignmentReport) -> String {
    if report.pairs_left_out + report.pairs_turned == 0 {
        return String::new();
    }
    format!(
        "As marked, {} pairs were left out and {} learned the other way round; {} pairs trained.",
        report.pairs_left_out, report.pairs_turned, report.pairs
    )
}

/// Why there is no probe.
pub(super) fn no_probe(state: &AppState) -> &'static str {
    if is_under_way(state) {
        "No probe yet; where they are on (align.probe_every_steps), the first comes before the first step."
    } else {
        "This run was aligned without probes (align.probe_every_steps)."
    }
}

/// What alignment did to the catalogue.
pub(super) fn diversity(report: &AlignmentReport) -> TextTable {
    type Value = fn(&Diversity) -> Option<f64>;
    let figures: [(&str, Value); 6] = [
        ("Catalogue shown", |of| Some(of.coverage)),
        ("Novelty, bits", |of| Some(of.novelty_bits)),
        ("Cold items", |of| Some(of.cold_share)),
        ("Unlikeness within slates", |of| of.intra_slate),
        ("Largest cluster", |of| Some(of.largest_cluster)),
        ("Flagged items", |of| of.flagged_share),
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
    // A figure that the slates do not have, such as unlikeness within slates of one item, has no row.
    let rows = figures
        .iter()
        .filter_map(|(name, value)| Some(row(name, value(before)?, value(after)?)))
        .collect();
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
fn is_under_way(state: &AppState) -> bool {
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
        assert!(figures(&RunStore::default()).is_empty());
    }

    #[test]
    fn probes_become_figures() {
        let state = probed();
        assert_eq!(verdict(&state).is_healthy, Some(true));
        let shown: Vec<(String, String)> = figures(&state.run)
            .into_iter()
            .map(|stat| (stat.label, stat.value))
            .collect();
        assert_eq!(shown[0], ("Reward".to_owned(), "0.5000".to_owned()));
        assert_eq!(shown[2], ("Legality, drawn".to_owned(), "87.5%".to_owned()));
        assert_eq!(shown[0].1, "0.5000");
    }

    #[test]
    fn a_figure_tells_its_change_since_before_alignment() {
        let mut state = AppState::default();
        for (step, reward) in [(0, 0.25), (10, 0.38)] {
            apply(
                &mut state.run,
                EngineEvent::Steps {
                    stage: Stage::Align,
                    points: vec![StepPoint {
                        step,
                        values: vec![("probe_reward".to_owned(), reward)],
                        ..StepPoint::default()
                    }],
                },
            );
            let expected = if step == 0 { "" } else { "+0.13" };
            assert_eq!(figures(&state.run)[0].unit, expected);
            assert_eq!(verdict(&state).is_healthy, (step > 0).then_some(true));
        }
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
        let evaluation = EvaluationReport {
            code_entropy_before: vec![2.0, 1.5],
            ..EvaluationReport::default()
        };
        let entropy = entropy(&report, Some(&evaluation));
        assert_eq!(entropy.rows[1], ["b", "1.50", "-"]);
        for table in [pass_at_k(&report), diversity(&report), entropy] {
            assert!(!table.rows.is_empty());
            for row in &table.rows {
                assert_eq!(row.len(), table.columns.len());
            }
        }
        assert_eq!(diversity(&report).rows[0][3], "+0.500");
    }
}
