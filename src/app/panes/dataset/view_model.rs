//! What the dataset pane says of a dataset, from the state alone.

use std::path::Path;

use crate::app::panes::common::capitalised;
use crate::app::state::AppState;
use crate::app::widgets::Stat;
use crate::app::widgets::number::{count, percent, significant, utc_minute};
use crate::engine::data::config::SessionRule;
use crate::engine::data::features::FeatureUse;
use crate::engine::data::stats::DatasetStats;

/// Everything that is shown of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::app::panes) struct DatasetModel {
    /// Its name.
    pub title: String,
    /// Its format, its time range and where it lies.
    pub source: String,
    /// Counts.
    pub counts: Vec<Stat>,
    /// Users by length of history.
    pub history_lengths: Histogram,
    /// Items by popularity.
    pub popularity: Histogram,
    /// Kinds of feedback that occur: name, events, share of all events.
    pub feedback: Vec<(String, String, f64)>,
    /// Kinds of feedback that do not occur.
    pub absent_feedback: Vec<String>,
    /// Features: name, different values, the pathways that read them.
    pub features: Vec<[String; 3]>,
    /// How sessions were formed, in words.
    pub session_rule: String,
    /// Sessions under every grouping.
    pub sessions: Vec<SessionRow>,
    /// What is held out, in words.
    pub split_rule: String,
    /// What equal times and repeats are, and what they mean for metrics.
    pub order: Vec<Finding>,
    /// What to keep in mind or to do.
    pub advice: Vec<String>,
    /// Partial trouble.
    pub warnings: Vec<String>,
    /// SHA-256 of the content.
    pub fingerprint: String,
    /// Whether the settings have changed since it was counted.
    pub is_outdated: bool,
}

/// Bars with names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::app::panes) struct Histogram {
    /// Range of each bar.
    pub names: Vec<String>,
    /// Height of each bar.
    pub values: Vec<f64>,
}

/// Sessions under one grouping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::panes) struct SessionRow {
    /// The grouping.
    pub name: &'static str,
    /// Found and kept; nothing where the data lacks what the grouping needs.
    pub counts: Option<[String; 2]>,
    /// How it works, or what the data lacks.
    pub words: String,
    /// Whether it is the one in use.
    pub is_used: bool,
}

/// Something found in the order of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app::panes) struct Finding {
    /// What was found, with its number.
    pub text: String,
    /// Whether metrics suffer from it.
    pub is_suspicious: bool,
}

/// The dataset of the run, or else the one that was counted for the draft.
pub(in crate::app::panes) fn dataset(state: &AppState) -> Option<DatasetModel> {
    if let Some(stats) = &state.run.dataset {
        return Some(describe(stats, &state.run.data_path));
    }
    let inspected = state.data.inspected.as_ref()?;
    let config = inspected.config.as_ref();
    Some(DatasetModel {
        is_outdated: config.is_some_and(|config| *config != state.draft.config.data),
        ..describe(&inspected.stats, &inspected.path)
    })
}

/// A dataset from its counts.
pub(super) fn describe(stats: &DatasetStats, path: &Path) -> DatasetModel {
    let mut source = vec![stats.format.clone()];
    match stats.time_range_millis {
        Some((first, last)) => {
            source.push(format!("{} to {} UTC", utc_minute(first), utc_minute(last)));
        }
        None => source.push("no times".to_owned()),
    }
    source.push(path.display().to_string());
    let (there, absent): (Vec<_>, Vec<_>) =
        stats.feedback.iter().partition(|(_, events)| *events > 0);
    DatasetModel {
        title: stats.name.clone(),
        source: source.join("  ·  "),
        counts: counts(stats),
        history_lengths: Histogram::new(&stats.history_lengths),
        popularity: Histogram::new(&stats.popularity),
        feedback: there
            .into_iter()
            .map(|(name, events)| {
                let share = *events as f64 / stats.events.max(1) as f64;
                (name.clone(), count(*events), share)
            })
            .collect(),
        absent_feedback: absent.into_iter().map(|(name, _)| name.clone()).collect(),
        features: stats.features.iter().map(feature).collect(),
        session_rule: stats.session_rule.clone(),
        sessions: sessions(stats),
        split_rule: capitalised(&stats.split_rule),
        order: order(stats),
        advice: capitalised_all(&stats.advice()),
        warnings: capitalised_all(&stats.warnings),
        fingerprint: stats.fingerprint.clone(),
        is_outdated: false,
    }
}

