//! Training sessions: groups of positive events that the generator learns to produce as one slate. [A 3.2]
//!
//! The paper's session is what one request returned; logs that do not say so are grouped by gaps, by days or in
//! blocks. A group longer than a slate becomes several sessions, aligned to its end, so that only the first of them
//! can be short. The paper does not say how it cuts.

use std::ops::Range;

use super::config::{Criteria, SessionConfig, SessionRule};
use super::interaction::NO_TIME;
use super::{FeedbackFlags, InteractionLog, ItemIdx, UserIdx};

/// One training session: 1 to `slate_len` consecutive positive items. Its history is the user's positive events before
/// `first_row`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user: UserIdx,
    /// Row of the log of its first item.
    pub first_row: usize,
    /// The items.
    pub items: Vec<ItemIdx>,
}

/// What counts as an interaction for the third quality criterion.
const INTERACTION: u16 = FeedbackFlags::LIKE.0
    | FeedbackFlags::FOLLOW.0
    | FeedbackFlags::COLLECT.0
    | FeedbackFlags::FORWARD.0
    | FeedbackFlags::COMMENT.0;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The sessions of one user from the rows `learnable`, before and after the quality rule: appends to `kept` and
/// returns how many were found.
///
/// `positives` are the user's positive rows in ascending order.
pub fn sessions_of(
    log: &InteractionLog,
    user: UserIdx,
    learnable: Range<usize>,
    positives: &[u32],
    config: &SessionConfig,
    kept: &mut Vec<Session>,
) -> usize {
    let mut n_found = 0;
    for group in groups(log, learnable, config) {
        let first = positives.partition_point(|&row| (row as usize) < group.start);
        let last = positives.partition_point(|&row| (row as usize) < group.end);
        let inside = &positives[first..last];
        // A block is its own group: quality is judged block by block. Elsewhere the whole group is judged.
        let is_block = config.rule == SessionRule::Blocks;
        let group_passes = is_block || passes(log, group, inside.len(), config);
        for rows in chunks_from_end(inside, config.slate_len) {
            n_found += 1;
            let keep = if is_block {
                passes(
                    log,
                    rows.iter().map(|&row| row as usize),
                    rows.len(),
                    config,
                )
            } else {
                group_passes
            };
            if keep {
                kept.push(Session {
                    user,
                    first_row: rows[0] as usize,
                    items: rows.iter().map(|&row| log.item[row as usize]).collect(),
                });
            }
        }
    }
    n_found
}

/// The rule in words, with its numbers.
pub fn describe(config: &SessionConfig) -> String {
    let m = config.slate_len;
    let grouping = match config.rule {
        SessionRule::Request => format!("events of one request, cut to {m} positives"),
        SessionRule::TimeGap => format!(
            "events without a gap of more than {} minutes, cut to {m} positives",
            config.gap_minutes
        ),
        SessionRule::UserDay => {
            format!("events of one user on one day (UTC), cut to {m} positives")
        }
        SessionRule::Blocks => {
            format!("blocks of {m} consecutive positive events, whatever their times")
        }
    };
    let mut criteria = vec![format!("at least {} positive", config.min_positives)];
    if config.min_watch_secs > 0.0 {
        criteria.push(format!("at least {} s watched", config.min_watch_secs));
    }
    if config.require_interaction {
        criteria.push("an interaction".to_owned());
    }
    let joint = match config.criteria {
        Criteria::All => " and ",
        Criteria::Any => " or ",
    };
    format!("{grouping}; kept with {}", criteria.join(joint))
}

/// Consecutive rows that belong together, as ranges of the log.
fn groups(log: &InteractionLog, rows: Range<usize>, config: &SessionConfig) -> Vec<Range<usize>> {
    let gap_millis = (config.gap_minutes * 60_000.0) as i64;
    let is_same = |a: usize, b: usize| match config.rule {
        SessionRule::Blocks => true,
        SessionRule::Request => match &log.request {
            Some(request) => request[a] == request[b],
            None => false,
        },
        SessionRule::TimeGap => {
            let (a, b) = (log.time_millis[a], log.time_millis[b]);
            // Events without a clock have no gaps: they form one group before all others.
            (a == NO_TIME) == (b == NO_TIME) && (a == NO_TIME || b.saturating_sub(a) <= gap_millis)
        }
        SessionRule::UserDay => day(log.time_millis[a]) == day(log.time_millis[b]),
    };
    split_where(rows, |a, b| !is_same(a, b))
}

/// Cuts a range wherever `is_border(row, row + 1)`.
pub(super) fn split_where(
    rows: Range<usize>,
    is_border: impl Fn(usize, usize) -> bool,
) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = rows.start;
    for row in rows.clone() {
        if row + 1 == rows.end || is_border(row, row + 1) {
            ranges.push(start..row + 1);
            start = row + 1;
        }
    }
    ranges
}

/// The day (UTC) of a time; `None` without a clock.
pub(super) fn day(time_millis: i64) -> Option<i64> {
    (time_millis != NO_TIME).then(|| time_millis.div_euclid(MILLIS_PER_DAY))
}

