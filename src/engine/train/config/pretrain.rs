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
    /// Whether the loss of a session is the mean over its batch's codes or their sum per session.
    /// [A eq. 4, B 2.3: sum; V2 2.3.1: mean]
    pub loss_reduction: LossReduction,
    /// Probability that the targets spread evenly over all codes of the level. [A, B: none]
    pub label_smoothing: f64,
    /// Parts that a step's batch is cut into, computed one after the other. More of them need less memory; the weights are
    /// the same up to rounding.
    pub micro_batches: usize,
    /// Learning rate of the embedding tables as a multiple of that of all other weights.
    /// [B 3.3: 1e-4 against 8e-5 in post-training; 1 here]
    pub table_lr_factor: f64,
    /// Steps between measurements of the held-out loss; 0 never measures and learns every learnable event.
    pub validate_every_steps: u64,
    /// Users whose last learnable positive event is kept out of training and measured instead.
    pub validation_users: usize,
    /// Measurements without a new lowest held-out loss after which training ends, with the weights of the lowest; 0 always
    /// goes on to the last step and takes its weights.
    pub patience: u64,
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
            loss_reduction: LossReduction::Mean,
            label_smoothing: 0.0,
            micro_batches: 1,
            table_lr_factor: 1.0,
            validate_every_steps: 0,
            validation_users: 500,
            patience: 0,
            sliding_sessions: true,
        }
    }
}

/// What the next-token loss of a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReduction {
    /// Mean over all codes of the batch: does not change its scale with the slate's length.
    Mean,
    /// Sum over the codes of a session, mean over the sessions.
    Sum,
}
