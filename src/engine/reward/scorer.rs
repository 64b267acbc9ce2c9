//! Scores of any slates for any histories, without gradients: what alignment and evaluation ask for.

use burn::module::Module as _;
use burn::tensor::activation::sigmoid;

use super::batch::ItemVectors;
use super::session::{N_HEADS, RewardInput, RewardModel};
use crate::engine::data::ItemIdx;
use crate::engine::embedding::ItemEmbeddings;

/// Slates per forward pass: bounds the memory of large candidate sets.
const BATCH_SIZE: usize = 512;

/// A fitted reward model with the item vectors and the weights of its heads.
#[derive(Debug)]
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
    /// Their weighted mean; 0 when no head has weight.
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
            let probs: Vec<f32> = sigmoid(self.model.forward(input))
                .try_into_vec_as()
                .expect("the device that computed the scores can be read");
            scores.extend(probs.chunks_exact(N_HEADS).map(|probs| {
                let heads = [probs[0], probs[1], probs[2], probs[3]];
                SlateScore {
                    heads,
                    reward: combine(&heads, &self.weights),
                }
            }));
        }
        scores
    }

    /// Weights of the heads in the scalar reward.
    pub fn weights(&self) -> [f64; N_HEADS] {
        self.weights
    }
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
