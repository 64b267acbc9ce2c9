//! What may be learned from and what is held out, per user.
//!
//! Under [`SplitRule::LeaveOneOut`] each user's last positive event is the target and nothing from that event on
//! may be learned. Under [`SplitRule::ByTime`] one moment divides everything. The moment is also the border of the
//! "later days" on which reward models are tested, whatever the rule.

use super::config::{SplitConfig, SplitRule};
use super::interaction::NO_TIME;
use super::session::Session;
use super::{DataError, InteractionLog, UserIdx};

/// The division of a log. Rows are rows of the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Per user: rows of this user below it may be learned from.
    pub learn_end: Vec<usize>,
    /// Per user: the row of the held-out target.
    pub target_row: Vec<Option<usize>>,
    /// Events at or after it belong to the later days; `None` when no event has a time.
    pub cut_millis: Option<i64>,
}

/// Divides a log. `positives` are the rows of each user's positive events; users with fewer than
/// `min_user_events` of them get no target.
pub fn split(
    log: &InteractionLog,
    positives: &[Vec<u32>],
    min_user_events: usize,
    config: &SplitConfig,
) -> Split {
    let cut_millis = time_quantile(log, 1.0 - config.test_frac);
    let mut learn_end = Vec::with_capacity(positives.len());
    let mut target_row = Vec::with_capacity(positives.len());
    for (user_idx, rows) in positives.iter().enumerate() {
        let all = log.rows_of(UserIdx(user_idx as u32));
        let has_enough = rows.len() >= min_user_events;
        let (end, target) = match config.rule {
            SplitRule::LeaveOneOut => match rows.last() {
                Some(&row) if has_enough => (row as usize, Some(row as usize)),
                _ => (all.end, None),
            },
            SplitRule::ByTime => {
                let cut = cut_millis.unwrap_or(i64::MAX);
                let end =
                    all.start + log.time_millis[all.clone()].partition_point(|&time| time < cut);
                let first_later = rows.partition_point(|&row| (row as usize) < end);
                // A target without any positive before it could not be predicted from anything.
                let target = rows
                    .get(first_later)
                    .filter(|_| has_enough && first_later > 0);
                (end, target.map(|&row| row as usize))
            }
        };
        learn_end.push(end);
        target_row.push(target);
    }
    Split {
        learn_end,
        target_row,
        cut_millis,
    }
}

/// Checks that no training session reaches into what is held out, and that no target can be learned.
///
/// # Errors
/// [`DataError::Leak`] with the first event that leaks: a bug of the splitting code.
pub fn check_leaks(
    log: &InteractionLog,
    positives: &[Vec<u32>],
    split: &Split,
    sessions: &[Session],
    rule: SplitRule,
) -> Result<(), DataError> {
    let leak = |what: &str, row: usize| {
        Err(DataError::Leak {
            found: format!(
                "{what}: row {row} of user {}, time {}",
                log.user[row].0, log.time_millis[row]
            ),
        })
    };
    for (user_idx, &end) in split.learn_end.iter().enumerate() {
        let rows = log.rows_of(UserIdx(user_idx as u32));
        if let Some(target) = split.target_row[user_idx]
            && (target < end || !rows.contains(&target))
        {
            return leak("a held-out target may be learned", target);
        }
        if rule == SplitRule::ByTime
            && let Some(cut) = split.cut_millis
            && let Some(row) = (rows.start..end).find(|&row| log.time_millis[row] >= cut)
        {
            return leak("an event after the cut may be learned", row);
        }
    }
    for session in sessions {
        let rows = &positives[session.user.idx()];
        let first = rows.partition_point(|&row| (row as usize) < session.first_row);
        let last_row = rows[first + session.items.len() - 1] as usize;
        if last_row >= split.learn_end[session.user.idx()] {
            return leak("a training session holds a held-out event", last_row);
        }
    }
    Ok(())
}

/// The time below which a share `frac` of the timed events lies.
fn time_quantile(log: &InteractionLog, frac: f64) -> Option<i64> {
    let mut times: Vec<i64> = log
        .time_millis
        .iter()
        .copied()
        .filter(|&time| time != NO_TIME)
        .collect();
    if times.is_empty() {
        return None;
    }
    let at = ((times.len() as f64 * frac) as usize).min(times.len() - 1);
    Some(*times.select_nth_unstable(at).1)
}
