//! Settings of next-token training.

use serde::{Deserialize, Serialize};

/// Next-token training of the generator. [A 3.2, 5.1.1; schedule and batch size are not given there]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PretrainConfig {
    /// Optimiser steps.
    pub steps: u64,
    /// Sessions per step.
    pub batch_size: usize,
    /// Peak learning rate. [A 5.1.1: 2e-4 at their scale]
    pub learning_rate: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: u64,
    /// Final learning rate as a share of the peak (cosine decay).
    pub final_lr_frac: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient; 0 switches clipping off.
    pub max_grad_norm: f64,
    /// Steps between read-backs of the loss.
    pub log_every_steps: u64,
    /// Steps between checkpoints.
    pub checkpoint_every_steps: u64,
    /// Start a training session at any positive event (true) or only at session borders (false).
    /// True gives `slate_len` times as many different examples under the rule `blocks`.
    pub sliding_sessions: bool,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            steps: 1000,
            batch_size: 64,
            learning_rate: 1e-3,
            warmup_steps: 100,
            final_lr_frac: 0.05,
            weight_decay: 1e-2,
            max_grad_norm: 1.0,
            log_every_steps: 5,
            checkpoint_every_steps: 200,
            sliding_sessions: true,
        }
    }
}
