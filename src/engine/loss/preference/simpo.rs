//! Simple preference optimisation: no reference, log-probabilities per code, a margin to exceed. [Meng et al. 2024, eq. 6]

use burn::tensor::activation::log_sigmoid;

use super::{PairLogProbs, PreferenceOutput};

/// `-ln sigmoid( beta / |w| ln pi(w) - beta / |l| ln pi(l) - target )`; all slates have the same length here.
pub fn simpo(pairs: &PairLogProbs, beta: f64, target: f64) -> PreferenceOutput {
    let margin = pairs.preference().mul_scalar(beta / pairs.n_codes as f64);
    let excess = margin.clone().sub_scalar(target);
    PreferenceOutput::of_each(log_sigmoid(excess).neg(), margin)
}
