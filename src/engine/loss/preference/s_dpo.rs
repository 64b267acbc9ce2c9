//! Softmax DPO: one chosen slate against several rejected ones at once. [Chen et al. 2024, eq. 11]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `-ln sigmoid( -ln sum over l of exp(-margin(l)) )` with the margins of DPO; with one rejected slate it is DPO.
pub fn s_dpo(pairs: &PairLogProbs, beta: f64) -> PreferenceOutput {
    let margin = pairs.gained_preference().mul_scalar(beta);
    let [n_pairs, _] = margin.dims();
    let negative = margin.clone().neg();
    let largest = negative.clone().detach().max_dim(1);
    let sum = (negative - largest.clone()).exp().sum_dim(1).log() + largest;
    PreferenceOutput {
        loss: log_sigmoid(sum.neg()).neg().reshape([n_pairs]),
        margin,
    }
}
