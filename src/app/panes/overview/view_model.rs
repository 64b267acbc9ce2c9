//! What the overview says, from the state alone.

use std::path::Path;

use crate::app::state::AppState;
use crate::app::widgets::Stat;
use crate::app::widgets::number::{bytes, count, duration, percent, significant, utc_minute};
use crate::engine::data::stats::DatasetStats;
use crate::engine::event::Stage;

/// Everything the overview shows of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DatasetModel {
    /// Its name.
    pub title: String,
    /// Its format, its time range and where it lies.
    pub source: String,
    /// Counts.
    pub counts: Vec<Stat>,
    /// Kinds of feedback that occur: name, events, share of all events.
    pub feedback: Vec<(String, String, f64)>,
    /// Users by length of history.
    pub history_lengths: Histogram,
    /// Items by popularity.
    pub popularity: Histogram,
    /// How sessions were formed and what is held out.
    pub rules: Vec<(&'static str, String)>,
    /// Partial trouble.
    pub warnings: Vec<String>,
}

/// Bars with names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    /// Range of each bar.
    pub names: Vec<String>,
    /// Height of each bar.
    pub values: Vec<f64>,
}

/// The dataset of the run, or else the one that was inspected for the draft.
pub(super) fn dataset(state: &AppState) -> Option<DatasetModel> {
    if let Some(stats) = &state.run.dataset {
        return Some(describe(stats, &state.run.data_path));
    }
    let (path, stats) = state.inspected.as_ref()?;
    Some(describe(stats, path))
}

/// What the run came to: one figure per finished stage, in order.
pub(super) fn results(state: &AppState) -> Vec<Stat> {
    let run = &state.run;
    let mut stats = Vec::new();
    if let Some(tokenizer) = &run.tokenizer {
        let lowest = tokenizer.levels.iter().map(|level| level.utilization);
        stats.push(Stat::new(
            "Codes in use",
            percent(lowest.fold(1.0, f64::min)),
            "Codes with at least one item / codes, on the worst level.",
        ));
        stats.push(Stat::new(
            "Collision rate",
            percent(tokenizer.collision_rate),
            "1 - distinct semantic IDs / items.",
        ));
    }
    if let Some(last) = run
        .series(Stage::Pretrain, "loss")
        .and_then(|series| series.last())
    {
        let tip = "Mean negative log-probability per code of the last logged step, in nats.";
        stats.push(Stat::new("Pretraining loss", significant(last.value, 4), tip).unit("nats"));
    }
    if let Some(alignment) = &run.alignment {
        let pairs = [
            (
                "Reward gained",
                Some((alignment.reward_before, alignment.reward_after)),
                "by the reward model that alignment used",
            ),
            (
                "Judge gained",
                Some((alignment.judge_before, alignment.judge_after)),
                "by a second reward model trained on other users",
            ),
            (
                "True utility gained",
                alignment.oracle_before.zip(alignment.oracle_after),
                "by the simulator that made the data",
            ),
        ];
        for (label, pair, whose) in pairs {
            if let Some((before, after)) = pair {
                let tip = format!(
                    "Mean score of the generated slates after alignment minus before, {whose}: {} to {}.",
                    significant(before.mean, 4),
                    significant(after.mean, 4)
                );
                let gain = crate::app::widgets::number::signed(after.mean - before.mean, 3);
                stats.push(Stat::new(label, gain, tip));
            }
        }
    }
    if let Some(evaluation) = &run.evaluation {
        for model in &evaluation.models {
            let tip = format!(
                "Share of {} users whose held-out item is among the first 10. {}",
                count(model.users),
                evaluation.protocol
            );
            let label = format!("HR@10 {}", model.name);
            stats.push(Stat::new(label, significant(model.hr_10, 3), tip));
        }
    }
    let seconds: f64 = Stage::ALL
        .iter()
        .map(|stage| run.stage(*stage).elapsed_seconds())
        .sum();
    if seconds > 0.0 {
        stats.push(Stat::new(
            "Time",
            duration(seconds),
            "Work of all stages so far.",
        ));
    }
    if let Some(memory) = state.vitals.memory_bytes {
        let tip = "Resident memory of this process now.";
        stats.push(Stat::new("Memory", bytes(memory), tip));
    }
    stats
}

/// Whether alignment raised what it should, in the engine's own sentences.
pub(super) fn verdict(state: &AppState) -> &[String] {
    state
        .run
        .alignment
        .as_ref()
        .map_or(&[], |alignment| &alignment.verdict)
}