fn feature(used: &FeatureUse) -> [String; 3] {
    let values = match used.values {
        _ if !used.is_present => "absent".to_owned(),
        Some(n) => count(n),
        None => "any number".to_owned(),
    };
    [used.feature.clone(), values, used.pathways.clone()]
}

/// The engine's sentences begin in lower case, to be part of longer ones.
pub(super) fn capitalised_all(sentences: &[String]) -> Vec<String> {
    let sentences = sentences.iter();
    sentences.map(|sentence| capitalised(sentence)).collect()
}

fn counts(stats: &DatasetStats) -> Vec<Stat> {
    let per_user = stats.positives as f64 / stats.users.max(1) as f64;
    let mut counts = vec![
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
    ];
    if let Some((first, last)) = stats.time_range_millis {
        let days = last.saturating_sub(first) as f64 / 86_400_000.0;
        let tip = "From the first to the last time stamp.";
        counts.push(Stat::new("Time range", significant(days, 3), tip).unit("days"));
        counts.push(Stat::new(
            "Tied times",
            percent(stats.tied_times_frac),
            "Adjacent events of one user with equal time stamps / all such pairs. Their order is not known, \
             which inflates next-item metrics.",
        ));
    }
    counts.push(Stat::new(
        "True utility",
        if stats.has_oracle { "known" } else { "unknown" },
        "Known for simulated data only: the simulator can say what a slate is really worth to a user.",
    ));
    counts
}

fn sessions(stats: &DatasetStats) -> Vec<SessionRow> {
    stats
        .sessions_by_rule
        .iter()
        .map(|sessions| SessionRow {
            name: match sessions.rule {
                SessionRule::Request => "By request",
                SessionRule::TimeGap => "By time gap",
                SessionRule::UserDay => "By user and day",
                SessionRule::Blocks => "Blocks of positives",
            },
            counts: sessions
                .found
                .map(|found| [count(found), count(sessions.kept)]),
            words: sessions.words.clone(),
            is_used: sessions.is_used,
        })
        .collect()
}

