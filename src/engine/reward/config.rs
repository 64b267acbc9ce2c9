//! Settings of the reward models.

use serde::{Deserialize, Serialize};

/// The reward model and its judge. [A 3.3.1, B 2.4.1; sizes and label of swt are not given there]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RewardConfig {
    /// Whether the model judges whole sessions or single items.
    pub form: RewardForm,
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
    /// Weights of swt, vtr, wtr, ltr: in the scalar reward of sessions, or in the loss of the preference score.
    /// [A does not say how the four become one, B does not publish its weights]
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
            form: RewardForm::Session,
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

/// What a reward model judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardForm {
    /// Whole sessions, with four heads. [A 3.3.1]
    Session,
    /// Single items, with a tower per objective and one fused score. [B 2.4.1]
    PreferenceScore,
}
