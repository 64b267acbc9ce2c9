//! What the alignment of item vectors needs and gives, without its models: settings, vectors per item, words, figures.
//! Any number of vectors per item are compressed into a few, which are drawn together for pairs of items and still tell
//! the item's words. [B 2.1.1]

pub mod captions;
pub mod parts;
pub mod report;

pub use report::ItemAlignmentReport;

use serde::{Deserialize, Serialize};

/// Settings of the alignment. [B 2.1.1; what the report leaves open is a setting]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemAlignmentConfig {
    /// Steps; 0 leaves the item vectors as they are built.
    pub steps: usize,
    /// Pairs per step; each query is held against the partners of all of them.
    pub batch_size: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Temperature of the in-batch softmax, tau. [not published]
    pub temperature: f64,
    /// Weight of the caption loss beside the contrastive one; 0 leaves the text decoder out. [not published]
    pub caption_weight: f64,
    /// Learnable queries: so many vectors an item is compressed into. [B: 4]
    pub n_queries: usize,
    /// Layers of the compressor, N_c. [B: 4]
    pub n_layers: usize,
    /// Width of the compressor, d_t; an aligned vector has n_queries times as many dimensions. [B: 512]
    pub d_model: usize,
    /// Attention heads; divides d_model. [not published]
    pub n_heads: usize,
    /// Whether each sublayer adds to its input. [B prints none]
    pub residual: bool,
    /// Features of an item that the compressor sees besides its vector, the heaviest first.
    pub n_features: usize,
    /// Swing's constant alpha: how little two users who share few items count more than two who share many. [not published]
    pub swing_alpha: f64,
    /// Items before a user's item among which its partner is looked for. [not published]
    pub n_latest: usize,
    /// Partners of each item among its most similar ones. [not published]
    pub n_partners: usize,
}

impl Default for ItemAlignmentConfig {
    fn default() -> Self {
        Self {
            steps: 0,
            batch_size: 256,
            learning_rate: 1e-3,
            temperature: 0.07,
            caption_weight: 0.1,
            n_queries: 4,
            n_layers: 4,
            d_model: 64,
            n_heads: 4,
            residual: true,
            n_features: 16,
            swing_alpha: 1.0,
            n_latest: 10,
            n_partners: 5,
        }
    }
}
