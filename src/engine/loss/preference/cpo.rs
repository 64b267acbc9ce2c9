//! Contrastive preference optimisation: no reference, and the chosen slate is also imitated. [Xu et al. 2024, eq. 3-5]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `-ln sigmoid( beta ln pi(w) - beta ln pi(l) ) - ln pi(w)`, the last term per code, so that it does not
/// outgrow the other with the length of the slate.
pub fn cpo(pairs: &PairLogProbs, beta: f64) -> PreferenceOutput {
    let margin = pairs.preference().mul_scalar(beta);
    let imitation = pairs.chosen.clone().div_scalar(pairs.n_codes as f64);
    PreferenceOutput::of_each((log_sigmoid(margin.clone()) + imitation).neg(), margin)
}
