//! Held-out metrics as plain numbers.

use serde::{Deserialize, Serialize};

/// Metrics of all models on the same users and targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// The protocol in words: what is held out, what is ranked, whether seen items are removed.
    pub protocol: String,
    /// One row per model: the generator before and after alignment, and the floors.
    pub models: Vec<ModelScore>,
    /// Entropy of the generator's predictions per level before alignment, nats. [A 5.4]
    pub code_entropy_before: Vec<f64>,
    /// The same after alignment.
    pub code_entropy_after: Vec<f64>,
    /// Whether alignment changed HR@10 and NDCG@10, in words; nothing without alignment.
    #[serde(default)]
    pub verdict: Vec<String>,
}

/// Metrics of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelScore {
    /// popularity, markov, generator, aligned.
    pub name: String,
    /// Users evaluated.
    pub users: u64,
    /// Share of users whose target is among the first 5.
    #[serde(rename = "hr@5")]
    pub hr_5: f64,
    /// Share of users whose target is among the first 10.
    #[serde(rename = "hr@10")]
    pub hr_10: f64,
    /// Normalised discounted gain at 5.
    #[serde(rename = "ndcg@5")]
    pub ndcg_5: f64,
    /// Normalised discounted gain at 10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// Half width of the 95% interval of hr@10.
    pub hr_10_ci95: f64,
    /// Share of the `n_beams` likeliest freely written semantic IDs that belong to an item; `None` for models without IDs.
    pub legality: Option<f64>,
    /// Share of the catalogue that appears in some user's first 10.
    pub coverage: f64,
}
