//! Everything that later stages need of a dataset, computed once: positive events, split, sessions, popularity.

use std::path::Path;

use super::config::{DataConfig, SessionRule, SplitRule};
use super::session::{self, Session};
use super::split::{self, Split};
use super::stats::DatasetStats;
use super::{DataError, Dataset, FeedbackFlags, ItemIdx, UserIdx, source};

/// A dataset, cut for learning and testing.
#[derive(Clone, Debug)]
pub struct PreparedData {
    /// What was read.
    pub dataset: Dataset,
    /// Per user: rows of the log that are positive, in time order, the held-out one included.
    pub positives: Vec<Vec<u32>>,
    /// What may be learned from.
    pub split: Split,
    /// Training sessions that pass the quality rule, by user and time; from the learnable region only.
    pub sessions: Vec<Session>,
    /// Per item: positive events in the learnable region.
    pub popularity: Vec<u32>,
    /// Counts and histograms.
    pub stats: DatasetStats,
}

/// A held-out target. Its history is the user's positive events before `before_row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Whose.
    pub user: UserIdx,
    /// Row of the log of the target.
    pub before_row: usize,
    /// The item to be found.
    pub target: ItemIdx,
}

/// Reads a dataset and prepares it.
///
/// # Errors
/// [`DataError`]: what [`source::load`] returns, or nothing to learn from under this configuration.
pub fn prepare(path: &Path, config: &DataConfig) -> Result<PreparedData, DataError> {
    let dataset = source::load(path, config)?;
    prepare_dataset(dataset, path, config)
}

/// Prepares a dataset that is already in memory; `path` is for messages.
///
/// # Errors
/// [`DataError`]: nothing to learn from under this configuration, or a column that it needs is absent.
pub fn prepare_dataset(
    dataset: Dataset,
    path: &Path,
    config: &DataConfig,
) -> Result<PreparedData, DataError> {
    let log = &dataset.log;
    let n_users = log.n_users();
    let kinds = positive_kinds(config);
    let positives: Vec<Vec<u32>> = (0..n_users)
        .map(|user_idx| {
            log.rows_of(UserIdx(user_idx as u32))
                .filter(|&row| log.feedback[row].flags.0 & kinds != 0)
                .map(|row| row as u32)
                .collect()
        })
        .collect();
    check_usable(&dataset, &positives, path, config)?;

    let split = split::split(log, &positives, config.min_user_events, &config.split);
    let mut sessions = Vec::new();
    let mut n_found = 0;
    let mut popularity = vec![0; dataset.catalog.len()];
    for (user_idx, rows) in positives.iter().enumerate() {
        let user = UserIdx(user_idx as u32);
        let end = split.learn_end[user_idx];
        for &row in rows.iter().take_while(|&&row| (row as usize) < end) {
            popularity[log.item[row as usize].idx()] += 1;
        }
        if rows.len() >= config.min_user_events {
            let learnable = log.rows_of(user).start..end;
            n_found +=
                session::sessions_of(log, user, learnable, rows, &config.session, &mut sessions);
        }
    }
    if sessions.is_empty() {
        return Err(DataError::Empty {
            found: format!(
                "none of {n_found} sessions passes the quality rule ({})",
                session::describe(&config.session)
            ),
            path: path.to_owned(),
        });
    }
    split::check_leaks(log, &positives, &split, &sessions, config.split.rule)?;
    let stats = DatasetStats::of(
        &dataset,
        &positives,
        &split,
        n_found,
        sessions.len(),
        config,
    );
    Ok(PreparedData {
        dataset,
        positives,
        split,
        sessions,
        popularity,
        stats,
    })
}

impl PreparedData {
    /// The last `n` positive items of a user strictly before a row of the log, oldest first.
    pub fn history(&self, user: UserIdx, before_row: usize, n: usize) -> Vec<ItemIdx> {
        let rows = &self.positives[user.idx()];
        let end = rows.partition_point(|&row| (row as usize) < before_row);
        rows[end.saturating_sub(n)..end]
            .iter()
            .map(|&row| self.dataset.log.item[row as usize])
            .collect()
    }

    /// The users with a held-out target.
    pub fn test_cases(&self) -> Vec<TestCase> {
        self.split
            .target_row
            .iter()
            .enumerate()
            .filter_map(|(user_idx, target)| {
                target.map(|row| TestCase {
                    user: UserIdx(user_idx as u32),
                    before_row: row,
                    target: self.dataset.log.item[row],
                })
            })
            .collect()
    }

    /// The user with this identifier of the dataset.
    pub fn user_idx(&self, external: &str) -> Option<UserIdx> {
        self.dataset
            .users
            .iter()
            .position(|user| user == external)
            .map(|idx| UserIdx(idx as u32))
    }
}

/// The kinds of feedback that make an event positive, as bits. Names are checked with the configuration.
fn positive_kinds(config: &DataConfig) -> u16 {
    config
        .positive
        .iter()
        .fold(0, |bits, name| bits | FeedbackFlags::named(name).0)
}

fn check_usable(
    dataset: &Dataset,
    positives: &[Vec<u32>],
    path: &Path,
    config: &DataConfig,
) -> Result<(), DataError> {
    let log = &dataset.log;
    let empty = |found: String| {
        Err(DataError::Empty {
            found,
            path: path.to_owned(),
        })
    };
    if config.session.rule == SessionRule::Request && log.request.is_none() {
        return empty("no event has a request, which session.rule = \"request\" needs".to_owned());
    }
    let has_times = log
        .time_millis
        .iter()
        .any(|&time| time != super::interaction::NO_TIME);
    if config.split.rule == SplitRule::ByTime && !has_times {
        return empty("no event has a time, which split.rule = \"by_time\" needs".to_owned());
    }
    let n_enough = positives
        .iter()
        .filter(|rows| rows.len() >= config.min_user_events)
        .count();
    if n_enough == 0 {
        return empty(format!(
            "none of {} users has {} positive events ({}) among {} events",
            positives.len(),
            config.min_user_events,
            config.positive.join(" or "),
            log.len()
        ));
    }
    Ok(())
}