fn describe(stats: &DatasetStats, path: &Path) -> DatasetModel {
    let mut source = vec![stats.format.clone()];
    if let Some((first, last)) = stats.time_range_millis {
        source.push(format!("{} to {} UTC", utc_minute(first), utc_minute(last)));
    }
    source.push(path.display().to_string());
    DatasetModel {
        title: stats.name.clone(),
        source: source.join("  ·  "),
        counts: counts(stats),
        feedback: stats
            .feedback
            .iter()
            .filter(|(_, events)| *events > 0)
            .map(|(name, events)| {
                let share = *events as f64 / stats.events.max(1) as f64;
                (name.clone(), count(*events), share)
            })
            .collect(),
        history_lengths: Histogram::new(&stats.history_lengths),
        popularity: Histogram::new(&stats.popularity),
        rules: vec![
            ("Sessions", stats.session_rule.clone()),
            ("Split", stats.split_rule.clone()),
            ("Fingerprint", stats.fingerprint.clone()),
        ],
        warnings: stats.warnings.clone(),
    }
}

fn counts(stats: &DatasetStats) -> Vec<Stat> {
    let per_user = stats.positives as f64 / stats.users.max(1) as f64;
    vec![
        Stat::new(
            "Users",
            count(stats.users),
            "Users with at least one event.",
        ),
        Stat::new("Items", count(stats.items), "Items in the catalogue."),
        Stat::new(
            "Events",
            count(stats.events),
            "Rows of the log: one impression each.",
        ),
        Stat::new(
            "Positive events",
            count(stats.positives),
            "Events that count as positive under data.positive.",
        ),
        Stat::new(
            "Positives per user",
            significant(per_user, 3),
            "Positive events / users.",
        ),
        Stat::new(
            "Sparsity",
            format!("{:.3}%", stats.sparsity * 100.0),
            "1 - events / (users x items).",
        ),
        Stat::new(
            "Sessions kept",
            count(stats.sessions_kept),
            format!(
                "Sessions that pass the quality rule, of {} found.",
                count(stats.sessions)
            ),
        ),
        Stat::new(
            "Test users",
            count(stats.test_users),
            "Users with a held-out target.",
        ),
        Stat::new(
            "Tied times",
            percent(stats.tied_times_frac),
            "Adjacent events of one user with equal time stamps / all such pairs. Their order is not known, \
             which inflates next-item metrics.",
        ),
        Stat::new(
            "True utility",
            if stats.has_oracle { "known" } else { "unknown" },
            "Known for simulated data only: the simulator can say what a slate is really worth to a user.",
        ),
    ]
}

impl Histogram {
    /// From (upper edge of the bucket, count), edges rising. Buckets below the first are not told, so it has no
    /// lower edge, unless it is that of zero or one.
    fn new(buckets: &[(u64, u64)]) -> Self {
        let mut first = 0;
        let mut histogram = Self::default();
        for (last, n) in buckets {
            histogram.names.push(if first >= *last || *last == 1 {
                count(*last)
            } else if first == 0 {
                format!("up to {}", count(*last))
            } else {
                format!("{} to {}", count(first), count(*last))
            });
            histogram.values.push(*n as f64);
            first = last.saturating_add(1);
        }
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::run::report::{AlignmentReport, RewardSummary};

    fn stats() -> DatasetStats {
        DatasetStats {
            name: "sample".into(),
            format: "Simulator".into(),
            users: 1000,
            items: 2000,
            events: 50_000,
            positives: 20_000,
            feedback: vec![("view".into(), 25_000), ("comment".into(), 0)],
            history_lengths: vec![(0, 1), (1, 2), (2, 3), (4, 4)],
            ..DatasetStats::default()
        }
    }

    #[test]
    fn nothing_is_known_at_first() {
        let state = AppState::default();
        assert_eq!(dataset(&state), None);
        assert!(results(&state).is_empty());
        assert!(verdict(&state).is_empty());
    }

    #[test]
    fn an_inspected_dataset_is_described_until_a_run_has_its_own() {
        let mut state = AppState {
            inspected: Some(("there".into(), stats())),
            ..AppState::default()
        };
        let model = dataset(&state).unwrap();
        assert_eq!(model.source, "Simulator  ·  there");
        assert_eq!(
            model.feedback,
            [("view".to_owned(), "25,000".to_owned(), 0.5)]
        );
        assert_eq!(model.history_lengths.names, ["0", "1", "2", "3 to 4"]);
        state.run.dataset = Some(DatasetStats {
            name: "other".into(),
            ..stats()
        });
        assert_eq!(dataset(&state).unwrap().title, "other");
    }

    #[test]
    fn gains_are_after_minus_before() {
        let mut state = AppState::default();
        let summary = |mean| RewardSummary {
            mean,
            ..RewardSummary::default()
        };
        state.run.alignment = Some(AlignmentReport {
            reward_before: summary(0.5),
            reward_after: summary(0.75),
            judge_before: summary(0.5),
            judge_after: summary(0.25),
            ..AlignmentReport::default()
        });
        let shown = results(&state);
        let gains: Vec<(&str, &str)> = shown
            .iter()
            .map(|stat| (stat.label.as_str(), stat.value.as_str()))
            .collect();
        assert_eq!(
            gains,
            [("Reward gained", "+0.250"), ("Judge gained", "-0.250")]
        );
    }
}
