//! Which training sessions alignment learns from, and in which order. [B 3.3]

use crate::engine::config::ExperimentConfig;
use crate::engine::data::DataError;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::session::Session;
use crate::engine::train::config::SessionOrder;
use crate::engine::train::examples::training_sessions;

/// The training sessions without those watched shortest, in the order that the settings ask for.
///
/// # Errors
/// If sessions are to be left out by watch time and the log has none.
pub(super) fn alignment_sessions(
    data: &PreparedData,
    config: &ExperimentConfig,
) -> Result<Vec<Session>, DataError> {
    let sessions = training_sessions(
        data,
        &config.data,
        config.pretrain.sliding_sessions,
        &data.split.learn_end,
    );
    let settings = &config.align;
    let mut sessions = if settings.keep_sessions_frac < 1.0 {
        let watched: Vec<f32> = sessions
            .iter()
            .map(|session| watch_secs(data, session))
            .collect();
        if watched.iter().all(|secs| *secs <= 0.0) {
            return Err(DataError::Empty {
                found: "align.keep_sessions_frac needs watch times, and the log has none"
                    .to_owned(),
                path: data.dataset.name.clone().into(),
            });
        }
        longest_watched(sessions, &watched, settings.keep_sessions_frac)
    } else {
        sessions
    };
    if settings.order == SessionOrder::Time {
        let times = &data.dataset.log.time_millis;
        sessions.sort_by_key(|session| (times[session.first_row], session.user));
    }
    Ok(sessions)
}

/// Seconds that the items of a session were watched in all; what is not known counts nothing.
fn watch_secs(data: &PreparedData, session: &Session) -> f32 {
    let rows = &data.positives[session.user.idx()];
    let start = rows.partition_point(|row| (*row as usize) < session.first_row);
    rows[start..]
        .iter()
        .take(session.items.len())
        .map(|row| data.dataset.log.feedback[*row as usize].watch_secs)
        .filter(|secs| secs.is_finite())
        .sum()
}

/// The share `frac` of the sessions with the highest values, in their old order; at least one. Of equal ones the
/// first stay.
fn longest_watched(sessions: Vec<Session>, watched: &[f32], frac: f64) -> Vec<Session> {
    let n_kept = ((sessions.len() as f64 * frac).round() as usize).max(1);
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by(|a, b| watched[*b].total_cmp(&watched[*a]));
    let mut is_kept = vec![false; sessions.len()];
    for idx in order.into_iter().take(n_kept) {
        is_kept[idx] = true;
    }
    let mut is_kept = is_kept.into_iter();
    let mut sessions = sessions;
    sessions.retain(|_| is_kept.next().unwrap_or_default());
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::{ItemIdx, UserIdx};

    #[test]
    fn the_upper_half_stays_in_its_order() {
        let sessions: Vec<Session> = (0..6)
            .map(|idx| Session {
                user: UserIdx(idx),
                first_row: 0,
                items: vec![ItemIdx(idx)],
            })
            .collect();
        let watched = [3.0, 9.0, 1.0, 7.0, 2.0, 8.0];
        let users = |frac| -> Vec<u32> {
            longest_watched(sessions.clone(), &watched, frac)
                .iter()
                .map(|session| session.user.0)
                .collect()
        };
        assert_eq!(users(0.5), [1, 3, 5], "exactly half of distinct values");
        assert_eq!(users(0.01), [1]);
        assert_eq!(users(1.0).len(), 6);
    }
}
