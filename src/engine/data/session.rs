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
