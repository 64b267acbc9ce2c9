//! Gradient-bounded policy optimisation: no clipping; every gradient is bounded as that of binary
//! cross-entropy is. [V2 eq. 15-16]

use super::{PolicyOutput, Rollouts};

/// Below this, 1 - pi is not told apart from 0.
const LEAST_REST: f64 = 1e-6;

/// `-pi / pi'_old A` with `pi'_old = max(pi_old, sg(pi))` where `A >= 0` and `max(pi_old, 1 - sg(pi))` where `A < 0`.
pub fn gbpo(rollouts: &Rollouts) -> PolicyOutput {
    let fixed = rollouts.log_probs.clone().detach();
    let rest = fixed
        .clone()
        .exp()
        .neg()
        .add_scalar(1.0)
        .clamp_min(LEAST_REST)
        .log();
    let is_worse = rollouts
        .advantages
        .clone()
        .lower_elem(0.0)
        .expand(fixed.shape());
    let bound = fixed.mask_where(is_worse, rest);
    let old = rollouts.old_log_probs.clone().max_pair(bound);
    let ratio = (rollouts.log_probs.clone() - old).exp();
    PolicyOutput {
        loss: (ratio.clone() * rollouts.advantages.clone()).neg(),
        ratio: ratio.detach(),
    }
}
