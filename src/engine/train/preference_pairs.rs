//! Preference pairs: the best and the worst of N slates that the model itself finds likely. [A 3.3.2, Alg. 2]
//!
//! The rejected slate is one of the model's own beams, which is what the paper calls a self-hard negative.

use crate::engine::eval::generate::GeneratedSlate;
use crate::engine::train::rollouts::Group;

/// One user's chosen slate and the rejected ones.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferencePair<'a> {
    /// The user's group.
    pub group: &'a Group,
    /// Index of the slate with the highest reward.
    pub chosen: usize,
    /// Indices of the slates with the lowest rewards, lowest first.
    pub rejected: Vec<usize>,
    /// Reward of the chosen slate minus the mean of the rejected ones.
    pub reward_gap: f64,
    /// Whether chosen and worst were exchanged.
    pub is_turned: bool,
}

impl<'a> PreferencePair<'a> {
    /// The chosen slate, then the rejected ones.
    pub fn slates(&self) -> impl Iterator<Item = &'a GeneratedSlate> + use<'a, '_> {
        let indices = std::iter::once(self.chosen).chain(self.rejected.iter().copied());
        let group = self.group;
        indices.map(|idx| &group.slates[idx])
    }

    /// Exchanges the chosen slate and the worst one.
    pub fn turn_round(&mut self) {
        if let Some(worst) = self.rejected.first_mut() {
            std::mem::swap(&mut self.chosen, worst);
            self.is_turned = !self.is_turned;
            self.reward_gap = reward_gap(&self.group.rewards, self.chosen, &self.rejected);
        }
    }
}

/// Sets the best slate of each group against its `n_rejected` worst. Ties go to the likelier slate; a group with
/// fewer than `n_rejected` slates that score lower than its best gives no pair.
pub fn best_and_worst(groups: &[Group], n_rejected: usize) -> Vec<PreferencePair<'_>> {
    groups
        .iter()
        .filter_map(|group| {
            let (best, worst) = extremes(&group.rewards, n_rejected)?;
            Some(PreferencePair {
                group,
                chosen: best,
                reward_gap: reward_gap(&group.rewards, best, &worst),
                rejected: worst,
                is_turned: false,
            })
        })
        .collect()
}

fn reward_gap(rewards: &[f64], chosen: usize, rejected: &[usize]) -> f64 {
    let sum: f64 = rejected.iter().map(|idx| rewards[*idx]).sum();
    rewards[chosen] - sum / rejected.len() as f64
}

/// Positions of the first highest value and of the `n_lowest` lowest; `None` where too few are lower than the highest.
fn extremes(rewards: &[f64], n_lowest: usize) -> Option<(usize, Vec<usize>)> {
    let mut order: Vec<usize> = (0..rewards.len()).collect();
    order.sort_by(|a, b| rewards[*a].total_cmp(&rewards[*b]));
    let highest = rewards[*order.last()?];
    let best = rewards.iter().position(|reward| *reward == highest)?;
    order.retain(|idx| rewards[*idx] < highest);
    order.truncate(n_lowest);
    (order.len() == n_lowest).then_some((best, order))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::{ItemIdx, Moment};
    use crate::engine::tokenizer::Code;

    #[test]
    fn best_and_worst_are_the_first_of_equals_and_need_a_margin() {
        let rewards = [0.2, 0.7, 0.1, 0.7, 0.1];
        assert_eq!(extremes(&rewards, 1), Some((1, vec![2])));
        assert_eq!(extremes(&rewards, 3), Some((1, vec![2, 4, 0])));
        assert_eq!(extremes(&rewards, 4), None, "only three score lower");
        assert_eq!(extremes(&[0.5, 0.5], 1), None);
        assert_eq!(extremes(&[], 1), None);
    }

    #[test]
    fn a_pair_names_its_slates_and_their_gap() {
        let slate = |code: Code| GeneratedSlate {
            items: Vec::new(),
            codes: vec![code; 2],
            log_prob: 0.0,
        };
        let groups = [Group {
            moment: Moment::from_history(vec![ItemIdx(4)]),
            slates: [1, 2, 3].map(slate).to_vec(),
            rewards: vec![0.25, 0.75, 0.5],
        }];
        let pairs = best_and_worst(&groups, 2);
        let codes: Vec<&[Code]> = pairs[0]
            .slates()
            .map(|slate| slate.codes.as_slice())
            .collect();
        assert_eq!(codes, [[2, 2], [1, 1], [3, 3]]);
        assert!((pairs[0].reward_gap - 0.375).abs() < 1e-12);
    }
}
