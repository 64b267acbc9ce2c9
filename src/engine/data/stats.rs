//! Counts and histograms of a dataset, for the report and the window.

use serde::{Deserialize, Serialize};

use super::config::{DataConfig, SessionConfig, SessionRule, SplitRule};
use super::features::{FeatureUse, Features};
use super::interaction::NO_TIME;
use super::session;
use super::split::Split;
use super::ties::{self, Ties};
use super::watch::{Count, Watch};
use super::{DataError, Dataset, FeedbackFlags, InteractionLog, UserIdx};
use crate::engine::number::count;

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
    /// Sessions under each grouping, whichever is used.
    #[serde(default)]
    pub sessions_by_rule: Vec<RuleSessions>,
    /// Share of adjacent events of one user with equal time stamps: such ties inflate next-item metrics.
    pub tied_times_frac: f64,
    /// Share of those ties whose items stand in ascending order of their identifiers, though a half would be chance.
    #[serde(default)]
    pub sorted_ties_frac: f64,
    /// Events that repeat an earlier one: same user, item and time.
    #[serde(default)]
    pub duplicates: u64,
    /// Which pathway of the second system's encoder each feature feeds.
    #[serde(default)]
    pub features: Vec<FeatureUse>,
    /// Whether true utility is known.
    pub has_oracle: bool,
    /// Partial trouble, in words.
    pub warnings: Vec<String>,
}

/// Sessions of the learnable part under one grouping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSessions {
    /// The grouping.
    pub rule: SessionRule,
    /// Whether it is the one of the settings.
    #[serde(default)]
    pub is_used: bool,
    /// Sessions found, before the quality rule; nothing where the data lacks what the grouping needs.
    pub found: Option<u64>,
    /// Those that pass the quality rule of the settings.
    pub kept: u64,
    /// What the data lacks, or how the grouping works.
    pub words: String,
}

impl DatasetStats {
    /// Whether events of equal time are frequent enough, and far enough from a chance order, to change metrics.
    pub fn has_suspicious_ties(&self) -> bool {
        ties::are_suspicious(self.tied_times_frac, self.sorted_ties_frac)
    }

    /// What to keep in mind or to do, from the counts.
    pub fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        if self.has_suspicious_ties() {
            advice.push(
                "compare every model with the first-order Markov floor: the order of tied events gives it hits for free"
                    .to_owned(),
            );
        }
        if self.time_range_millis.is_none() && self.events > 0 {
            advice.push("without times only split.rule = \"leave_one_out\" can be used".to_owned());
        }
        if self.format == "Amazon reviews" {
            advice.push("set data.positive_rating = 0 to count every review, as the published benchmarks do".to_owned());
        }
        if self.test_users * 10 < self.users {
            advice.push(
                "few users can be tested: lower data.min_user_events or data.positive_rating, or name other feedback in \
                 data.positive"
                    .to_owned(),
            );
        }
        advice
    }

    /// Counts a dataset under a split.
    ///
    /// # Errors
    /// [`DataError::Stopped`].
    pub(super) fn of(
        dataset: &Dataset,
        positives: &[Vec<u32>],
        split: &Split,
        n_sessions: usize,
        n_sessions_kept: usize,
        config: &DataConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, DataError> {
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
        watch.begin(Count::Ties)?;
        let ties = Ties::of(dataset);
        let warnings = dataset.warnings.iter().cloned().chain(ties.warnings());
        watch.begin(Count::Feedback)?;
        let feedback = FeedbackFlags::NAMED
            .iter()
            .map(|&(name, kind)| {
                let shown = log.feedback.iter();
                let n = shown.filter(|shown| shown.flags.has(kind)).count();
                (name.to_owned(), n as u64)
            })
            .collect();
        watch.begin(Count::Groupings)?;
        let sessions_by_rule = sessions_by_rule(log, positives, split, config);
        watch.begin(Count::Features)?;
        Ok(Self {
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
            feedback,
            history_lengths: histogram(positives.iter().map(|rows| rows.len() as u64)),
            popularity: histogram(per_item.iter().copied()),
            session_rule: session::describe(&config.session),
            sessions: n_sessions as u64,
            sessions_kept: n_sessions_kept as u64,
            split_rule: split_rule(log, split, test_users, config),
            test_users: test_users as u64,
            example_users: example_users(dataset, split),
            sessions_by_rule,
            tied_times_frac: ties.tied_frac(),
            sorted_ties_frac: ties.sorted_frac(),
            duplicates: ties.n_duplicates,
            features: Features::of(dataset, split).uses(),
            has_oracle: dataset.oracle.is_some(),
            warnings: warnings.collect(),
        })
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
        "{rule}: {} of {} events for learning, {} users with a target and at least {} positives",
        count(n_learnable as u64),
        count(log.len() as u64),
        count(test_users as u64),
        config.min_user_events
    )
}

/// Counts sessions under every grouping that the data allows.
fn sessions_by_rule(
    log: &InteractionLog,
    positives: &[Vec<u32>],
    split: &Split,
    config: &DataConfig,
) -> Vec<RuleSessions> {
    let has_times = log.time_millis.iter().any(|&time| time != NO_TIME);
    let rules = [
        (
            SessionRule::Request,
            log.request.is_some(),
            "no event has a request",
        ),
        (SessionRule::TimeGap, has_times, "no event has a time"),
        (SessionRule::UserDay, has_times, "no event has a time"),
        (SessionRule::Blocks, true, ""),
    ];
    rules
        .into_iter()
        .map(|(rule, can_be, lack)| {
            let is_used = rule == config.session.rule;
            let session = SessionConfig {
                rule,
                ..config.session.clone()
            };
            if !can_be {
                return RuleSessions {
                    rule,
                    is_used,
                    found: None,
                    kept: 0,
                    words: lack.to_owned(),
                };
            }
            let (mut n_found, mut n_kept) = (0, 0);
            let mut kept = Vec::new();
            for (user_idx, rows) in positives.iter().enumerate() {
                if rows.len() >= config.min_user_events {
                    let user = UserIdx(user_idx as u32);
                    let learnable = log.rows_of(user).start..split.learn_end[user_idx];
                    n_found +=
                        session::sessions_of(log, user, learnable, rows, &session, &mut kept);
                    n_kept += kept.len();
                    kept.clear();
                }
            }
            RuleSessions {
                rule,
                is_used,
                found: Some(n_found as u64),
                kept: n_kept as u64,
                words: session::describe(&session),
            }
        })
        .collect()
}
