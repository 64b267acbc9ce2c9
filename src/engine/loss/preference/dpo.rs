//! Direct preference optimisation against a frozen reference. [A eq. 10; Rafailov et al. 2023, eq. 7]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `-ln sigmoid( beta ln [pi(w) / ref(w)] - beta ln [pi(l) / ref(l)] )`; ln 2 where policy and reference agree.
pub fn dpo(pairs: &PairLogProbs, beta: f64) -> PreferenceOutput {
    let margin = pairs.gained_preference().mul_scalar(beta);
    PreferenceOutput::of_each(log_sigmoid(margin.clone()).neg(), margin)
}
