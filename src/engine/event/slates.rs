//! Slates with their scores, as they are shown.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::stage::Stage;
use crate::engine::eval::distribution::ScoreDistribution;
use crate::engine::run::pair_marks::PairKey;

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
    /// What each item adds, in their order; empty for a single item, and in journals of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<ItemShare>,
}

/// What one item adds to a slate: the slate's score minus that of the slate without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemShare {
    /// Of the scalar reward used for alignment.
    pub reward: f64,
    /// Of the judge's.
    pub judge: f64,
    /// Of true utility, for simulated data.
    pub oracle: Option<f64>,
}

/// A slate that a client put together, with its scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RescoredSlate {
    /// The run folder.
    pub run_dir: PathBuf,
    /// The dataset's own identifier of the user.
    pub user: String,
    /// Whose log-probability it has: of the generator after this stage, pretrain or align.
    pub stage: Stage,
    /// The slate.
    pub slate: ScoredSlate,
}

/// A saved state of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckpointName {
    /// pretrain or align.
    pub stage: Stage,
    /// Optimiser steps of that stage.
    pub step: u64,
}

/// What several checkpoints show the same users.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointComparison {
    /// The checkpoints, in the order in which they were made.
    pub checkpoints: Vec<CheckpointName>,
    /// Users whose slates are measured.
    pub n_users: u64,
    /// Slates per user.
    pub n_slates: u64,
    /// Every score; its models are the checkpoints.
    pub scores: Vec<ScoreDistribution>,
    /// Some of the users.
    pub users: Vec<UserSlates>,
}

/// The slates that one user would be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserSlates {
    /// The dataset's own identifier.
    pub user: String,
    /// The likeliest slate of each checkpoint.
    pub slates: Vec<ScoredSlate>,
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
    /// Whether chosen and rejected were exchanged before the step, because the user had marked the pair so.
    #[serde(default)]
    pub is_turned: bool,
}

impl ShownPair {
    /// What the pair is called when it is marked: user, chosen slate, worst slate, as the rewards have it.
    pub fn key(&self) -> PairKey {
        let ids = |slate: &PairSlate| {
            let items = slate.items.iter();
            items.map(|item| item.external_id.clone()).collect()
        };
        let mut key = PairKey {
            user: self.user.clone(),
            chosen: ids(&self.chosen),
            rejected: self.rejected.first().map_or_else(Vec::new, ids),
        };
        if self.is_turned {
            std::mem::swap(&mut key.chosen, &mut key.rejected);
        }
        key
    }
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