/// Equal times, their order and repeats: each with what it means for metrics of the next item.
fn order(stats: &DatasetStats) -> Vec<Finding> {
    if stats.time_range_millis.is_none() {
        return vec![Finding {
            text: "No event has a time: what comes next is what the file says. If it is sorted by anything else than \
                   time, next-item metrics say nothing."
                .to_owned(),
            is_suspicious: false,
        }];
    }
    let tied = stats.tied_times_frac;
    let sorted = stats.sorted_ties_frac;
    let mut findings = Vec::new();
    if tied == 0.0 {
        findings.push(Finding {
            text: "No two adjacent events of a user have equal times: their order is known."
                .to_owned(),
            is_suspicious: false,
        });
    } else {
        let is_suspicious = stats.has_suspicious_ties();
        let meaning = if is_suspicious {
            "a model can learn that order, so HR and NDCG of the next item come out too high, most of all for \
             first-order Markov"
        } else {
            "too few, or in no order that a model could learn; metrics of the next item hardly change"
        };
        findings.push(Finding {
            text: format!(
                "{} of the adjacent events of a user have equal times. {} of those stand in ascending order of the \
                 items' identifiers, where 50% would be chance: {meaning}.",
                percent(tied),
                percent(sorted)
            ),
            is_suspicious,
        });
    }
    let text = match stats.duplicates {
        0 => "No event repeats an earlier one of the same user, item and time.".to_owned(),
        n => format!(
            "{} events repeat an earlier one of the same user, item and time ({} of all). Each counts again in histories \
             and popularity; a repeat of the last item makes an easy target.",
            count(n),
            percent(n as f64 / stats.events.max(1) as f64)
        ),
    };
    findings.push(Finding {
        text,
        is_suspicious: stats.duplicates * 100 > stats.events,
    });
    findings
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
    use crate::app::state::InspectedData;
    use crate::engine::data::stats::RuleSessions;

    fn stats() -> DatasetStats {
        DatasetStats {
            name: "sample".into(),
            format: "Simulator".into(),
            users: 1000,
            items: 2000,
            events: 50_000,
            positives: 20_000,
            time_range_millis: Some((0, 3 * 86_400_000)),
            feedback: vec![("view".into(), 25_000), ("comment".into(), 0)],
            features: vec![
                FeatureUse {
                    feature: "author".into(),
                    values: Some(1234),
                    is_present: true,
                    pathways: "lifelong".into(),
                },
                FeatureUse {
                    feature: "tag".into(),
                    values: Some(0),
                    is_present: false,
                    pathways: "lifelong".into(),
                },
            ],
            history_lengths: vec![(0, 1), (1, 2), (2, 3), (4, 4)],
            sessions_by_rule: vec![
                RuleSessions {
                    rule: SessionRule::Request,
                    is_used: false,
                    found: None,
                    kept: 0,
                    words: "no event has a request".to_owned(),
                },
                RuleSessions {
                    rule: SessionRule::Blocks,
                    is_used: true,
                    found: Some(4321),
                    kept: 4000,
                    words: "blocks of 5".to_owned(),
                },
            ],
            ..DatasetStats::default()
        }
    }

    #[test]
    fn a_counted_dataset_is_described_until_a_run_has_its_own() {
        let mut state = AppState::default();
        assert_eq!(dataset(&state), None);
        state.data.inspected = Some(InspectedData {
            path: "there".into(),
            config: Some(state.draft.config.data.clone()),
            stats: stats(),
        });
        let model = dataset(&state).unwrap();
        assert_eq!(
            model.source,
            "Simulator  ·  1970-01-01 00:00 to 1970-01-04 00:00 UTC  ·  there"
        );
        assert_eq!(
            model.feedback,
            [("view".to_owned(), "25,000".to_owned(), 0.5)]
        );
        assert_eq!(model.absent_feedback, ["comment"]);
        assert_eq!(model.features[0][..2], ["author", "1,234"]);
        assert_eq!(model.features[1][..2], ["tag", "absent"]);
        assert_eq!(model.history_lengths.names, ["0", "1", "2", "3 to 4"]);
        let days = model.counts.iter().find(|stat| stat.label == "Time range");
        assert_eq!(days.map(|stat| stat.value.as_str()), Some("3.00"));
        assert!(!model.is_outdated);
        state.draft.config.data.min_user_events += 1;
        assert!(dataset(&state).unwrap().is_outdated, "the settings changed");
        state.run.dataset = Some(DatasetStats {
            name: "other".into(),
            ..stats()
        });
        let model = dataset(&state).unwrap();
        assert_eq!((model.title.as_str(), model.is_outdated), ("other", false));
    }

    #[test]
    fn sessions_are_told_under_every_grouping_and_the_one_in_use_is_marked() {
        let rows = describe(&stats(), "there".as_ref()).sessions;
        assert_eq!((rows[0].counts.as_ref(), rows[0].is_used), (None, false));
        assert_eq!(rows[0].words, "no event has a request");
        let expected = ["4,321".to_owned(), "4,000".to_owned()];
        assert_eq!(
            (rows[1].counts.as_ref(), rows[1].is_used),
            (Some(&expected), true)
        );
    }

    #[test]
    fn ties_are_suspicious_where_they_follow_the_identifiers() {
        let found = |tied, sorted, duplicates| {
            order(&DatasetStats {
                tied_times_frac: tied,
                sorted_ties_frac: sorted,
                duplicates,
                ..stats()
            })
        };
        let marks = |findings: Vec<Finding>| {
            let marks = findings.iter().map(|finding| finding.is_suspicious);
            marks.collect::<Vec<_>>()
        };
        assert_eq!(marks(found(0.0, 0.0, 0)), [false, false]);
        assert_eq!(marks(found(0.3, 0.5, 0)), [false, false]);
        assert_eq!(marks(found(0.3, 0.97, 501)), [true, true]);
        assert_eq!(marks(found(0.3, 0.05, 0)), [true, false]);
        assert_eq!(marks(found(0.005, 1.0, 0)), [false, false]);
        assert!(found(0.3, 0.97, 0)[0].text.contains("30.0%"));
        let untimed = order(&DatasetStats {
            time_range_millis: None,
            ..stats()
        });
        assert!(untimed[0].text.starts_with("No event has a time"));
    }
}
