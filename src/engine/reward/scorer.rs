//! Scores of any slates for any histories, without gradients: what alignment and evaluation ask for.

use burn::module::Module as _;
use burn::tensor::Tensor;

use super::batch::ItemVectors;
use super::reward_model::RewardModel;
use super::session::N_HEADS;
use super::target_view::RewardInput;
use crate::engine::data::ItemIdx;
use crate::engine::embedding::ItemEmbeddings;

/// Slates per forward pass: bounds the memory of large candidate sets.
const BATCH_SIZE: usize = 512;

/// A fitted reward model with the item vectors and the weights of its heads.
#[derive(Clone, Debug)]
pub struct RewardScorer {
    model: RewardModel,
    items: ItemVectors,
    weights: [f64; N_HEADS],
}

/// The scores of one slate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SlateScore {
    /// Probabilities of the heads, order of [`HEAD_NAMES`](super::session::HEAD_NAMES).
    pub heads: [f32; N_HEADS],
    /// Their weighted mean, 0 when no head has weight; or the preference score where the model has one.
    pub reward: f32,
}

impl RewardScorer {
    /// Takes a fitted model out of training.
    pub fn new(model: &RewardModel, embeddings: &ItemEmbeddings, weights: [f64; N_HEADS]) -> Self {
        let model = model.valid();
        let device = model.device();
        Self {
            items: ItemVectors::new(embeddings, &device),
            model,
            weights,
        }
    }

    /// Scores `slates[i]` for the user with `histories[i]` (oldest first), in that order.
    pub fn score<H, S>(&self, histories: &[H], slates: &[S]) -> Vec<SlateScore>
    where
        H: AsRef<[ItemIdx]>,
        S: AsRef<[ItemIdx]>,
    {
        assert_eq!(histories.len(), slates.len(), "one history per slate");
        let mut scores = Vec::with_capacity(slates.len());
        for (histories, slates) in histories.chunks(BATCH_SIZE).zip(slates.chunks(BATCH_SIZE)) {
            let input = RewardInput::new(histories, slates, &self.items, self.model.history_len());
            let said = self.model.probabilities(input);
            let heads = read(said.heads);
            let preference = said.preference.map(read);
            for (idx, heads) in heads.chunks_exact(N_HEADS).enumerate() {
                let heads = [heads[0], heads[1], heads[2], heads[3]];
                let reward = match &preference {
                    Some(preference) => preference[idx],
                    None => combine(&heads, &self.weights),
                };
                scores.push(SlateScore { heads, reward });
            }
        }
        scores
    }

    /// Weights of the heads in the scalar reward.
    pub fn weights(&self) -> [f64; N_HEADS] {
        self.weights
    }
}

fn read(probs: Tensor<2>) -> Vec<f32> {
    probs
        .try_into_vec_as()
        .expect("the device that computed the scores can be read")
}

/// Weighted mean of the heads. [A does not say how the four become one]
fn combine(heads: &[f32; N_HEADS], weights: &[f64; N_HEADS]) -> f32 {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let sum: f64 = heads
        .iter()
        .zip(weights)
        .map(|(head, weight)| f64::from(*head) * weight)
        .sum();
    (sum / total) as f32
}
