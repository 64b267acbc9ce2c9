//! How much better each slate of a group is than the group. [B eq. 32]

/// Rewards whose standard deviation is below this are taken to be equal.
const LEAST_SPREAD: f64 = 1e-8;

/// `(r - mean) / std` with the standard deviation of the whole group; zeros where all rewards are equal.
pub fn group_advantages(rewards: &[f64]) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = rewards.iter().sum::<f64>() / n;
    let variance = rewards
        .iter()
        .map(|reward| (reward - mean).powi(2))
        .sum::<f64>()
        / n;
    let spread = variance.sqrt();
    rewards
        .iter()
        .map(|reward| {
            if spread < LEAST_SPREAD {
                0.0
            } else {
                (reward - mean) / spread
            }
        })
        .collect()
}
