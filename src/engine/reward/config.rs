//! Settings of the reward models.

use serde::{Deserialize, Serialize};

/// The session reward model and its judge. [A 3.3.1; sizes and label of swt are not given there]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardConfig {
    /// Width.
    pub d_model: usize,
    /// Attention heads; divides d_model.
    pub n_heads: usize,
    /// Hidden width of each head's perceptron.
    pub d_hidden: usize,
    /// Positive items of history that the target attention sees.
    pub history_len: usize,
    /// Optimiser steps per model.
    pub steps: u64,
    /// Slates per step.
    pub batch_size: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Weights of swt, vtr, wtr, ltr in the scalar reward. [A does not say how the four become one]
    pub weights: [f64; 4],
    /// A head with fewer positive impressions in training gets weight 0 and is reported as too rare.
    pub min_positives: u64,
    /// Steps between read-backs of the loss.
    pub log_every_steps: u64,
    /// Steps between checkpoints.
    pub checkpoint_every_steps: u64,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            d_model: 64,
            n_heads: 4,
            d_hidden: 64,
            history_len: 20,
            steps: 600,
            batch_size: 128,
            learning_rate: 2e-3,
            weight_decay: 1e-2,
            weights: [1.0; 4],
            min_positives: 200,
            log_every_steps: 5,
            checkpoint_every_steps: 200,
        }
    }
}
