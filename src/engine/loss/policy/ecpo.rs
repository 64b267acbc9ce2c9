//! Early-clipped GRPO: the old probability is raised before the ratio is taken, so that negative advantages cannot
//! explode. [B eq. 32-34]

use super::{PolicyOutput, Rollouts, clipped};

/// GRPO with `pi'_old = max( sg(pi) / (1 + clip + early), pi_old )`, where sg stops the gradient.
/// The ratio is never above `1 + clip + early`. [B: early = 0.1]
pub fn ecpo(rollouts: &Rollouts, clip: f64, early: f64) -> PolicyOutput {
    let raised = rollouts
        .log_probs
        .clone()
        .detach()
        .sub_scalar((1.0 + clip + early).ln());
    clipped(
        rollouts,
        rollouts.old_log_probs.clone().max_pair(raised),
        clip,
    )
}
