//! What the codebook pane says, from the state alone. Formulas are those of the paper's tokenizer metrics. [B 4.4]

use crate::app::state::AppState;
use crate::app::widgets::number::{count, percent, significant};
use crate::app::widgets::{Stat, level_letter};
use crate::engine::embedding::ItemAlignmentReport;
use crate::engine::event::Stage;
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
pub(super) struct LevelModel {
    /// "Level a".
    pub name: String,
    /// Its figures, in the order of [`COLUMNS`].
    pub cells: Vec<String>,
    /// Items per code.
    pub load: Vec<u32>,
    /// Entropy over the sweeps.
    pub entropy: Vec<[f64; 2]>,
    /// Whether it is still being fitted.
    pub is_live: bool,
}

/// Names and formulas of a level's figures.
pub(super) const COLUMNS: [(&str, &str); 7] = [
    ("Utilization", "Codes with at least one item / codes."),
    (
        "Entropy",
        "- sum of p ln p over the codes, p = items of the code / items; in nats.",
    ),
    (
        "of ln K",
        "Entropy / ln K: 100% where every code has equally many items.",
    ),
    (
        "Perplexity",
        "exp(entropy): the number of codes that are effectively in use.",
    ),
    ("Dead codes", "Codes without an item."),
    ("Fullest code", "Items of the code with the most items."),
    (
        "Residual",
        "Mean over items and dimensions of the squared residual after this level.",
    ),
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
pub(super) fn levels(state: &AppState) -> Vec<LevelModel> {
    let run = &state.run;
    let live = &run.codebook.levels;
    let n_levels = run
        .tokenizer
        .as_ref()
        .map_or(live.len(), |report| report.levels.len());
    (0..n_levels)
        .filter_map(|level_idx| {
            let history = live.get(level_idx);
            let stored = run
                .tokenizer
                .as_ref()
                .map(|report| &report.levels[level_idx]);
            let level = stored.or(history.map(|history| &history.latest))?;
            let sweeps = history.map_or(&[][..], |history| &history.sweeps);
            Some(LevelModel {
                name: format!("Level {}", level_letter(level_idx)),
                cells: cells(level),
                load: level.load.clone(),
                entropy: sweeps
                    .iter()
                    .map(|sweep| [sweep.iteration as f64, sweep.entropy_nats])
                    .collect(),
                is_live: stored.is_none() && !level.is_final,
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
    let error = report.reconstruction_error.unwrap_or(f64::NAN);
    let explained = 1.0 - error / report.vector_power;
    vec![
        Stat::new(
            "Collision rate",
            percent(report.collision_rate),
            "1 - distinct semantic IDs / items, for the codes as stored.",
        ),
        Stat::new(
            "Before the policy",
            percent(report.collision_rate_before),
            "The same rate before the collision policy moved items.",
        ),
        Stat::new(
            "Distinct IDs",
            count(report.distinct_ids),
            "Semantic IDs that at least one item has.",
        ),
        Stat::new(
            "Items sharing",
            count(report.items_sharing),
            "Items that share their ID with another item.",
        ),
        Stat::new(
            "Largest group",
            count(report.largest_group),
            "Items of the most crowded ID.",
        ),
        Stat::new(
            "Reconstruction error",
            significant(error, 3),
            "Mean squared error per element between an item's vector and the sum of its codewords.",
        ),
        Stat::new(
            "Vector power",
            significant(report.vector_power, 3),
            "Mean of the squared elements of the vectors: the error of an empty codebook.",
        ),
        Stat::new(
            "Explained",
            percent(explained),
            "1 - reconstruction error / vector power.",
        ),
    ]
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
            let dead = level.load.iter().filter(|n| **n == 0).count();
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
    let dead = level.load.iter().filter(|n| **n == 0).count();
    vec![
        percent(level.utilization),
        significant(level.entropy_nats, 4),
        percent(evenness(level)),
        significant(level.perplexity, 4),
        count(dead as u64),
        count(u64::from(level.load.iter().copied().max().unwrap_or(0))),
        significant(level.residual_error, 3),
    ]
}

/// Entropy as a share of the largest possible.
fn evenness(level: &CodebookLevel) -> f64 {
    match level.load.len() {
        0 | 1 => 1.0,
        n_codes => level.entropy_nats / (n_codes as f64).ln(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::{CodebookHistory, LevelHistory, SweepPoint};
    use crate::engine::tokenizer::health::level_health;

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
        state.run.codebook = CodebookHistory {
            levels: vec![LevelHistory {
                latest,
                sweeps: vec![SweepPoint {
                    iteration: 1,
                    utilization: 0.5,
                    entropy_nats: f64::NAN,
                    residual_error: 1.0,
                }],
            }],
        };
        let shown = levels(&state);
        assert!(shown[0].is_live);
        assert_eq!(shown[0].cells[0], "75.0%");
        assert_eq!(shown[0].cells[4], "1");
        assert!(verdict(&state).unwrap().text.contains("level a, sweep 4"));
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
}
