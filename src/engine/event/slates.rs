//! Slates with their scores, as they are shown.

use serde::{Deserialize, Serialize};

/// One item as a row of a slate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlateItem {
    /// Index into the item table.
    pub item_idx: u32,
    /// The dataset's own identifier.
    pub external_id: String,
    /// Title, or the identifier where there is none.
    pub title: String,
    /// Semantic ID, one code per level.
    pub codes: Vec<u16>,
}

/// A slate with every score that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredSlate {
    /// The items in order.
    pub items: Vec<SlateItem>,
    /// Sum of the log-probabilities of its codes under the model that made it.
    pub log_prob: f64,
    /// The reward heads, by name.
    pub heads: Vec<(String, f64)>,
    /// The scalar reward used for alignment.
    pub reward: f64,
    /// The same scalar from the independent judge.
    pub judge_reward: f64,
    /// True utility, for simulated data.
    pub oracle: Option<f64>,
}

/// Slates of one user, before and after alignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlateComparison {
    /// The dataset's own identifier of the user.
    pub user: String,
    /// Most recent last.
    pub history: Vec<SlateItem>,
    /// What the user really went on to, held out from training.
    pub held_out: Vec<SlateItem>,
    /// Best first, from the pretrained generator.
    pub before: Vec<ScoredSlate>,
    /// Best first, from the aligned generator; empty when alignment has not run.
    pub after: Vec<ScoredSlate>,
}

/// Preference pairs that a step of alignment learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreferencePairs {
    /// Optimiser steps done, counting this one.
    pub step: u64,
    /// Some of its pairs.
    pub pairs: Vec<ShownPair>,
}

/// One preference pair with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownPair {
    /// The dataset's own identifier of the user.
    pub user: String,
    /// Last items of the history, most recent last.
    pub history: Vec<SlateItem>,
    /// The slate with the highest reward.
    pub chosen: PairSlate,
    /// Those with the lowest rewards, lowest first.
    pub rejected: Vec<PairSlate>,
}

/// One side of a preference pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairSlate {
    /// The items in order.
    pub items: Vec<SlateItem>,
    /// Sum of the log-probabilities of its codes under the policy before the step.
    pub log_prob: f64,
    /// The same under the frozen reference.
    pub reference_log_prob: f64,
    /// What decided between the slates.
    pub reward: f64,
    /// The judge's reward.
    pub judge_reward: f64,
    /// True utility, for simulated data.
    pub oracle: Option<f64>,
}
