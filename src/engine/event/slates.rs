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