/// The quality criteria that are switched on, together or any of them.
fn passes(
    log: &InteractionLog,
    rows: impl Iterator<Item = usize> + Clone,
    n_positives: usize,
    config: &SessionConfig,
) -> bool {
    let mut results = vec![n_positives >= config.min_positives];
    if config.min_watch_secs > 0.0 {
        let watched: f64 = rows
            .clone()
            .map(|row| f64::from(log.feedback[row].watch_secs))
            .filter(|secs| !secs.is_nan())
            .sum();
        results.push(watched >= config.min_watch_secs);
    }
    if config.require_interaction {
        let mut rows = rows;
        results.push(rows.any(|row| log.feedback[row].flags.0 & INTERACTION != 0));
    }
    match config.criteria {
        Criteria::All => results.iter().all(|&holds| holds),
        Criteria::Any => results.iter().any(|&holds| holds),
    }
}

/// Chunks of `len`, the remainder first.
fn chunks_from_end(rows: &[u32], len: usize) -> impl Iterator<Item = &[u32]> {
    let (head, tail) = rows.split_at(rows.len() % len);
    std::iter::once(head)
        .filter(|head| !head.is_empty())
        .chain(tail.chunks_exact(len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::fixtures::{Event, log};
    use crate::engine::data::prepare::positive_rows;

    const MINUTE: i64 = 60_000;

    /// One user: views of items 0 to 6, a skip between 2 and 3; the last four a day later, of them two at 40 minutes.
    fn one_user() -> Vec<Event> {
        let mut events = vec![
            Event::view(0, 0, 0),
            Event::view(0, 1, MINUTE),
            Event::view(0, 2, 2 * MINUTE),
            Event::skip(0, 9, 3 * MINUTE),
            Event::view(0, 3, MILLIS_PER_DAY),
            Event::view(0, 4, MILLIS_PER_DAY + MINUTE),
            Event::view(0, 5, MILLIS_PER_DAY + 41 * MINUTE),
            Event::view(0, 6, MILLIS_PER_DAY + 42 * MINUTE),
        ];
        for (request, event) in [1, 1, 2, 2, 3, 3, 3, 3].into_iter().zip(&mut events) {
            event.request = Some(request);
        }
        events
    }

    fn items(events: &[Event], config: &SessionConfig) -> (usize, Vec<Vec<u32>>) {
        let log = log(events);
        let positives = positive_rows(&log, &DataConfig::default());
        let mut kept = Vec::new();
        let n = sessions_of(
            &log,
            UserIdx(0),
            0..log.len(),
            &positives[0],
            config,
            &mut kept,
        );
        let items = kept
            .iter()
            .map(|session| {
                assert_eq!(
                    log.item[session.first_row], session.items[0],
                    "first_row is the first item's row"
                );
                session.items.iter().map(|item| item.0).collect()
            })
            .collect();
        (n, items)
    }

    fn by(rule: SessionRule) -> SessionConfig {
        SessionConfig {
            rule,
            slate_len: 3,
            ..SessionConfig::default()
        }
    }

    #[test]
    fn the_four_rules_group_as_they_say() {
        let events = one_user();
        let sessions = |rule| items(&events, &by(rule)).1;
        assert_eq!(
            sessions(SessionRule::Blocks),
            [vec![0], vec![1, 2, 3], vec![4, 5, 6]]
        );
        assert_eq!(
            sessions(SessionRule::Request),
            [vec![0, 1], vec![2], vec![3], vec![4, 5, 6]]
        );
        assert_eq!(
            sessions(SessionRule::TimeGap),
            [vec![0, 1, 2], vec![3, 4], vec![5, 6]]
        );
        assert_eq!(
            sessions(SessionRule::UserDay),
            [vec![0, 1, 2], vec![3], vec![4, 5, 6]]
        );
    }

    #[test]
    fn events_without_a_clock_never_join_those_with_one() {
        let mut events = one_user();
        for event in &mut events[..2] {
            event.time_millis = NO_TIME;
        }
        for rule in [SessionRule::TimeGap, SessionRule::UserDay] {
            assert_eq!(
                items(&events, &by(rule)).1[..2],
                [vec![0, 1], vec![2]],
                "{rule:?}"
            );
        }
    }

    #[test]
    fn quality_criteria_combine_with_and_or_or() {
        let mut events = one_user();
        for event in &mut events {
            event.watch_secs = 10.0;
        }
        events[0].flags = events[0].flags.with(FeedbackFlags::LIKE);
        // Days: {0, 1, 2} with 4 impressions of 10 s and a like; {3, 4, 5, 6} with 40 s and no interaction.
        let config = |min_positives, min_watch_secs, criteria| SessionConfig {
            min_positives,
            min_watch_secs,
            require_interaction: true,
            criteria,
            ..by(SessionRule::UserDay)
        };
        let kept = |config: &SessionConfig| items(&events, config).1.len();
        assert_eq!(
            kept(&config(1, 0.0, Criteria::All)),
            1,
            "only the first day has a like"
        );
        assert_eq!(
            kept(&config(4, 0.0, Criteria::All)),
            0,
            "the first day has three positives"
        );
        assert_eq!(
            kept(&config(4, 0.0, Criteria::Any)),
            3,
            "a like, or four positives"
        );
        assert_eq!(
            kept(&config(9, 40.0, Criteria::Any)),
            3,
            "skips count for the watch time"
        );
        assert_eq!(kept(&config(9, 41.0, Criteria::Any)), 1, "the like remains");
        assert_eq!(
            items(&events, &config(4, 0.0, Criteria::All)).0,
            3,
            "all sessions are counted"
        );
    }
}
