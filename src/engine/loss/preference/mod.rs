//! Losses of preference pairs, one file per objective. [A 5.1.2: DPO and the baselines beside it]
//!
//! Each reads like its formula. `w` is the chosen slate, `l` a rejected one, `ref` the frozen reference.

pub mod cdpo;
pub mod cpo;
pub mod dpo;
pub mod ipo;
pub mod rdpo;
pub mod s_dpo;
pub mod simpo;

use burn::tensor::Tensor;

pub use cdpo::cdpo;
pub use cpo::cpo;
pub use dpo::dpo;
pub use ipo::ipo;
pub use rdpo::rdpo;
pub use s_dpo::s_dpo;
pub use simpo::simpo;

/// Log-probabilities of preference pairs under policy and reference.
#[derive(Clone, Debug)]
pub struct PairLogProbs {
    /// Of the chosen slates under the policy, `[n_pairs, 1]`.
    pub chosen: Tensor<2>,
    /// Of the rejected slates under the policy, `[n_pairs, n_negatives]`.
    pub rejected: Tensor<2>,
    /// Of the chosen slates under the reference, `[n_pairs, 1]`.
    pub reference_chosen: Tensor<2>,
    /// Of the rejected slates under the reference, `[n_pairs, n_negatives]`.
    pub reference_rejected: Tensor<2>,
    /// Codes of a slate.
    pub n_codes: usize,
}

impl PairLogProbs {
    /// `ln pi(w) - ln pi(l)`, `[n_pairs, n_negatives]`.
    pub(super) fn preference(&self) -> Tensor<2> {
        self.chosen.clone() - self.rejected.clone()
    }

    /// `ln [pi(w) / ref(w)] - ln [pi(l) / ref(l)]`, `[n_pairs, n_negatives]`: how much more the policy prefers
    /// the chosen slate than the reference does.
    pub(super) fn gained_preference(&self) -> Tensor<2> {
        self.preference() - (self.reference_chosen.clone() - self.reference_rejected.clone())
    }
}

/// Loss of a batch of preference pairs.
#[derive(Clone, Debug)]
pub struct PreferenceOutput {
    /// `[n_pairs]`.
    pub loss: Tensor<1>,
    /// What the objective widens between chosen and rejected, `[n_pairs, n_negatives]`.
    pub margin: Tensor<2>,
}

impl PreferenceOutput {
    /// For objectives that look at one rejected slate at a time: the mean over those of a pair.
    fn of_each(loss: Tensor<2>, margin: Tensor<2>) -> Self {
        let [n_pairs, _] = loss.dims();
        Self {
            loss: loss.mean_dim(1).reshape([n_pairs]),
            margin,
        }
    }

    /// Share of rejected slates with a positive margin, `[1]`: those where the policy moved the right way.
    pub fn accuracy(&self) -> Tensor<1> {
        self.margin
            .clone()
            .detach()
            .greater_elem(0.0)
            .float()
            .mean()
    }
}

#[cfg(test)]
mod tests;
