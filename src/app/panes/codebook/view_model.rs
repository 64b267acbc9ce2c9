//! What the codebook pane says, from the state alone. Every formula is that of
//! [`crate::engine::tokenizer::health`].

use crate::app::state::{AppState, LoadHistory, SweepPoint};
use crate::app::widgets::number::{count, percent, significant};
use crate::app::widgets::{Stat, level_letter};
use crate::engine::embedding::ItemAlignmentReport;
use crate::engine::event::Stage;
use crate::engine::tokenizer::health::{self, Measure};
use crate::engine::tokenizer::report::{CodebookLevel, TokenizerReport};

/// A level must use at least this share of its codes to be called healthy.
const LEAST_UTILIZATION: f64 = 0.95;
/// A level's entropy must be at least this share of ln K.
const LEAST_EVENNESS: f64 = 0.9;
/// At most this share of items may lack an ID of their own.
const MOST_COLLISIONS: f64 = 0.05;

/// The tokenizers that show what balance, depth and another policy for shared IDs would change.
pub(super) const WHAT_IF: [&str; 4] = [
    "rq-kmeans",
    "balanced",
    "balanced-separate",
    "balanced-deeper",
];

/// One level as shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LevelModel<'a> {
    /// "Level a".
    pub name: String,
    /// Its figures, in the order of [`COLUMNS`].
    pub cells: Vec<String>,
    /// Items per code.
    pub load: &'a [u32],
    /// Positive events per code; empty until the table is finished.
    pub popularity: &'a [u64],
    /// Mean squared residual after it.
    pub residual_error: f64,
    /// Its figures after every sweep.
    pub sweeps: &'a [SweepPoint],
    /// Its load after every sweep.
    pub loads: Option<&'a LoadHistory>,
    /// Whether it is still being fitted.
    pub is_live: bool,
}

/// A level's figures.
pub(super) const COLUMNS: [Measure; 8] = [
    health::UTILIZATION,
    health::ENTROPY,
    health::EVENNESS,
    health::PERPLEXITY,
    health::GINI,
    health::DEAD_CODES,
    health::FULLEST,
    health::RESIDUAL,
];

/// What is told of prefixes, with the header of its columns.
pub(super) const PREFIX_COLUMNS: [(&str, Measure); 5] = [
    ("Prefixes", health::FAN_OUT),
    ("Mean fan-out", health::FAN_OUT),
    ("Largest fan-out", health::FAN_OUT),
    ("Neighbourhood", health::NEIGHBOURHOOD),
    ("Co-watch", health::CO_WATCH),
];

/// A judgement and the rule behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether all conditions hold; `None` while fitting.
    pub is_healthy: Option<bool>,
    /// The judgement with its numbers.
    pub text: String,
}

/// The rule of the verdict, in words.
pub(super) fn rule() -> String {
    format!(
        "Healthy means: every level uses at least {:.0}% of its codes, its entropy is at least {:.0}% of ln K, \
         and at most {:.0}% of the items lack an ID of their own.",
        LEAST_UTILIZATION * 100.0,
        LEAST_EVENNESS * 100.0,
        MOST_COLLISIONS * 100.0
    )
}

/// The levels: those of the finished table where it is known, else as they are being fitted.
pub(super) fn levels(state: &AppState) -> Vec<LevelModel<'_>> {
    let run = &state.run;
    let live = &run.codebook.levels;
    let is_fitting = run.current_stage() == Some(Stage::Tokenize);
    let n_levels = run
        .tokenizer
        .as_ref()
        .map_or(live.len(), |report| report.levels.len());
    (0..n_levels)
        .filter_map(|level_idx| {
            let history = live.get(level_idx);
            let report = run.tokenizer.as_ref();
            let stored = report.map(|report| &report.levels[level_idx]);
            let level = stored.or(history.map(|history| &history.latest))?;
            Some(LevelModel {
                name: format!("Level {}", level_letter(level_idx)),
                cells: cells(level),
                load: &level.load,
                popularity: &level.popularity,
                residual_error: level.residual_error,
                sweeps: history.map_or(&[], |history| &history.sweeps),
                loads: history.map(|history| &history.loads),
                is_live: is_fitting && stored.is_none() && !level.is_final,
            })
        })
        .collect()
}

