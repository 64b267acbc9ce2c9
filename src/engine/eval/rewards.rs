//! Rewards of generated slates before and after alignment, and what may be said of the difference. [A 5.1.3, Table 1]
//!
//! A slate is scored by the reward model that alignment uses, by the judge that never saw the same users, and by
//! the oracle where the data is simulated. Only the first can be gamed by alignment.

use super::change;
use super::distribution::distributions;
use super::generate::GeneratedSlate;
use super::metrics::mean_ci95;
use crate::engine::data::source::simulator::Oracle;
use crate::engine::data::{ItemIdx, UserIdx};
use crate::engine::reward::industrial::flagged_share;
use crate::engine::reward::{HEAD_NAMES, N_HEADS, RewardScorer};
use crate::engine::run::report::{AlignmentReport, HeadChange, PassAtK, RewardSummary};

/// All that can say how good a slate is.
#[derive(Clone, Copy, Debug)]
pub struct Scorers<'a> {
    /// The model that alignment uses.
    pub reward: &'a RewardScorer,
    /// The same kind of model, fitted on other users.
    pub judge: &'a RewardScorer,
    /// True utility, for simulated data.
    pub oracle: Option<&'a Oracle>,
    /// Which items are flagged, where any are.
    pub flagged: Option<&'a [bool]>,
}

/// Every score of one slate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlateScores {
    /// Probabilities of the reward model's heads.
    pub heads: [f32; N_HEADS],
    /// Their weighted mean.
    pub reward: f32,
    /// The judge's weighted mean.
    pub judge: f32,
    /// True utility.
    pub oracle: Option<f64>,
    /// Share of its items that are flagged, where any are.
    pub flagged: Option<f64>,
}

impl Scorers<'_> {
    /// Scores the slates of one user (history oldest first).
    pub fn score(
        &self,
        user: UserIdx,
        history: &[ItemIdx],
        slates: &[GeneratedSlate],
    ) -> Vec<SlateScores> {
        let items: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        self.score_items(user, history, &items)
    }

    /// Scores lists of items for one user (history oldest first).
    pub fn score_items<S: AsRef<[ItemIdx]>>(
        &self,
        user: UserIdx,
        history: &[ItemIdx],
        slates: &[S],
    ) -> Vec<SlateScores> {
        let histories = vec![history; slates.len()];
        let rewards = self.reward.score(&histories, slates);
        let judged = self.judge.score(&histories, slates);
        rewards
            .iter()
            .zip(&judged)
            .zip(slates)
            .map(|((reward, judge), items)| SlateScores {
                heads: reward.heads,
                reward: reward.reward,
                judge: judge.reward,
                oracle: self
                    .oracle
                    .map(|oracle| oracle.utility(user, items.as_ref())),
                flagged: self
                    .flagged
                    .map(|flags| flagged_share(items.as_ref(), flags)),
            })
            .collect()
    }
}

/// Scores of the slates of many users.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Per user the slates, most probable first, at least one.
    users: Vec<Vec<SlateScores>>,
}

impl Measurement {
    /// Takes the scores of each user's slates, most probable first. Users without slates are left out.
    pub fn new(users: Vec<Vec<SlateScores>>) -> Self {
        Self { users }
    }

    /// All slates of all users.
    pub(super) fn slates(&self) -> impl Iterator<Item = &SlateScores> {
        self.users.iter().flatten()
    }

    /// Mean, best and top of one value.
    pub(super) fn summary(&self, value: impl Fn(&SlateScores) -> f64 + Copy) -> RewardSummary {
        let over_users = |of_user: &dyn Fn(&[f64]) -> f64| {
            let values: Vec<f64> = self
                .users
                .iter()
                .filter(|slates| !slates.is_empty())
                .map(|slates| of_user(&slates.iter().map(value).collect::<Vec<f64>>()))
                .collect();
            mean_ci95(&values)
        };
        let (mean, mean_ci95) = over_users(&mean_of);
        RewardSummary {
            mean,
            max: over_users(&|slates| slates.iter().copied().fold(f64::NEG_INFINITY, f64::max)).0,
            top: over_users(&|slates| slates[0]).0,
            mean_ci95,
        }
    }

