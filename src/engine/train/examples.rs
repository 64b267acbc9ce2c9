//! Which sessions train the generator, and in which order.

use rand::seq::SliceRandom as _;

use crate::engine::data::UserIdx;
use crate::engine::data::config::{DataConfig, SessionRule};
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::session::Session;
use crate::engine::seed::Seed;

/// The training sessions that end before `learn_end[user]`, a row of the log per user at or before that of the split.
/// Under the rule `blocks` with `sliding`, a session may start at any learnable positive event but the user's first, and
/// the last ones of a user are shorter than `slate_len`; otherwise the sessions are those of the data.
pub fn training_sessions(
    data: &PreparedData,
    config: &DataConfig,
    sliding: bool,
    learn_end: &[usize],
) -> Vec<Session> {
    if !sliding || config.session.rule != SessionRule::Blocks {
        let ends_before = |session: &&Session| {
            let rows = &data.positives[session.user.idx()];
            let first = rows.partition_point(|row| (*row as usize) < session.first_row);
            let last_row = rows[first + session.items.len() - 1] as usize;
            last_row < learn_end[session.user.idx()]
        };
        return data.sessions.iter().filter(ends_before).cloned().collect();
    }
    let slate_len = config.session.slate_len;
    let mut sessions = Vec::new();
    for (user_idx, rows) in data.positives.iter().enumerate() {
        let learnable: Vec<usize> = rows
            .iter()
            .map(|row| *row as usize)
            .take_while(|row| *row < learn_end[user_idx])
            .collect();
        for start in 1..learnable.len() {
            let rows = &learnable[start..learnable.len().min(start + slate_len)];
            sessions.push(Session {
                user: UserIdx(user_idx as u32),
                first_row: rows[0],
                items: rows.iter().map(|row| data.dataset.log.item[*row]).collect(),
            });
        }
    }
    sessions
}

/// The batches of one epoch: every example at most once, examples of like length together so that little is
/// padded, batches in random order. A pure function of its arguments, so a resumed run continues the same order.
///
/// `lengths[i]` is the history length of example `i`. The last, incomplete batch is left out unless it is the only one.
pub fn epoch_batches(
    seed: Seed,
    name: &str,
    epoch: u64,
    lengths: &[u16],
    batch_size: usize,
) -> Vec<Vec<u32>> {
    /// Batches that are sorted by length together. Larger pads less and mixes less.
    const BATCHES_PER_POOL: usize = 32;
    let mut rng = seed.rng(name, epoch);
    let mut order: Vec<u32> = (0..lengths.len() as u32).collect();
    order.shuffle(&mut rng);
    let mut batches = Vec::with_capacity(order.len() / batch_size + 1);
    for pool in order.chunks_mut(batch_size * BATCHES_PER_POOL) {
        pool.sort_by_key(|example| lengths[*example as usize]);
        batches.extend(pool.chunks(batch_size).map(<[u32]>::to_vec));
    }
    if batches.len() > 1 {
        batches.retain(|batch| batch.len() == batch_size);
    }
    batches.shuffle(&mut rng);
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_holds_each_example_once_and_is_reproducible() {
        let lengths: Vec<u16> = (0..1000).map(|i| (i % 37) as u16).collect();
        let batches = epoch_batches(Seed(3), "test.shuffle", 5, &lengths, 50);
        let mut seen: Vec<u32> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
        assert_eq!(
            batches,
            epoch_batches(Seed(3), "test.shuffle", 5, &lengths, 50)
        );
        assert_ne!(
            batches,
            epoch_batches(Seed(3), "test.shuffle", 6, &lengths, 50)
        );
        let widest: usize = batches
            .iter()
            .map(|batch| {
                batch
                    .iter()
                    .map(|i| usize::from(lengths[*i as usize]))
                    .max()
                    .unwrap_or(0)
                    * batch.len()
            })
            .sum();
        let total: usize = lengths.iter().map(|length| usize::from(*length)).sum();
        assert!(
            (widest as f64) < 1.2 * total as f64,
            "padding of {widest} for {total}"
        );
    }
}
