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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::data::config::{DataConfig, SessionConfig};
    use crate::engine::data::fixtures::{Event, log};
    use crate::engine::data::prepare::positive_rows;
    use crate::engine::data::session::sessions_of;

    fn config(rule: SplitRule) -> SplitConfig {
        SplitConfig {
            rule,
            test_frac: 0.25,
        }
    }

    /// User 0: viewed at 1, 2, 3 and skipped at 4; user 1: viewed at 5 and 6 only.
    fn small() -> (InteractionLog, Vec<Vec<u32>>) {
        let log = log(&[
            Event::view(0, 10, 1),
            Event::view(0, 11, 2),
            Event::view(0, 12, 3),
            Event::skip(0, 13, 4),
            Event::view(1, 10, 5),
            Event::view(1, 14, 6),
        ]);
        let positives = positive_rows(&log, &DataConfig::default());
        (log, positives)
    }

    #[test]
    fn leave_one_out_holds_out_the_last_positive_and_what_follows() {
        let (log, positives) = small();
        let split = split(&log, &positives, 3, &config(SplitRule::LeaveOneOut));
        assert_eq!(split.target_row, [Some(2), None]);
        assert_eq!(split.learn_end, [2, 6]);
        assert_eq!(
            split.cut_millis,
            Some(5),
            "the later quarter of 6 events begins at the fifth"
        );
    }

    #[test]
    fn by_time_divides_everybody_at_one_moment() {
        let (log, positives) = small();
        let split = split(&log, &positives, 2, &config(SplitRule::ByTime));
        assert_eq!(split.learn_end, [4, 4]);
        assert_eq!(
            split.target_row,
            [None, None],
            "user 1 has no positive before the cut"
        );
    }

    #[test]
    fn every_kind_of_leak_is_found() {
        let (log, positives) = small();
        let good = split(&log, &positives, 3, &config(SplitRule::LeaveOneOut));
        let session = |items: usize| Session {
            user: UserIdx(0),
            first_row: 0,
            items: log.item[..items].to_vec(),
        };
        let check = |split: &Split, session: Session, rule| {
            check_leaks(&log, &positives, split, &[session], rule)
        };
        assert!(check(&good, session(2), SplitRule::LeaveOneOut).is_ok());
        assert!(
            check(&good, session(3), SplitRule::LeaveOneOut).is_err(),
            "the target is in the session"
        );
        let mut late = good.clone();
        late.learn_end[0] = 3;
        assert!(
            check(&late, session(2), SplitRule::LeaveOneOut).is_err(),
            "the target may be learned"
        );
        assert!(
            check(&good, session(2), SplitRule::ByTime).is_err(),
            "user 1 learns from after the cut"
        );
    }

    proptest! {
        #[test]
        fn no_random_log_leaks(
            events in proptest::collection::vec((0u32..6, 0u32..9, 0i64..40, any::<bool>()), 1..80),
            by_time in any::<bool>(),
            slate_len in 1usize..6,
        ) {
            let mut events: Vec<Event> = events
                .into_iter()
                .map(|(user, item, time, is_view)| {
                    if is_view { Event::view(user, item, time) } else { Event::skip(user, item, time) }
                })
                .collect();
            events.sort_by_key(|event| (event.user, event.time_millis));
            let log = log(&events);
            let positives = positive_rows(&log, &DataConfig::default());
            let rule = if by_time { SplitRule::ByTime } else { SplitRule::LeaveOneOut };
            let split = split(&log, &positives, 3, &config(rule));
            let mut sessions = Vec::new();
            for (user_idx, rows) in positives.iter().enumerate() {
                let user = UserIdx(user_idx as u32);
                let learnable = log.rows_of(user).start..split.learn_end[user_idx];
                let session_config = SessionConfig { slate_len, ..SessionConfig::default() };
                sessions_of(&log, user, learnable, rows, &session_config, &mut sessions);
            }
            prop_assert!(check_leaks(&log, &positives, &split, &sessions, rule).is_ok());
            // With blocks and no quality rule, every learnable positive is in exactly one session.
            let n_learnable = positives
                .iter()
                .zip(&split.learn_end)
                .map(|(rows, &end)| rows.iter().filter(|&&row| (row as usize) < end).count())
                .sum::<usize>();
            prop_assert_eq!(sessions.iter().map(|session| session.items.len()).sum::<usize>(), n_learnable);
        }
    }
}
