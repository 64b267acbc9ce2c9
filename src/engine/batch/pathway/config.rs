//! Settings of the second system's encoder features.

use serde::{Deserialize, Serialize};

/// The pathways of the encoder: what is read of a user, how much of it, and how wide. [B 2.2.1; what the report leaves open is
/// a setting]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PathwayConfig {
    /// The pathways that are read. [B 2.2.1: all four]
    pub read: Vec<Pathway>,
    /// Most recent interactions of the short-term pathway, of any kind. [B 2.2.1: 20]
    pub short_len: usize,
    /// Most recent interactions that the lifelong pathway compresses. [B 2.2.1: 100,000]
    pub lifelong_events: usize,
    /// Largest cluster that is not split any further, M. [B does not say; TWIN V2, on which it builds, has about 20]
    pub cluster_size: usize,
    /// Positions of the compressed history. [B 2.2.1: 2000]
    pub lifelong_positions: usize,
    /// What a position of the compressed history is. [B can be read either way]
    pub positions: PositionRule,
    /// Vectors into which the compressed history is read. [B 2.2.1: 128]
    pub lifelong_queries: usize,
    /// Blocks that read it. [B 2.2.1: 2]
    pub lifelong_layers: usize,
    /// Whether those blocks add their input. [B prints no residual; it is usual]
    pub lifelong_residual: bool,
    /// What stands for an item. [B 4.2.2: either, the semantic ID being as good or better]
    pub item: ItemInput,
    /// Width of the author's vector as a share of `d_model`. [B 2.2.1: 512 of 1024]
    pub author_frac: f64,
    /// Width of the vectors of tag, time, time watched, duration and label as a share of `d_model`. [B 2.2.1: 128 of 1024]
    pub feature_frac: f64,
    /// Width of the vectors of a user's identifier and features as a share of `d_model`. [B 2.2.1: 64 of 1024]
    pub user_frac: f64,
    /// Slope of the pathways' LeakyReLU below zero. [B does not say; 0.01 is usual]
    pub leaky_slope: f64,
    /// Largest table of users, of authors and of tags; beyond it they share rows.
    pub max_rows: usize,
}

impl Default for PathwayConfig {
    fn default() -> Self {
        Self {
            read: Pathway::ALL.to_vec(),
            short_len: 20,
            lifelong_events: 100_000,
            cluster_size: 20,
            lifelong_positions: 2000,
            positions: PositionRule::InPlace,
            lifelong_queries: 128,
            lifelong_layers: 2,
            lifelong_residual: true,
            item: ItemInput::SemanticId,
            author_frac: 0.5,
            feature_frac: 0.125,
            user_frac: 0.0625,
            leaky_slope: 0.01,
            max_rows: 1_000_000,
        }
    }
}

impl PathwayConfig {
    /// Whether a pathway is read.
    pub fn reads(&self, pathway: Pathway) -> bool {
        self.read.contains(&pathway)
    }

    /// A share of `d_model` as a width, at least 1.
    pub fn width(d_model: usize, frac: f64) -> usize {
        ((d_model as f64 * frac).round() as usize).max(1)
    }
}

/// One pathway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pathway {
    /// Who the user is: one position.
    Static,
    /// The most recent interactions, whatever the user made of them.
    Short,
    /// The most recent positive interactions; as many as `history_len`. [B 2.2.1: 256]
    Positive,
    /// All interactions, compressed.
    Lifelong,
}

impl Pathway {
    /// All, in the order in which they stand in the encoder.
    pub const ALL: [Self; 4] = [Self::Static, Self::Short, Self::Positive, Self::Lifelong];
}

/// What a position of the compressed history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionRule {
    /// One of the most recent interactions, standing for itself with its cluster's features.
    InPlace,
    /// One cluster, the one with the most recent interaction last.
    Clusters,
}

/// What stands for an item in a behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemInput {
    /// The sum of the vectors of its codes, which the output side shares.
    SemanticId,
    /// A vector of its own.
    Vid,
}
