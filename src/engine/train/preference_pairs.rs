//! Preference pairs: the best and the worst of N slates that the model itself finds likely. [A 3.3.2, Alg. 2]
//!
//! The rejected slate is one of the model's own beams, which is what the paper calls a self-hard negative.

use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::model::EncoderDecoder;
use crate::engine::reward::RewardScorer;
use crate::engine::tokenizer::Code;

/// One user's chosen slate and the rejected ones.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferencePair {
    /// The user's history, oldest first.
    pub history: Vec<ItemIdx>,
    /// Codes of the slate with the highest reward, `[slate_len * n_levels]`.
    pub chosen: Vec<Code>,
    /// Codes of the slates with the lowest rewards, lowest first.
    pub rejected: Vec<Vec<Code>>,
    /// Reward of the chosen slate.
    pub chosen_reward: f64,
    /// Mean reward of the rejected slates.
    pub rejected_reward: f64,
}

/// For each history, generates N slates with the frozen `sampler`, scores them and sets the best against the
/// `n_rejected` worst. Ties go to the likelier slate; a history with fewer than `n_rejected` slates that score
/// lower than its best gives no pair.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub fn best_and_worst(
    sampler: &EncoderDecoder,
    candidates: &SlateGenerator<'_>,
    scorer: &RewardScorer,
    histories: &[Vec<ItemIdx>],
    n_rejected: usize,
    control: &RunControl,
) -> Result<Vec<PreferencePair>, EngineError> {
    let generated = candidates.generate(sampler, histories, control, &mut |_, _| {})?;
    let mut pairs = Vec::with_capacity(histories.len());
    for (history, slates) in histories.iter().zip(generated) {
        let lists: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        let scores = scorer.score(&vec![history; slates.len()], &lists);
        let rewards: Vec<f64> = scores.iter().map(|score| f64::from(score.reward)).collect();
        let Some((best, worst)) = extremes(&rewards, n_rejected) else {
            continue;
        };
        let sum: f64 = worst.iter().map(|idx| rewards[*idx]).sum();
        pairs.push(PreferencePair {
            history: history.clone(),
            chosen: slates[best].codes.clone(),
            rejected: worst.iter().map(|idx| slates[*idx].codes.clone()).collect(),
            chosen_reward: rewards[best],
            rejected_reward: sum / n_rejected as f64,
        });
    }
    Ok(pairs)
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

    #[test]
    fn best_and_worst_are_the_first_of_equals_and_need_a_margin() {
        let rewards = [0.2, 0.7, 0.1, 0.7, 0.1];
        assert_eq!(extremes(&rewards, 1), Some((1, vec![2])));
        assert_eq!(extremes(&rewards, 3), Some((1, vec![2, 4, 0])));
        assert_eq!(extremes(&rewards, 4), None, "only three score lower");
        assert_eq!(extremes(&[0.5, 0.5], 1), None);
        assert_eq!(extremes(&[], 1), None);
    }
}
