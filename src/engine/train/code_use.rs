//! Which codes the generated items hold, level by level: how evenly they are used, and which one gains ground.
//!
//! A reward that hangs on one code shows here first: the slates fill with that code, for one user after the other.

use crate::engine::eval::generate::GeneratedSlate;
use crate::engine::eval::metrics::entropy_nats;
use crate::engine::tokenizer::Code;
use crate::engine::train::alignment_probe::Change;

/// The codes of everything that was generated for some users.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenCodes {
    /// Per user: semantic IDs, one after the other.
    users: Vec<Vec<Code>>,
    n_levels: usize,
}

/// How the codes of one level are used, before alignment and now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelUse {
    /// Share of the generated items that hold the level's commonest code.
    pub commonest: (f64, f64),
    /// Entropy of the codes over all generated items, nats.
    pub entropy: (f64, f64),
    /// The code whose share has risen most.
    pub risen: Code,
    /// Its share of a user's generated items, as a mean over the users.
    pub risen_share: Change,
}

impl WrittenCodes {
    pub(super) fn new(n_levels: usize) -> Self {
        Self {
            users: Vec::new(),
            n_levels,
        }
    }

    /// Takes the slates of the next user.
    pub(super) fn push(&mut self, slates: &[GeneratedSlate]) {
        let codes = slates.iter().flat_map(|slate| &slate.codes);
        self.users.push(codes.copied().collect());
    }

    /// What has changed since `before`, which holds the same users in the same order.
    pub(super) fn since(&self, before: &Self) -> Vec<LevelUse> {
        (0..self.n_levels)
            .map(|level_idx| {
                let n_codes = self.n_codes().max(before.n_codes());
                let (then, now) = (
                    before.shares(level_idx, n_codes),
                    self.shares(level_idx, n_codes),
                );
                let rise = |code: &usize| now[*code] - then[*code];
                // Of equal ones the lowest code.
                let risen = (0..n_codes)
                    .rev()
                    .max_by(|a, b| rise(a).total_cmp(&rise(b)))
                    .unwrap_or_default() as Code;
                LevelUse {
                    commonest: (highest(&then), highest(&now)),
                    entropy: (entropy_nats(&then), entropy_nats(&now)),
                    risen,
                    risen_share: Change::of(
                        &before.share_per_user(level_idx, risen),
                        &self.share_per_user(level_idx, risen),
                    ),
                }
            })
            .collect()
    }

    /// One more than the highest code.
    fn n_codes(&self) -> usize {
        let highest = self.users.iter().flatten().max();
        highest.map_or(0, |code| usize::from(*code) + 1)
    }

    fn level(&self, user: &[Code], level_idx: usize) -> impl Iterator<Item = Code> {
        user.iter().skip(level_idx).step_by(self.n_levels).copied()
    }

    /// Of each code of a level, its share of all generated items.
    fn shares(&self, level_idx: usize, n_codes: usize) -> Vec<f64> {
        let mut counts = vec![0.0; n_codes];
        for user in &self.users {
            for code in self.level(user, level_idx) {
                counts[usize::from(code)] += 1.0;
            }
        }
        let total: f64 = counts.iter().sum();
        counts.iter().map(|count| count / total.max(1.0)).collect()
    }

    fn share_per_user(&self, level_idx: usize, code: Code) -> Vec<f64> {
        self.users
            .iter()
            .map(|user| {
                let n_such = self.level(user, level_idx).filter(|of| *of == code).count();
                let n_items = user.len() / self.n_levels;
                n_such as f64 / n_items.max(1) as f64
            })
            .collect()
    }
}

fn highest(shares: &[f64]) -> f64 {
    shares.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(users: &[&[[Code; 2]]]) -> WrittenCodes {
        let mut written = WrittenCodes::new(2);
        for user in users {
            let slates = user.iter().map(|codes| GeneratedSlate {
                items: Vec::new(),
                codes: codes.to_vec(),
                log_prob: 0.0,
            });
            written.push(&slates.collect::<Vec<_>>());
        }
        written
    }

    #[test]
    fn shares_and_entropy_by_hand() {
        let before = written(&[&[[0, 1], [1, 1]], &[[0, 1], [3, 1]]]);
        let now = written(&[&[[2, 1], [2, 1]], &[[2, 1], [0, 0]]]);
        let levels = now.since(&before);
        // Level 1 before: 0 twice, 1 and 3 once; now 2 three times and 0 once.
        assert_eq!(levels[0].commonest, (0.5, 0.75));
        let expected = [
            1.5 * 2.0_f64.ln(),
            -0.75 * 0.75_f64.ln() + 0.25 * 4.0_f64.ln(),
        ];
        assert!((levels[0].entropy.0 - expected[0]).abs() < 1e-12);
        assert!((levels[0].entropy.1 - expected[1]).abs() < 1e-12);
        assert_eq!(levels[0].risen, 2);
        let share = levels[0].risen_share;
        assert_eq!((share.before, share.now), (0.0, 0.75));
        // Rises of 1 and of 1/2 in two users: a deviation of sqrt(1/8), so 1.96 sqrt(1/16).
        assert!((share.half_width - 0.49).abs() < 1e-12, "{share:?}");
        assert!(share.has_risen());
        // Level 2 before: nothing but 1.
        assert_eq!(levels[1].entropy.0, 0.0);
        assert_eq!((levels[1].commonest.1, levels[1].risen), (0.75, 0));
    }

    #[test]
    fn nothing_written_is_nothing_risen() {
        let nothing = written(&[]);
        assert_eq!(nothing.since(&nothing), [LevelUse::default(); 2]);
    }
}
