//! Item vectors: what the tokenizer quantises.

pub mod build;
pub mod collaborative;
pub mod content;
pub mod file;
pub mod item_alignment;
pub mod item_pairs;
pub mod neighbours;
pub mod npy;
pub mod plane;
pub mod sparse;
pub mod svd;
pub mod swing;

pub use build::{build_from, learnable_sequences};
pub use item_alignment::{ItemAlignmentConfig, ItemAlignmentReport};
pub use neighbours::{nearest_items, neighbours, neighbours_of, squared_distance};
pub use plane::{ItemPlane, principal_plane};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::error::Hint;

/// How item vectors are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// A .npy, .safetensors or .parquet file with one row per item; empty: build vectors from content and co-occurrence.
    /// A .safetensors of `[items, vectors, dim]` gives several vectors per item, for the alignment to compress.
    pub file: PathBuf,
    /// Dimensions of the content part; 0 leaves it out.
    pub content_dim: usize,
    /// Dimensions of the co-occurrence part; 0 leaves it out.
    pub collaborative_dim: usize,
    /// Buckets of the hashed text features. A power of two.
    pub hash_buckets: usize,
    /// Positions between two items of one history that still count as co-occurring.
    pub window: usize,
    /// Weight of the co-occurrence part relative to the content part (1 = equal norms).
    pub collaborative_weight: f32,
    /// Drawing items together that are watched together.
    pub alignment: ItemAlignmentConfig,
}

impl Default for EmbeddingConfig {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            content_dim: 32,
            collaborative_dim: 32,
            hash_buckets: 4096,
            window: 5,
            collaborative_weight: 1.0,
            alignment: ItemAlignmentConfig::default(),
        }
    }
}

/// Item vectors, row = [`ItemIdx`](crate::engine::data::ItemIdx).
#[derive(Clone, Debug, PartialEq)]
pub struct ItemEmbeddings {
    /// `[n_items * dim]`, row-major.
    pub values: Vec<f32>,
    /// Dimensions of one vector.
    pub dim: usize,
}

impl ItemEmbeddings {
    /// Number of items.
    pub fn n_items(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// The vector of one item.
    pub fn row(&self, item_idx: usize) -> &[f32] {
        &self.values[item_idx * self.dim..(item_idx + 1) * self.dim]
    }

    /// Refuses NaN and infinity.
    ///
    /// # Errors
    /// With the row and column of the first such value.
    pub fn check_finite(&self) -> Result<(), EmbeddingError> {
        check_finite(&self.values, self.dim)
    }
}

/// Refuses NaN and infinity in rows of `dim` values.
fn check_finite(values: &[f32], dim: usize) -> Result<(), EmbeddingError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(idx) => Err(EmbeddingError::NotFinite {
            row: idx / dim,
            column: idx % dim,
            value: values[idx].to_string(),
        }),
        None => Ok(()),
    }
}

/// Failure to make item vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The file cannot be read.
    #[error("could not read item vectors: {found} ({path:?})")]
    File {
        /// What is wrong.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The file has another number of rows than there are items.
    #[error(
        "item vectors do not fit the catalogue: expected {expected} rows, found {found} ({path:?})"
    )]
    Rows {
        /// Items of the catalogue.
        expected: usize,
        /// Rows of the file.
        found: usize,
        /// The file.
        path: PathBuf,
    },
    /// A vector holds NaN or infinity.
    #[error("item vectors must be finite: row {row} has {value} at column {column}")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value as text.
        value: String,
    },
    /// The alignment's loss is no number any more.
    #[error("the alignment of the item vectors diverged at step {step}")]
    Diverged {
        /// Which step.
        step: usize,
    },
    /// The device's memory cannot be read.
    #[error("the aligned vectors could not be read from the device: {found}")]
    Device {
        /// What the device says.
        found: String,
    },
    /// A stop was asked for.
    #[error("the alignment of the item vectors was stopped")]
    Stopped,
    /// No part was switched on or nothing could be computed.
    #[error("there is nothing to build item vectors from: {found}")]
    Nothing {
        /// What is missing.
        found: String,
    },
}

impl Hint for EmbeddingError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { .. } => "give a .npy, .safetensors or .parquet file of 32-bit floats".to_owned(),
            Self::Rows { .. } => "write one row per item, in the order of the item file".to_owned(),
            Self::NotFinite { .. } => "replace the value, or leave the item out".to_owned(),
            Self::Diverged { .. } => "lower embedding.alignment.learning_rate".to_owned(),
            Self::Device { .. } => "try another device, for example --backend cpu".to_owned(),
            Self::Stopped => "resume the run to go on".to_owned(),
            Self::Nothing { .. } => {
                "set embedding.content_dim or embedding.collaborative_dim above 0, or give embedding.file".to_owned()
            }
        })
    }
}
