//! Settings of the evaluation.

use serde::{Deserialize, Serialize};

/// How held-out metrics are computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
    /// Users to evaluate, drawn at random; 0 means all.
    pub max_users: usize,
    /// Beams of the item-level search; at least the largest K.
    pub n_beams: usize,
    /// Users per batch.
    pub batch_size: usize,
    /// Remove items of the user's history from the ranking, for every model alike.
    pub remove_seen: bool,
    /// Users for whom slates are generated and scored before and after alignment.
    pub reward_users: usize,
    /// Slates generated per user for the reward metrics.
    pub reward_slates: usize,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            max_users: 0,
            n_beams: 20,
            batch_size: 64,
            remove_seen: true,
            reward_users: 200,
            reward_slates: 16,
        }
    }
}