/// The verdict; `None` before the first level.
pub(super) fn verdict(state: &AppState) -> Option<Verdict> {
    if let Some(report) = &state.run.tokenizer {
        return Some(judge(report));
    }
    let level = &state.run.codebook.levels.last()?.latest;
    let name = level_letter(level.level_idx);
    let doing = if state.run.current_stage() == Some(Stage::Tokenize) {
        "Fitting level"
    } else {
        "Fitting ended at level"
    };
    Some(Verdict {
        is_healthy: None,
        text: format!(
            "{doing} {name}, sweep {}. Utilization {}, entropy {} of ln K.",
            level.iteration,
            percent(level.utilization),
            percent(evenness(level)),
        ),
    })
}

/// Figures of the whole table.
pub(super) fn table(report: &TokenizerReport) -> Vec<Stat> {
    let stat = |measure: Measure, value: String| Stat::new(measure.name, value, measure.explain());
    let mut stats = vec![
        stat(health::COLLISIONS, percent(report.collision_rate)),
        Stat::new(
            "Before the policy",
            percent(report.collision_rate_before),
            "The collision rate before the collision policy moved items.",
        ),
        Stat::new(
            "Distinct IDs",
            count(report.distinct_ids),
            "Semantic IDs that at least one item has.",
        ),
        stat(health::ITEMS_SHARING, count(report.items_sharing)),
        stat(health::LARGEST_GROUP, count(report.largest_group)),
    ];
    // Codes without vectors of their own, such as hashes, reconstruct nothing.
    if let Some(error) = report.reconstruction_error {
        stats.push(stat(health::RECONSTRUCTION, significant(error, 3)));
        stats.push(Stat::new(
            "Vector power",
            significant(report.vector_power, 3),
            "Mean of the squared elements of the vectors: the error of an empty codebook.",
        ));
        stats.push(Stat::new(
            "Explained",
            percent(1.0 - error / report.vector_power),
            "1 - reconstruction error / vector power.",
        ));
    }
    stats
}

/// Per length of prefix: its name, then the figures in the order of [`PREFIX_COLUMNS`]; a dash where one is not known.
pub(super) fn prefixes(report: &TokenizerReport) -> Vec<[String; 6]> {
    (0..report.levels.len())
        .map(|level_idx| {
            let letters: String = (0..=level_idx).map(level_letter).collect();
            let dash = || "-".to_owned();
            let share = |values: &[f64]| values.get(level_idx).map_or_else(dash, |it| percent(*it));
            let fan_out = report.fan_out.get(level_idx);
            [
                letters,
                fan_out.map_or_else(dash, |fan_out| count(fan_out.prefixes)),
                fan_out.map_or_else(dash, |fan_out| mean_text(fan_out.mean)),
                fan_out.map_or_else(dash, |fan_out| count(fan_out.largest)),
                share(&report.neighbourhood_agreement),
                share(&report.co_watch_agreement),
            ]
        })
        .collect()
}

/// What aligning the item vectors gave; the same words explain it in the documents.
pub(super) fn item_alignment(report: &ItemAlignmentReport) -> Vec<Stat> {
    let precision = "mean over the first items of held-out pairs of (its 10 nearest items that are its partner) / 10";
    let mut stats = vec![
        Stat::new(
            "Precision after",
            small_share(report.precision_after),
            format!(
                "With the aligned vectors: {precision}. A pair is two items that one user took one after the other; \
                     nothing was learned from it. One partner found every time would be 10%."
            ),
        ),
        Stat::new(
            "Precision before",
            small_share(report.precision_before),
            format!("With the vectors that the alignment began from: {precision}."),
        ),
    ];
    if let Some(co_occurrence) = report.precision_co_occurrence {
        stats.push(Stat::new(
            "By co-occurrence",
            small_share(co_occurrence),
            format!("With the vectors of co-occurrence alone, which alignment should not lose to: {precision}."),
        ));
    }
    stats.extend([
        Stat::new(
            "By chance",
            small_share(report.precision_by_chance),
            "Mean number of partners / other items: the same for ten items drawn at random.",
        ),
        Stat::new(
            "Held-out pairs",
            count(report.n_held_out),
            "The last two items of every fifth user, where they differ.",
        ),
        Stat::new(
            "Pairs learned from",
            count(report.n_user_to_item + report.n_item_to_item),
            format!(
                "{} of a user's item and the most similar one before it, {} of similar items; similar by Swing.",
                count(report.n_user_to_item),
                count(report.n_item_to_item)
            ),
        ),
    ]);
    stats
}

