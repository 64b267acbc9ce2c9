//! Semantic IDs: item vectors become short tuples of codes. [A 3.1; B 2.1.2]

pub mod assignment;
pub mod balanced_kmeans;
mod candidates;
pub mod clustering;
pub mod codebook;
pub mod collision;
pub mod comparison;
pub mod comparison_table;
pub mod error;
pub mod fit;
pub mod fit_state;
pub mod fitted;
pub mod hashing;
pub mod health;
pub mod kmeans;
mod last_code;
mod nearest;
pub mod network;
pub mod new_items;
pub mod pattern;
pub mod product;
pub mod published;
pub mod quantizer;
pub mod report;
pub mod residual;
pub mod rq_vae;
pub mod semantic_id;
pub mod separate;
pub mod sinkhorn;
pub mod store;
pub mod trie;
pub mod unfinished;
pub mod variants;
pub mod vocab;

#[cfg(test)]
mod tests;

pub use clustering::Init;
pub use codebook::Codebooks;
pub use error::TokenizerError;
pub use fit::{fit, fit_from};
pub use fit_state::{FitState, FitStep};
pub use fitted::{FittedTokenizer, adopt};
pub use pattern::SidPattern;
pub use quantizer::Quantizer;
pub use rq_vae::RqVaeConfig;
pub use semantic_id::{Code, SemanticId, SemanticIdTable};
pub use trie::SemanticIdTrie;
pub use vocab::TokenVocab;

pub use crate::engine::embedding::nearest_items;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How semantic IDs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// How vectors become codes.
    pub method: Method,
    /// Levels of the residual quantiser, L. [A 5.1.1: 3]
    pub n_levels: usize,
    /// Codes per level, K. [A 5.1.1: 8192; smaller for small catalogues]
    pub codebook_size: usize,
    /// Most sweeps per level. [A does not say]
    pub max_iterations: usize,
    /// How full the clusters may become.
    pub balance: Balance,
    /// Where the first centroids come from. [A Alg. 1: random]
    pub init: Init,
    /// Whether training items get their balanced label (Alg. 1) or the nearest centroid (eq. of A 3.1).
    pub assignment: Assignment,
    /// What happens to items that share a semantic ID. [A does not say]
    pub collisions: CollisionPolicy,
    /// A table of semantic IDs made elsewhere (JSON or Parquet), taken instead of fitting; empty for none.
    /// Levels and codes per level are then those of the table.
    pub file: PathBuf,
    /// Training of the methods that learn by gradients.
    pub rq_vae: RqVaeConfig,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            method: Method::ResidualKmeans,
            n_levels: 3,
            codebook_size: 256,
            max_iterations: 30,
            balance: Balance::Greedy,
            init: Init::Random,
            assignment: Assignment::Balanced,
            collisions: CollisionPolicy::Reassign,
            file: PathBuf::new(),
            rq_vae: RqVaeConfig::default(),
        }
    }
}

/// How vectors become codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Each level clusters what the levels before it left over. [A 3.1; B 2.1.2]
    ResidualKmeans,
    /// Encoder, codebooks and decoder learned together. [TIGER 3.1]
    RqVae,
    /// Residual K-means, then networks around it that begin as nothing. [MINI rq/]
    RqKmeansPlus,
    /// Each level clusters its own part of the vector.
    ProductKmeans,
    /// Sides of random hyperplanes; nothing is learned.
    Hash,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 5] = [
        Self::ResidualKmeans,
        Self::RqVae,
        Self::RqKmeansPlus,
        Self::ProductKmeans,
        Self::Hash,
    ];
}

/// How full the clusters of a level may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// As the points fall: plain K-means, whose training items always have their nearest centroid. [B 2.1.2]
    None,
    /// All equally full, give or take one: each cluster in turn takes the nearest points left. [A Alg. 1]
    Greedy,
}

/// Which code a training item gets from balanced clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// The label of the balanced clustering: every code is used equally often.
    Balanced,
    /// The nearest centroid, as new items always get.
    Nearest,
}

/// What happens to items that share a semantic ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollisionPolicy {
    /// They keep it; decoding it yields all of them, most popular first.
    Keep,
    /// All but the nearest move to the nearest free code of the last level; those left over share.
    Reassign,
    /// Items that share an ID spread over the codes of the last level by equal-load transport, round by round;
    /// equal items go on sharing. [LC-Rec]
    Sinkhorn,
    /// Under each prefix the codes of the last level go to the items at the least sum of squared distances;
    /// items for which a prefix has no room move to the nearest that has. Nothing is shared.
    Optimal,
    /// One more level numbers the items of each ID. Nothing is shared. [TIGER 3.1]
    ExtraLevel,
}

impl CollisionPolicy {
    /// All policies.
    pub const ALL: [Self; 5] = [
        Self::Keep,
        Self::Reassign,
        Self::Sinkhorn,
        Self::Optimal,
        Self::ExtraLevel,
    ];
}
