//! Policy-gradient losses over groups of generated slates, one file per objective. [B 2.4.1; V2 3.1.2]
//!
//! `pi` is the policy, `pi_old` the frozen copy that generated the slates. A unit is one code or one whole slate.

pub mod advantage;
pub mod ecpo;
pub mod gbpo;
pub mod grpo;

use burn::tensor::Tensor;

pub use advantage::group_advantages;
pub use ecpo::ecpo;
pub use gbpo::gbpo;
pub use grpo::grpo;

/// Generated slates and how much better they are than their group.
#[derive(Clone, Debug)]
pub struct Rollouts {
    /// Log-probabilities under the policy, `[n_slates, n_units]`.
    pub log_probs: Tensor<2>,
    /// Log-probabilities under the model that generated them, `[n_slates, n_units]`, without gradient.
    pub old_log_probs: Tensor<2>,
    /// `[n_slates, 1]`.
    pub advantages: Tensor<2>,
}

/// Loss of a batch of rollouts.
#[derive(Clone, Debug)]
pub struct PolicyOutput {
    /// Minus the objective, per unit, `[n_slates, n_units]`.
    pub loss: Tensor<2>,
    /// `pi / pi'_old`, without gradient, `[n_slates, n_units]`.
    pub ratio: Tensor<2>,
}

/// `-min( ratio A, clip(ratio, 1 - clip, 1 + clip) A )`, shared by [`fn@grpo`] and [`fn@ecpo`].
fn clipped(rollouts: &Rollouts, old_log_probs: Tensor<2>, clip: f64) -> PolicyOutput {
    let ratio = (rollouts.log_probs.clone() - old_log_probs).exp();
    let plain = ratio.clone() * rollouts.advantages.clone();
    let bounded = ratio.clone().clamp(1.0 - clip, 1.0 + clip) * rollouts.advantages.clone();
    PolicyOutput {
        loss: plain.min_pair(bounded).neg(),
        ratio: ratio.detach(),
    }
}

/// An estimate of the distance of the policy from the model that generated the slates, per unit:
/// `pi_old / pi - ln(pi_old / pi) - 1`, never negative. [Schulman's k3]
pub fn kl_to_old(rollouts: &Rollouts) -> Tensor<2> {
    let log_ratio = rollouts.old_log_probs.clone() - rollouts.log_probs.clone();
    log_ratio.clone().exp() - log_ratio - 1.0
}

#[cfg(test)]
mod tests;
