//! Health of a tokenizer as plain numbers. Every formula is in [`health`](super::health).

use serde::{Deserialize, Serialize};

/// Health of one level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodebookLevel {
    /// Level, from 0.
    pub level_idx: usize,
    /// Sweeps done.
    pub iteration: usize,
    /// True once the level is complete.
    pub is_final: bool,
    /// Items per code, in order of code.
    pub load: Vec<u32>,
    /// Codes with at least one item / codes.
    pub utilization: f64,
    /// Shannon entropy of the load in nats; at most ln K.
    pub entropy_nats: f64,
    /// exp(entropy): the number of codes that are effectively in use.
    pub perplexity: f64,
    /// Gini coefficient of the load: 0 where all codes are equally full, towards 1 where one has everything.
    #[serde(default)]
    pub gini: f64,
    /// Codes without an item.
    #[serde(default)]
    pub dead_codes: u64,
    /// Mean over items and dimensions of the squared residual after this level.
    pub residual_error: f64,
    /// Positive events of the training part per code, in order of code; empty while the level is being fitted.
    #[serde(default)]
    pub popularity: Vec<u64>,
}

/// How prefixes branch at one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FanOut {
    /// Different prefixes of this level's length that some item has.
    pub prefixes: u64,
    /// Mean over the prefixes one code shorter of the codes that follow them.
    pub mean: f64,
    /// The most codes that follow one such prefix.
    pub largest: u64,
}

/// Health of the whole table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenizerReport {
    /// Per level, for the codes as stored in the table.
    pub levels: Vec<CodebookLevel>,
    /// 1 - distinct semantic IDs / items, for the codes as stored in the table.
    pub collision_rate: f64,
    /// The same before the collision policy was applied.
    pub collision_rate_before: f64,
    /// The same if every training item took its nearest centroids.
    pub collision_rate_nearest: f64,
    /// Per-level entropy if every training item took its nearest centroids.
    pub entropy_nats_nearest: Vec<f64>,
    /// Items that share their ID with another item.
    pub items_sharing: u64,
    /// Items of the most crowded ID.
    pub largest_group: u64,
    /// Distinct semantic IDs.
    pub distinct_ids: u64,
    /// Mean squared error per element of the reconstruction; `None` where the codes have no vectors of their own.
    pub reconstruction_error: Option<f64>,
    /// Mean of the squared elements of the vectors: what an empty codebook would give.
    pub vector_power: f64,
    /// Per level: how prefixes branch.
    #[serde(default)]
    pub fan_out: Vec<FanOut>,
    /// Per prefix length: share of pairs (item, one of its nearest items by vector) whose IDs begin alike.
    #[serde(default)]
    pub neighbourhood_agreement: Vec<f64>,
    /// Per prefix length: share of adjacent items of the training histories whose IDs begin alike.
    #[serde(default)]
    pub co_watch_agreement: Vec<f64>,
}
