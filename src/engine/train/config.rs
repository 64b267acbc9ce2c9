//! Settings of the training stages.

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

/// Iterative preference alignment. [A 3.3.2, Alg. 2]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlignConfig {
    /// Iterations, each with a fresh frozen snapshot as sampler and reference, T. [A does not say]
    pub iterations: u64,
    /// Optimiser steps per iteration.
    pub steps_per_iteration: u64,
    /// Sessions per step, from which the share `dpo_ratio` also gets a preference pair.
    pub batch_size: usize,
    /// Share of samples that get a preference pair, r_DPO. [A 5.1.1: 0.01]
    pub dpo_ratio: f64,
    /// Candidate slates per user, N. [A 5.1.1: 128]
    pub n_candidates: usize,
    /// Which loss teaches what the reward model prefers. The last three learn from whole groups of slates by policy gradient. [A eq. 10: DPO; A 5.1.2 names the others as baselines]
    pub objective: Objective,
    /// Strength of the preference, beta (tau of IPO). [A does not say]
    pub beta: f64,
    /// Share of pairs taken to be the wrong way round; for cDPO and rDPO.
    pub label_noise: f64,
    /// Margin to exceed; for SimPO.
    pub target_margin: f64,
    /// Slates set against the chosen one: those with the lowest rewards. More than one is what S-DPO is for.
    pub n_rejected: usize,
    /// What a ratio of probabilities is taken of; for GRPO, ECPO and GBPO. [B writes items, V2 speaks of tokens]
    pub ratio: RatioUnit,
    /// How far a ratio may leave 1 before its gradient stops; for GRPO and ECPO. [B does not say; 0.2 is usual]
    pub clip: f64,
    /// How much further ECPO lets the ratio of a bad slate grow, delta. [B 2.4.1: 0.1]
    pub early_clip: f64,
    /// Weight of the distance to the frozen copy; for GRPO, ECPO and GBPO. [B 2.4.1: none]
    pub kl_weight: f64,
    /// Weight of the alignment loss beside the next-token loss, lambda. [A does not say]
    pub lambda: f64,
    /// Learning rate, constant after a short warm-up.
    pub learning_rate: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient; 0 switches clipping off.
    pub max_grad_norm: f64,
    /// Steps between read-backs.
    pub log_every_steps: u64,
    /// Steps between checkpoints.
    pub checkpoint_every_steps: u64,
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self {
            iterations: 2,
            steps_per_iteration: 50,
            batch_size: 64,
            dpo_ratio: 0.1,
            n_candidates: 32,
            objective: Objective::Dpo,
            beta: 0.1,
            label_noise: 0.1,
            target_margin: 0.5,
            n_rejected: 1,
            ratio: RatioUnit::Code,
            clip: 0.2,
            early_clip: 0.1,
            kl_weight: 0.0,
            lambda: 1.0,
            learning_rate: 2e-4,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            log_every_steps: 1,
            checkpoint_every_steps: 50,
        }
    }
}

/// Which loss teaches what the reward model prefers. The last three learn from whole groups of slates by policy gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// [`dpo`](fn@crate::engine::loss::preference::dpo).
    #[default]
    Dpo,
    /// [`ipo`](fn@crate::engine::loss::preference::ipo).
    Ipo,
    /// [`cdpo`](fn@crate::engine::loss::preference::cdpo).
    Cdpo,
    /// [`rdpo`](fn@crate::engine::loss::preference::rdpo).
    Rdpo,
    /// [`cpo`](fn@crate::engine::loss::preference::cpo).
    Cpo,
    /// [`simpo`](fn@crate::engine::loss::preference::simpo).
    Simpo,
    /// [`s_dpo`](fn@crate::engine::loss::preference::s_dpo).
    SDpo,
    /// [`grpo`](fn@crate::engine::loss::policy::grpo).
    Grpo,
    /// [`ecpo`](fn@crate::engine::loss::policy::ecpo).
    Ecpo,
    /// [`gbpo`](fn@crate::engine::loss::policy::gbpo).
    Gbpo,
}

impl Objective {
    /// All objectives in order.
    pub const ALL: [Self; 10] = [
        Self::Dpo,
        Self::Ipo,
        Self::Cdpo,
        Self::Rdpo,
        Self::Cpo,
        Self::Simpo,
        Self::SDpo,
        Self::Grpo,
        Self::Ecpo,
        Self::Gbpo,
    ];

    /// What it is called in papers.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Dpo => "DPO",
            Self::Ipo => "IPO",
            Self::Cdpo => "cDPO",
            Self::Rdpo => "rDPO",
            Self::Cpo => "CPO",
            Self::Simpo => "SimPO",
            Self::SDpo => "S-DPO",
            Self::Grpo => "GRPO",
            Self::Ecpo => "ECPO",
            Self::Gbpo => "GBPO",
        }
    }
}

/// What a ratio of probabilities is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatioUnit {
    /// Each code by itself.
    Code,
    /// All codes of a slate together.
    Slate,
}
