//! Identity preference optimisation: a margin to reach rather than to widen for ever. [Azar et al. 2024, eq. 17]

use super::{PairLogProbs, PreferenceOutput};

/// `( ln [pi(w) / ref(w)] - ln [pi(l) / ref(l)] - 1 / (2 beta) )^2`; beta is the paper's tau.
pub fn ipo(pairs: &PairLogProbs, beta: f64) -> PreferenceOutput {
    let margin = pairs.gained_preference();
    let missing = margin.clone().sub_scalar(1.0 / (2.0 * beta));
    PreferenceOutput::of_each(missing.clone() * missing, margin)
}
