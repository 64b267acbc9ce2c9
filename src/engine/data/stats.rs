//! Counts and histograms of a dataset, for the report and the window.

use serde::{Deserialize, Serialize};

use super::config::{DataConfig, SplitRule};
use super::interaction::NO_TIME;
use super::session;
use super::split::Split;
use super::{Dataset, FeedbackFlags, InteractionLog};

/// Users that are named so that one can be looked at without knowing the dataset.
const MAX_EXAMPLE_USERS: usize = 100;

/// What a dataset contains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetStats {
    /// Name of its folder or file.
    pub name: String,
    /// Which reader made it.
    pub format: String,
    /// SHA-256 of its content.
    pub fingerprint: String,
    /// Users with at least one event.
    pub users: u64,
    /// Items in the catalogue.
    pub items: u64,
    /// Events.
    pub events: u64,
    /// Events that count as positive under the configuration.
    pub positives: u64,
    /// 1 - events / (users x items).
    pub sparsity: f64,
    /// First and last time stamp in milliseconds since 1970, where the dataset has any.
    pub time_range_millis: Option<(i64, i64)>,
    /// How often each kind of feedback occurs, by name.
    pub feedback: Vec<(String, u64)>,
    /// Positive events per user: (upper edge of the bucket, users).
    pub history_lengths: Vec<(u64, u64)>,
    /// Positive events per item: (upper edge of the bucket, items).
    pub popularity: Vec<(u64, u64)>,
    /// How sessions were formed, in words.
    pub session_rule: String,
    /// Sessions found before the quality rule.
    pub sessions: u64,
    /// Sessions that pass the quality rule and train the generator.
    pub sessions_kept: u64,
    /// How the data was split, in words, with the sizes of the parts.
    pub split_rule: String,
    /// Users with a held-out target.
    pub test_users: u64,
    /// Some of them, spread evenly, by the dataset's own identifiers.
    #[serde(default)]
    pub example_users: Vec<String>,
    /// Share of adjacent events of one user with equal time stamps: such ties inflate next-item metrics.
    pub tied_times_frac: f64,
    /// Whether true utility is known.
    pub has_oracle: bool,
    /// Partial trouble, in words.
    pub warnings: Vec<String>,
}

impl DatasetStats {
    /// Counts a dataset under a split.
    pub fn of(
        dataset: &Dataset,
        positives: &[Vec<u32>],
        split: &Split,
        n_sessions: usize,
        n_sessions_kept: usize,
        config: &DataConfig,
    ) -> Self {
        let log = &dataset.log;
        let mut per_item = vec![0u64; dataset.catalog.len()];
        for &row in positives.iter().flatten() {
            per_item[log.item[row as usize].idx()] += 1;
        }
        let times = || {
            log.time_millis
                .iter()
                .copied()
                .filter(|&time| time != NO_TIME)
        };
        let cells = log.n_users() as f64 * dataset.catalog.len() as f64;
        let test_users = split.target_row.iter().flatten().count();
        Self {
            name: dataset.name.clone(),
            format: dataset.format.clone(),
            fingerprint: dataset.fingerprint.clone(),
            users: log.n_users() as u64,
            items: dataset.catalog.len() as u64,
            events: log.len() as u64,
            positives: per_item.iter().sum(),
            sparsity: if cells > 0.0 {
                1.0 - log.len() as f64 / cells
            } else {
                0.0
            },
            time_range_millis: times().min().zip(times().max()),
            feedback: FeedbackFlags::NAMED
                .iter()
                .map(|&(name, kind)| {
                    let n = log
                        .feedback
                        .iter()
                        .filter(|shown| shown.flags.has(kind))
                        .count();
                    (name.to_owned(), n as u64)
                })
                .collect(),
            history_lengths: histogram(positives.iter().map(|rows| rows.len() as u64)),
            popularity: histogram(per_item.iter().copied()),
            session_rule: session::describe(&config.session),
            sessions: n_sessions as u64,
            sessions_kept: n_sessions_kept as u64,
            split_rule: split_rule(log, split, test_users, config),
            test_users: test_users as u64,
            example_users: example_users(dataset, split),
            tied_times_frac: tied_times_frac(log),
            has_oracle: dataset.oracle.is_some(),
            warnings: dataset.warnings.clone(),
        }
    }
}

/// At most [`MAX_EXAMPLE_USERS`] users with a held-out target, at even distances.
fn example_users(dataset: &Dataset, split: &Split) -> Vec<String> {
    let tested: Vec<&String> = dataset
        .users
        .iter()
        .zip(&split.target_row)
        .filter_map(|(user, target)| target.map(|_| user))
        .collect();
    let stride = tested.len().div_ceil(MAX_EXAMPLE_USERS).max(1);
    tested.into_iter().step_by(stride).cloned().collect()
}

/// How often values fall into 0, 1, 2, 3 to 4, 5 to 8 and so on: (upper edge, values), without empty ends.
fn histogram(values: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut counts: Vec<u64> = Vec::new();
    for value in values {
        let bucket = match value {
            0 => 0,
            _ => value.next_power_of_two().trailing_zeros() as usize + 1,
        };
        if counts.len() <= bucket {
            counts.resize(bucket + 1, 0);
        }
        counts[bucket] += 1;
    }
    counts
        .into_iter()
        .enumerate()
        .map(|(bucket, count)| (if bucket == 0 { 0 } else { 1 << (bucket - 1) }, count))
        .skip_while(|&(_, count)| count == 0)
        .collect()
}

fn split_rule(
    log: &InteractionLog,
    split: &Split,
    test_users: usize,
    config: &DataConfig,
) -> String {
    let n_learnable: usize = split
        .learn_end
        .iter()
        .zip(&log.user_start)
        .map(|(end, start)| end - start)
        .sum();
    let rule = match config.split.rule {
        SplitRule::LeaveOneOut => {
            "each user's last positive event, and what follows it, is held out".to_owned()
        }
        SplitRule::ByTime => format!(
            "the last {:.0} % of the timed events are held out; the target is each user's first positive one",
            config.split.test_frac * 100.0
        ),
    };
    format!(
        "{rule}: {n_learnable} of {} events for learning, {test_users} users with a target and at least {} positives",
        log.len(),
        config.min_user_events
    )
}

/// Share of adjacent timed events of one user with equal times.
fn tied_times_frac(log: &InteractionLog) -> f64 {
    let (mut n_pairs, mut n_tied) = (0u64, 0u64);
    for (users, times) in log.user.windows(2).zip(log.time_millis.windows(2)) {
        if users[0] == users[1] && times[0] != NO_TIME {
            n_pairs += 1;
            n_tied += u64::from(times[0] == times[1]);
        }
    }
    if n_pairs == 0 {
        0.0
    } else {
        n_tied as f64 / n_pairs as f64
    }
}
