//! Group-relative policy optimisation. [Shao et al. 2024; B 2.4.1 starts from it]

use super::{PolicyOutput, Rollouts, clipped};

/// `-min( rho A, clip(rho, 1 - clip, 1 + clip) A )` with `rho = pi / pi_old`.
///
/// A slate with a negative advantage that the policy already finds likelier than the old one pulls without bound.
pub fn grpo(rollouts: &Rollouts, clip: f64) -> PolicyOutput {
    clipped(rollouts, rollouts.old_log_probs.clone(), clip)
}
