//! Conservative DPO: a share of the pairs is taken to be the wrong way round. [Mitchell 2023]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `-(1 - noise) ln sigmoid(margin) - noise ln sigmoid(-margin)` with the margin of DPO.
pub fn cdpo(pairs: &PairLogProbs, beta: f64, noise: f64) -> PreferenceOutput {
    let margin = pairs.gained_preference().mul_scalar(beta);
    let right = log_sigmoid(margin.clone()).mul_scalar(1.0 - noise);
    let wrong = log_sigmoid(margin.clone().neg()).mul_scalar(noise);
    PreferenceOutput::of_each((right + wrong).neg(), margin)
}
