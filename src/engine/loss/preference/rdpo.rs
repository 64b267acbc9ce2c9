//! Robust DPO: an unbiased estimate of the loss on clean labels from noisy ones. [Chowdhury et al. 2024, eq. 12]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `[ -(1 - noise) ln sigmoid(margin) + noise ln sigmoid(-margin) ] / (1 - 2 noise)` with the margin of DPO.
pub fn rdpo(pairs: &PairLogProbs, beta: f64, noise: f64) -> PreferenceOutput {
    let margin = pairs.gained_preference().mul_scalar(beta);
    let right = log_sigmoid(margin.clone()).mul_scalar(1.0 - noise);
    let wrong = log_sigmoid(margin.clone().neg()).mul_scalar(noise);
    PreferenceOutput::of_each((wrong - right).div_scalar(1.0 - 2.0 * noise), margin)
}
