//! Settings of preference alignment.

use serde::{Deserialize, Serialize};

use crate::engine::decode::Sampling;
use crate::engine::reward::format::FormatChoice;
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
    /// Strength of the preference, beta (tau of IPO); SimPO has its own. [A does not say]
    pub beta: f64,
    /// Share of pairs taken to be the wrong way round; for cDPO and rDPO.
    pub label_noise: f64,
    /// Strength of the preference where log-probabilities are means per code; for SimPO. [Meng et al. 2024: 2 and more]
    pub simpo_beta: f64,
    /// Margin to exceed, about half of `simpo_beta`; for SimPO. [Meng et al. 2024: 0.3 to 1.6]
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
    /// Which sessions come first: shuffled, or in the order in which they happened. [B 2.7: the live stream]
    pub order: SessionOrder,
    /// Share of the training sessions that is kept, those watched longest; 1 keeps all. [B 3.3: 0.5]
    pub keep_sessions_frac: f64,
    /// How candidate slates are found. [A: beam search; B compares both]
    pub search: Search,
    /// How codes are drawn where they are sampled.
    pub sampling: Sampling,
    /// What generates the candidates and what the policy is compared with. [A: a snapshot; B Table 9 compares both]
    pub reference: Reference,
    /// Steps between snapshots of the policy; 0 takes one per iteration, 1 keeps the reference equal to the policy. [B 3.3: 1000]
    pub sync_every_steps: u64,
    /// How many steps older than the newest snapshot may be the one that wrote a step's slates, so that slates are
    /// written ahead while the policy learns; for GRPO, ECPO and GBPO, whose ratio is taken to that same snapshot.
    /// [B trains on a stream from inference servers and names no bound]
    pub max_staleness: u64,
    /// What says how good a candidate is.
    pub reward: RewardSource,
    /// Items of this category or author, or with this value of a further feature, earn less while they are shown too
    /// often; empty flags none. [B 2.4.3]
    pub flagged: String,
    /// Share of flagged items among all candidates above which they earn less, f. [B does not say]
    pub flagged_share: f64,
    /// What is left of a flagged item's reward, alpha. [B does not say]
    pub flagged_scale: f64,
    /// Weight of the format reward, which keeps freely written IDs legal; 0 leaves it out. [B 2.4.2; weight not published]
    pub format_weight: f64,
    /// Freely written IDs per user for the format reward, the likeliest. [B 4.3.2: 128]
    pub format_samples: usize,
    /// How many of them teach. [B 4.3.2: 5]
    pub format_choices: usize,
    /// Which of them teach.
    pub format_choice: FormatChoice,
    /// Weight of what users did with logged impressions, by duration-aware reward; 0 leaves it out. [V2 3.1]
    pub exposure_weight: f64,
    /// Logged impressions per step.
    pub exposure_batch_size: usize,
    /// Base of the logarithmic buckets of duration, beta. [V2 does not say]
    pub duration_base: f64,
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
    /// Steps between probes: what the policy generates now, scored by all judges; 0 leaves them out.
    pub probe_every_steps: u64,
    /// Users of a probe.
    pub probe_users: usize,
    /// Slates per user of a probe.
    pub probe_slates: usize,
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
            simpo_beta: 2.0,
            target_margin: 1.0,
            n_rejected: 1,
            ratio: RatioUnit::Code,
            clip: 0.2,
            early_clip: 0.1,
            kl_weight: 0.0,
            lambda: 1.0,
            order: SessionOrder::Shuffled,
            keep_sessions_frac: 1.0,
            search: Search::Beam,
            sampling: Sampling::default(),
            reference: Reference::Snapshot,
            sync_every_steps: 0,
            max_staleness: 0,
            reward: RewardSource::Model,
            flagged: String::new(),
            flagged_share: 0.1,
            flagged_scale: 0.5,
            format_weight: 0.0,
            format_samples: 32,
            format_choices: 5,
            format_choice: FormatChoice::Random,
            exposure_weight: 0.0,
            exposure_batch_size: 64,
            duration_base: 2.0,
            learning_rate: 2e-4,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            log_every_steps: 1,
            checkpoint_every_steps: 50,
            probe_every_steps: 10,
            probe_users: 100,
            probe_slates: 8,
        }
    }
}

impl AlignConfig {
    /// Optimiser steps in all.
    pub fn n_steps(&self) -> u64 {
        self.iterations * self.steps_per_iteration
    }

    /// Steps between snapshots.
    pub fn snapshot_every_steps(&self) -> u64 {
        if self.sync_every_steps == 0 {
            self.steps_per_iteration
        } else {
            self.sync_every_steps
        }
    }
}

/// The order of training sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionOrder {
    /// Random, anew in each epoch.
    Shuffled,
    /// By time, so that nothing is learned before something earlier.
    Time,
}

/// How candidate slates are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// The likeliest ones.
    Beam,
    /// Drawn at random.
    Sample,
}

/// Which frozen copy generates and is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The policy as it was at the last snapshot.
    Snapshot,
    /// The pretrained generator, all the time.
    Pretrained,
}

/// What says how good a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardSource {
    /// The reward model.
    Model,
    /// Whether the user really went on to it. [MiniOneRec 4]
    HitRank,
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

    /// Whether it learns from whole groups by policy gradient, with a ratio to the probabilities of whoever wrote them.
    pub const fn has_ratio(self) -> bool {
        matches!(self, Self::Grpo | Self::Ecpo | Self::Gbpo)
    }

    /// Whether it learns from pairs of slates, not from whole groups of them.
    pub const fn learns_from_pairs(self) -> bool {
        !self.has_ratio()
    }

    /// Whether its margin is beta times what the policy gained over the reference.
    pub const fn has_dpo_margin(self) -> bool {
        matches!(self, Self::Dpo | Self::Cdpo | Self::Rdpo)
    }

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
