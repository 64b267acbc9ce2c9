//! Everything that later stages need of a dataset, computed once: positive events, split, sessions, popularity.

use std::path::Path;

use super::config::{DataConfig, SessionRule, SplitRule};
use super::interaction::NO_TIME;
use super::k_core::k_core;
use super::session::{self, Session};
use super::split::{self, Split};
use super::stats::DatasetStats;
use super::watch::{Count, Watch};
use super::{DataError, Dataset, FeedbackFlags, InteractionLog, ItemIdx, UserIdx, source};
use crate::engine::number::count;

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

/// A user at one moment: what a generator may know when it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Whose.
    pub user: UserIdx,
    /// The first row of the log that has not happened yet.
    pub before_row: usize,
    /// The last positive items before it, oldest first.
    pub history: Vec<ItemIdx>,
}

impl Moment {
    /// A moment of which nothing but the positive items is known. Enough for a model that reads nothing else.
    pub fn from_history(history: Vec<ItemIdx>) -> Self {
        Self {
            user: UserIdx(0),
            before_row: 0,
            history,
        }
    }
}

/// Reads a dataset and prepares it.
///
/// # Errors
/// [`DataError`]: what [`source::load`] returns, or nothing to learn from under this configuration.
pub fn prepare(path: &Path, config: &DataConfig) -> Result<PreparedData, DataError> {
    prepare_watched(path, config, &mut Watch::nobody())
}

/// Like [`prepare`], with progress of the reading and a way to stop it.
///
/// # Errors
/// As [`prepare`], and [`DataError::Stopped`].
pub fn prepare_watched(
    path: &Path,
    config: &DataConfig,
    watch: &mut Watch<'_>,
) -> Result<PreparedData, DataError> {
    let dataset = source::load_watched(path, config, watch)?;
    prepare_dataset_watched(dataset, path, config, watch)
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
    prepare_dataset_watched(dataset, path, config, &mut Watch::nobody())
}