    /// Mean over users of the best of the first `k` slates.
    fn best_of(&self, k: usize, value: impl Fn(&SlateScores) -> f64 + Copy) -> f64 {
        let best: Vec<f64> = self
            .users
            .iter()
            .filter(|slates| !slates.is_empty())
            .map(|slates| {
                let values = slates.iter().take(k).map(value);
                values.fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        mean_ci95(&best).0
    }

    /// Whether true utility is known of every slate.
    pub(super) fn has_oracle(&self) -> bool {
        self.slates().all(|slate| slate.oracle.is_some())
    }

    fn has_flags(&self) -> bool {
        self.slates().all(|slate| slate.flagged.is_some())
    }
}

/// The rewards' part of the alignment report; steps, pairs and iterations are left at 0.
/// Both measurements must be of the same users in the same order.
pub fn compare(before: &Measurement, after: &Measurement) -> AlignmentReport {
    assert_eq!(
        before.users.len(),
        after.users.len(),
        "measurements of different users cannot be compared"
    );
    let reward = |slate: &SlateScores| f64::from(slate.reward);
    let judge = |slate: &SlateScores| f64::from(slate.judge);
    let oracle = |slate: &SlateScores| slate.oracle.unwrap_or(f64::NAN);
    let flagged = |slate: &SlateScores| slate.flagged.unwrap_or(f64::NAN);
    let has_oracle = before.has_oracle() && after.has_oracle();
    let has_flags = before.has_flags() && after.has_flags();

    let mut verdict = vec![
        sentence("Mean reward", before, after, reward),
        sentence("Mean reward by the judge", before, after, judge),
    ];
    if has_oracle {
        verdict.push(sentence("Mean true utility", before, after, oracle));
    }
    if has_flags {
        verdict.push(sentence("Share of flagged items", before, after, flagged));
    }
    let heads = HEAD_NAMES.iter().enumerate().map(|(head, name)| {
        let value = |slate: &SlateScores| f64::from(slate.heads[head]);
        HeadChange {
            name: (*name).to_owned(),
            before: before.summary(value),
            after: after.summary(value),
        }
    });
    AlignmentReport {
        users: before.users.len() as u64,
        reward_before: before.summary(reward),
        reward_after: after.summary(reward),
        judge_before: before.summary(judge),
        judge_after: after.summary(judge),
        oracle_before: has_oracle.then(|| before.summary(oracle)),
        oracle_after: has_oracle.then(|| after.summary(oracle)),
        flagged_before: has_flags.then(|| before.summary(flagged)),
        flagged_after: has_flags.then(|| after.summary(flagged)),
        heads: heads.collect(),
        distributions: distributions(&[before, after]),
        pass_at_k: pass_at_k(before, after),
        verdict,
        ..AlignmentReport::default()
    }
}

/// The best of K slates, for K = 1, 2, 4 and so on up to as many as there are. [B Table 4]
fn pass_at_k(before: &Measurement, after: &Measurement) -> Vec<PassAtK> {
    let n_slates = |of: &Measurement| of.users.iter().map(Vec::len).max().unwrap_or(0);
    let n_most = n_slates(before).min(n_slates(after));
    let has_oracle = before.has_oracle() && after.has_oracle();
    std::iter::successors(Some(1), |k| Some(2 * k))
        .take_while(|k| *k <= n_most)
        .map(|k| {
            let both = |value: fn(&SlateScores) -> f64| {
                (before.best_of(k, value), after.best_of(k, value))
            };
            PassAtK {
                k: k as u64,
                reward: both(|slate| f64::from(slate.reward)),
                judge: both(|slate| f64::from(slate.judge)),
                utility: has_oracle.then(|| both(|slate| slate.oracle.unwrap_or(f64::NAN))),
            }
        })
        .collect()
}

/// What may be said of a change, judged by the 95% interval of the difference within users.
fn sentence(
    what: &str,
    before: &Measurement,
    after: &Measurement,
    value: impl Fn(&SlateScores) -> f64 + Copy,
) -> String {
    let mean = |slates: &Vec<SlateScores>| mean_of(&slates.iter().map(value).collect::<Vec<f64>>());
    let pairs = before.users.iter().zip(&after.users);
    let changes: Vec<f64> = pairs
        .filter(|(before, after)| !before.is_empty() && !after.is_empty())
        .map(|(before, after)| mean(after) - mean(before))
        .collect();
    let [from, to] = [before, after].map(|of| of.summary(value).mean);
    change::in_words(what, from, to, &changes)
}

fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slate(reward: f32, judge: f32, oracle: f64) -> SlateScores {
        SlateScores {
            heads: [reward, 0.5, 0.25, 0.0],
            reward,
            judge,
            oracle: Some(oracle),
            flagged: None,
        }
    }

    fn measurement(users: &[[(f32, f32, f64); 2]]) -> Measurement {
        let users = users.iter().map(|slates| {
            let slates = slates.iter();
            slates.map(|(r, j, o)| slate(*r, *j, *o)).collect()
        });
        Measurement::new(users.collect())
    }

    #[test]
    fn summary_and_verdict_by_hand() {
        let before = measurement(&[
            [(0.25, 0.5, 3.0), (0.75, 0.5, 1.0)],
            [(0.5, 0.25, 2.0), (0.0, 0.25, 0.0)],
            [(0.5, 0.25, 2.0), (0.0, 0.25, 0.0)],
        ]);
        // Rewards rise by 0.25 for all, the judge is split, true utility falls by 1 for all.
        let after = measurement(&[
            [(0.5, 1.0, 2.0), (1.0, 1.0, 0.0)],
            [(0.75, 0.0, 1.0), (0.25, 0.0, -1.0)],
            [(0.75, 0.0, 1.0), (0.25, 0.0, -1.0)],
        ]);
        let report = compare(&before, &after);
        assert_eq!(report.users, 3);
        assert!((report.reward_before.mean - 1.0 / 3.0).abs() < 1e-12);
        assert!((report.reward_before.max - 1.75 / 3.0).abs() < 1e-12);
        assert!((report.reward_before.top - 1.25 / 3.0).abs() < 1e-12);
        assert!((report.reward_after.mean - 1.75 / 3.0).abs() < 1e-12);
        assert_eq!(report.heads[0].after, report.reward_after);
        assert_eq!(report.heads[1].name, "vtr");
        let best: Vec<(u64, (f64, f64))> = report
            .pass_at_k
            .iter()
            .map(|pass| (pass.k, pass.reward))
            .collect();
        // The best of one slate is the first one; the best of both of the first user is the second.
        assert_eq!(best.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [1, 2]);
        assert!((best[0].1.0 - 1.25 / 3.0).abs() < 1e-12, "{best:?}");
        assert!((best[1].1.0 - 1.75 / 3.0).abs() < 1e-12, "{best:?}");
        let oracle = report.oracle_after.unwrap();
        assert!(oracle.max >= oracle.mean);
        assert!(
            report.verdict[0].starts_with("Mean reward rose from 0.3333 to 0.5833 (+75.0%"),
            "{}",
            report.verdict[0]
        );
        assert!(
            report.verdict[1].contains("did not change"),
            "{}",
            report.verdict[1]
        );
        assert!(report.verdict[2].contains("fell"), "{}", report.verdict[2]);
    }

    #[test]
    fn without_oracle_nothing_is_said_of_utility() {
        let mut before = measurement(&[[(0.5, 0.5, 0.0); 2]]);
        before.users[0][0].oracle = None;
        let report = compare(&before, &before);
        assert_eq!(report.oracle_before, None);
        assert_eq!(report.flagged_before, None);
        assert_eq!(report.verdict.len(), 2);
    }

    #[test]
    fn the_share_of_flagged_items_is_told_where_items_are_flagged() {
        let mut before = measurement(&[[(0.5, 0.5, 0.0); 2], [(0.5, 0.5, 0.0); 2]]);
        for (slate, flagged) in before.users.iter_mut().flatten().zip([0.4, 0.2, 0.6, 0.4]) {
            slate.flagged = Some(flagged);
        }
        let mut after = before.clone();
        for slate in after.users.iter_mut().flatten() {
            slate.flagged = slate.flagged.map(|share| share - 0.2);
        }
        let report = compare(&before, &after);
        assert!((report.flagged_before.unwrap().mean - 0.4).abs() < 1e-12);
        assert!((report.flagged_after.unwrap().mean - 0.2).abs() < 1e-12);
        let sentence = report.verdict.last().unwrap();
        assert!(
            sentence.starts_with("Share of flagged items fell from 0.4000 to 0.2000 (-50.0%"),
            "{sentence}"
        );
    }
}
