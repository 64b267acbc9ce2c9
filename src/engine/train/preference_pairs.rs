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

/// One user's chosen and rejected slate.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferencePair {
    /// The user's history, oldest first.
    pub history: Vec<ItemIdx>,
    /// Codes of the slate with the highest reward, `[slate_len * n_levels]`.
    pub chosen: Vec<Code>,
    /// Codes of the slate with the lowest reward.
    pub rejected: Vec<Code>,
    /// Reward of the chosen slate.
    pub chosen_reward: f64,
    /// Reward of the rejected slate.
    pub rejected_reward: f64,
}

/// For each history, generates N slates with the frozen `sampler`, scores them and pairs the best with the worst.
/// Ties go to the likelier slate; a history whose slates all score the same gives no pair.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub fn best_and_worst(
    sampler: &EncoderDecoder,
    candidates: &SlateGenerator<'_>,
    scorer: &RewardScorer,
    histories: &[Vec<ItemIdx>],
    control: &RunControl,
) -> Result<Vec<PreferencePair>, EngineError> {
    let generated = candidates.generate(sampler, histories, control, &mut |_, _| {})?;
    let mut pairs = Vec::with_capacity(histories.len());
    for (history, slates) in histories.iter().zip(generated) {
        let lists: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        let scores = scorer.score(&vec![history; slates.len()], &lists);
        let rewards: Vec<f64> = scores.iter().map(|score| f64::from(score.reward)).collect();
        let Some((best, worst)) = extremes(&rewards) else {
            continue;
        };
        pairs.push(PreferencePair {
            history: history.clone(),
            chosen: slates[best].codes.clone(),
            rejected: slates[worst].codes.clone(),
            chosen_reward: rewards[best],
            rejected_reward: rewards[worst],
        });
    }
    Ok(pairs)
}

/// Positions of the first highest and the first lowest value; `None` where they are equal.
fn extremes(rewards: &[f64]) -> Option<(usize, usize)> {
    let mut best = 0;
    let mut worst = 0;
    for (idx, reward) in rewards.iter().enumerate() {
        if *reward > rewards[best] {
            best = idx;
        }
        if *reward < rewards[worst] {
            worst = idx;
        }
    }
    (!rewards.is_empty() && rewards[best] > rewards[worst]).then_some((best, worst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_and_worst_are_the_first_of_equals_and_need_a_margin() {
        assert_eq!(extremes(&[0.2, 0.7, 0.1, 0.7, 0.1]), Some((1, 2)));
        assert_eq!(extremes(&[0.5, 0.5]), None);
        assert_eq!(extremes(&[]), None);
    }
}