/// Like [`prepare_dataset`], with progress and a way to stop it.
///
/// # Errors
/// As [`prepare_dataset`], and [`DataError::Stopped`].
pub(super) fn prepare_dataset_watched(
    dataset: Dataset,
    path: &Path,
    config: &DataConfig,
    watch: &mut Watch<'_>,
) -> Result<PreparedData, DataError> {
    watch.begin(Count::Core)?;
    let dataset = k_core(dataset, config.k_core);
    let log = &dataset.log;
    if log.is_empty() {
        return Err(DataError::Empty {
            found: format!("no event is left in the {}-core", config.k_core),
            path: path.to_owned(),
        });
    }
    watch.begin(Count::Positives)?;
    let positives = positive_rows(log, config);
    check_usable(&dataset, &positives, path, config)?;

    watch.begin(Count::Split)?;
    let split = split::split(log, &positives, config.min_user_events, &config.split);
    watch.begin(Count::Sessions)?;
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
                "none of {} sessions passes the quality rule ({})",
                count(n_found as u64),
                session::describe(&config.session)
            ),
            path: path.to_owned(),
        });
    }
    watch.begin(Count::Leaks)?;
    split::check_leaks(log, &positives, &split, &sessions, config.split.rule)?;
    let stats = DatasetStats::of(
        &dataset,
        &positives,
        &split,
        n_found,
        sessions.len(),
        config,
        watch,
    )?;
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

    /// A user just before a row of the log, with the last `n` positive items.
    pub fn moment(&self, user: UserIdx, before_row: usize, n: usize) -> Moment {
        Moment {
            user,
            before_row,
            history: self.history(user, before_row, n),
        }
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

/// Per user: the rows with any feedback that the configuration calls positive. Names are checked with the configuration.
pub(super) fn positive_rows(log: &InteractionLog, config: &DataConfig) -> Vec<Vec<u32>> {
    let kinds = config
        .positive
        .iter()
        .fold(0, |bits, name| bits | FeedbackFlags::named(name).0);
    (0..log.n_users())
        .map(|user_idx| {
            log.rows_of(UserIdx(user_idx as u32))
                .filter(|&row| log.feedback[row].flags.0 & kinds != 0)
                .map(|row| row as u32)
                .collect()
        })
        .collect()
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
    let has_times = log.time_millis.iter().any(|&time| time != NO_TIME);
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
            count(positives.len() as u64),
            config.min_user_events,
            config.positive.join(" or "),
            count(log.len() as u64)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::control::RunControl;
    use crate::engine::data::fixtures::{Event, dataset};

    /// User 0 views items 1, 2, skips 3, views 4 and 5; user 1 views two items: too few.
    fn events() -> Vec<Event> {
        vec![
            Event::view(0, 1, 10),
            Event::view(0, 2, 20),
            Event::skip(0, 3, 30),
            Event::view(0, 4, 40),
            Event::view(0, 5, 50),
            Event::view(1, 1, 15),
            Event::view(1, 5, 60),
        ]
    }

    fn prepared(config: &DataConfig) -> Result<PreparedData, DataError> {
        prepare_dataset(dataset(&events()), Path::new("test"), config)
    }

    #[test]
    fn counting_tells_how_far_it_is_and_stops_at_the_next_step() {
        let counted = |stop_at: u64| {
            let control = RunControl::default();
            let mut told = Vec::new();
            let mut watch = Watch::new(control.clone(), |progress| {
                told.push(progress.done);
                assert_eq!(progress.total, 10);
                if progress.done == stop_at {
                    control.stop();
                }
            });
            let data = dataset(&events());
            let config = DataConfig::default();
            let outcome = prepare_dataset_watched(data, Path::new("test"), &config, &mut watch);
            drop(watch);
            (told, outcome.map(|data| data.stats.events))
        };
        // The first step, ordering, is the reader's.
        let (told, outcome) = counted(99);
        assert_eq!(told, (1..10).collect::<Vec<u64>>());
        assert!(matches!(outcome, Ok(7)), "{outcome:?}");
        for stop_at in 1..10 {
            let (told, outcome) = counted(stop_at);
            assert_eq!(told.last(), Some(&stop_at));
            assert!(matches!(outcome, Err(DataError::Stopped)), "{outcome:?}");
        }
    }

    #[test]
    fn a_history_is_the_last_positives_strictly_before_a_row() {
        let data = prepared(&DataConfig::default()).unwrap();
        let items = |before_row, n| -> Vec<u32> {
            data.history(UserIdx(0), before_row, n)
                .iter()
                .map(|item| item.0)
                .collect()
        };
        assert_eq!(items(3, 9), [1, 2]);
        assert_eq!(items(4, 9), [1, 2, 4]);
        assert_eq!(items(4, 2), [2, 4]);
        assert!(items(0, 9).is_empty());
    }

    #[test]
    fn users_with_too_few_positives_are_neither_trained_nor_tested_on() {
        let data = prepared(&DataConfig::default()).unwrap();
        assert_eq!(
            data.test_cases(),
            [TestCase {
                user: UserIdx(0),
                before_row: 4,
                target: ItemIdx(5)
            }]
        );
        assert_eq!(data.sessions.len(), 1);
        assert_eq!(data.sessions[0].items, [1, 2, 4].map(ItemIdx));
        assert_eq!(data.dataset.log.len(), 7, "their rows stay");
        assert_eq!(
            data.popularity,
            [0, 2, 1, 0, 1, 1],
            "the held-out view of item 5 does not count"
        );
    }

    #[test]
    fn statistics_say_what_was_done() {
        let stats = prepared(&DataConfig::default()).unwrap().stats;
        assert_eq!(
            (stats.users, stats.items, stats.events, stats.positives),
            (2, 6, 7, 6)
        );
        assert_eq!(stats.history_lengths, [(2, 1), (4, 1)]);
        assert_eq!(stats.popularity, [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(stats.test_users, 1);
        assert_eq!(stats.time_range_millis, Some((10, 60)));
        assert!(
            stats.session_rule.contains("blocks of 5"),
            "{}",
            stats.session_rule
        );
        assert!(
            stats.split_rule.contains("6 of 7 events"),
            "{}",
            stats.split_rule
        );
        assert!((stats.sparsity - (1.0 - 7.0 / 12.0)).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused_with_numbers() {
        let refused = |config: &DataConfig| prepared(config).unwrap_err().to_string();
        let mut config = DataConfig {
            min_user_events: 9,
            ..DataConfig::default()
        };
        assert!(
            refused(&config)
                .contains("none of 2 users has 9 positive events (view) among 7 events")
        );
        config = DataConfig::default();
        config.session.rule = SessionRule::Request;
        assert!(refused(&config).contains("no event has a request"));
        config = DataConfig::default();
        config.session.min_positives = 5;
        assert!(refused(&config).contains("none of 1 sessions passes the quality rule"));
    }
}