/// A share that may be far below a percent.
fn small_share(share: f64) -> String {
    format!("{}%", significant(100.0 * share, 3))
}

/// Balanced assignment against nearest centroids: (what, as stored, nearest).
pub(super) fn comparison(report: &TokenizerReport) -> Vec<[String; 3]> {
    let mut rows: Vec<[String; 3]> = report
        .levels
        .iter()
        .zip(&report.entropy_nats_nearest)
        .map(|(level, nearest)| {
            [
                format!("Entropy, level {}", level_letter(level.level_idx)),
                significant(level.entropy_nats, 4),
                significant(*nearest, 4),
            ]
        })
        .collect();
    rows.push([
        "Collision rate before the policy".to_owned(),
        percent(report.collision_rate_before),
        percent(report.collision_rate_nearest),
    ]);
    rows
}

fn judge(report: &TokenizerReport) -> Verdict {
    let mut faults = Vec::new();
    for level in &report.levels {
        let name = level_letter(level.level_idx);
        if level.utilization < LEAST_UTILIZATION {
            let dead = count(level.dead_codes);
            faults.push(format!("level {name} leaves {dead} codes unused"));
        }
        if evenness(level) < LEAST_EVENNESS {
            let share = percent(evenness(level));
            faults.push(format!("level {name} has only {share} of the entropy ln K"));
        }
    }
    if report.collision_rate > MOST_COLLISIONS {
        let share = percent(report.collision_rate);
        faults.push(format!("{share} of the items lack an ID of their own"));
    }
    let lowest = report.levels.iter().map(|level| level.utilization);
    Verdict {
        is_healthy: Some(faults.is_empty()),
        text: if faults.is_empty() {
            format!(
                "Healthy: utilization {} on the worst level, collision rate {}.",
                percent(lowest.fold(1.0, f64::min)),
                percent(report.collision_rate)
            )
        } else {
            format!("Needs a look: {}.", faults.join("; "))
        },
    }
}

fn cells(level: &CodebookLevel) -> Vec<String> {
    let fullest = level.load.iter().copied().max().unwrap_or(0);
    vec![
        percent(level.utilization),
        significant(level.entropy_nats, 4),
        percent(evenness(level)),
        perplexity(level.perplexity),
        significant(level.gini, 3),
        count(level.dead_codes),
        count(u64::from(fullest)),
        significant(level.residual_error, 3),
    ]
}

/// A perplexity: grouped like a count where it has no decimals left.
fn perplexity(value: f64) -> String {
    if value.is_finite() && value >= 1000.0 {
        count(value.round() as u64)
    } else {
        significant(value, 4)
    }
}

/// Entropy as a share of the largest possible.
fn evenness(level: &CodebookLevel) -> f64 {
    match level.load.len() {
        0 | 1 => 1.0,
        n_codes => level.entropy_nats / (n_codes as f64).ln(),
    }
}

/// A mean of counts: three digits, thousands as counts are written.
fn mean_text(mean: f64) -> String {
    if mean < 1000.0 {
        significant(mean, 3)
    } else {
        count(mean.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::{CodebookHistory, LevelHistory};
    use crate::engine::event::{EngineEvent, EventRecord, RunId};
    use crate::engine::tokenizer::health::level_health;
    use crate::engine::tokenizer::report::FanOut;

    fn level(level_idx: usize, load: Vec<u32>) -> CodebookLevel {
        let n_codes = load.len();
        let codes = (0..)
            .zip(&load)
            .flat_map(|(code, n)| (0..*n).map(move |_| code));
        CodebookLevel {
            iteration: 4,
            is_final: true,
            ..level_health(level_idx, n_codes, codes, 0.5)
        }
    }

    fn report(load: Vec<u32>, collision_rate: f64) -> TokenizerReport {
        TokenizerReport {
            levels: vec![level(0, load)],
            collision_rate,
            reconstruction_error: Some(0.25),
            vector_power: 1.0,
            entropy_nats_nearest: vec![1.0],
            ..TokenizerReport::default()
        }
    }

    #[test]
    fn nothing_is_said_before_the_first_level() {
        let state = AppState::default();
        assert!(levels(&state).is_empty());
        assert_eq!(verdict(&state), None);
    }

    #[test]
    fn a_level_being_fitted_is_live() {
        let mut state = AppState::default();
        let latest = CodebookLevel {
            is_final: false,
            ..level(0, vec![2, 2, 0, 4])
        };
        state.run.apply(&EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("run".to_owned()),
            event: EngineEvent::StageStarted {
                stage: Stage::Tokenize,
                first_step: 0,
                total_steps: 1,
            },
        });
        state.run.codebook = CodebookHistory {
            levels: vec![LevelHistory {
                latest,
                sweeps: vec![SweepPoint {
                    iteration: 1,
                    utilization: 0.5,
                    entropy_nats: f64::NAN,
                    gini: 0.5,
                    dead_codes: 1,
                    residual_error: 1.0,
                }],
                loads: LoadHistory::default(),
            }],
        };
        let shown = levels(&state);
        assert!(shown[0].is_live);
        assert_eq!(shown[0].cells[0], "75.0%");
        assert_eq!(shown[0].cells[4..7], ["0.375", "1", "4"]);
        assert!(verdict(&state).unwrap().text.contains("level a, sweep 4"));
        state.run.apply(&EventRecord {
            seq: 1,
            time_millis: 1,
            run: RunId("run".to_owned()),
            event: EngineEvent::RunStopped {
                stage: Stage::Tokenize,
                step: 0,
            },
        });
        assert!(!levels(&state)[0].is_live, "nothing is at work any more");
    }

    #[test]
    fn the_verdict_follows_its_rule() {
        assert_eq!(judge(&report(vec![2, 2, 2, 2], 0.0)).is_healthy, Some(true));
        let verdict = judge(&report(vec![8, 0, 0, 0], 0.2));
        assert_eq!(verdict.is_healthy, Some(false));
        assert!(verdict.text.contains("3 codes unused"), "{}", verdict.text);
        assert!(
            verdict.text.contains("20.0% of the items"),
            "{}",
            verdict.text
        );
    }

    #[test]
    fn alignment_is_shown_beside_what_it_must_beat() {
        let mut report = ItemAlignmentReport {
            precision_before: 0.012,
            precision_after: 0.031,
            precision_by_chance: 0.0002,
            n_held_out: 1234,
            ..ItemAlignmentReport::default()
        };
        let values = |report: &ItemAlignmentReport| -> Vec<String> {
            let stats = item_alignment(report);
            stats.into_iter().map(|stat| stat.value).collect()
        };
        assert_eq!(values(&report)[..2], ["3.10%", "1.20%"]);
        assert_eq!(values(&report).len(), 5);
        report.precision_co_occurrence = Some(0.02);
        assert_eq!(values(&report)[2], "2.00%");
    }

    #[test]
    fn the_stored_table_replaces_the_live_levels() {
        let mut state = AppState::default();
        state.run.tokenizer = Some(report(vec![2, 2, 2, 2], 0.0));
        let shown = levels(&state);
        assert!(!shown[0].is_live);
        assert_eq!(shown[0].cells[1], "1.386");
        assert_eq!(table(&report(vec![1], 0.0))[7].value, "75.0%");
    }

    #[test]
    fn every_figure_has_its_column() {
        assert_eq!(cells(&level(0, vec![1])).len(), COLUMNS.len());
        let mut report = report(vec![2, 2], 0.0);
        assert_eq!(prefixes(&report)[0][1..], ["-"; 5].map(str::to_owned));
        report.fan_out = vec![FanOut {
            prefixes: 1200,
            mean: 4.0,
            largest: 9,
        }];
        report.neighbourhood_agreement = vec![0.5];
        let expected = ["a", "1,200", "4.00", "9", "50.0%", "-"].map(str::to_owned);
        assert_eq!(prefixes(&report), [expected]);
    }

    #[test]
    fn codes_without_vectors_tell_no_error() {
        let report = TokenizerReport {
            reconstruction_error: None,
            ..report(vec![2, 2], 0.0)
        };
        let stats = table(&report);
        assert!(stats.iter().all(|stat| stat.value != "NaN"), "{stats:?}");
    }
}
