//! What can be wrong with a tokenizer.

use std::path::PathBuf;

use crate::engine::error::Hint;

/// Failure to build semantic IDs.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// Fewer items than codes.
    #[error("could not fit {codebook_size} codes per level: the catalogue has {n_items} items")]
    TooFewItems {
        /// Codes asked for.
        codebook_size: usize,
        /// Items there are.
        n_items: usize,
    },
    /// Fewer dimensions than levels.
    #[error("could not cut vectors of {dim} dimensions into {n_levels} parts")]
    TooFewDimensions {
        /// Levels asked for.
        n_levels: usize,
        /// Dimensions there are.
        dim: usize,
    },
    /// New vectors do not lie in the space that the codebooks were fitted in.
    #[error("could not encode new items: expected vectors of {expected} dimensions, found {found}")]
    OtherDimensions {
        /// Dimensions of the run's item vectors.
        expected: usize,
        /// Dimensions of the new ones.
        found: usize,
    },
    /// More items share an ID than an extra level can number.
    #[error(
        "could not number the {items} items of one semantic ID: a level has at most 65536 codes"
    )]
    TooManyShare {
        /// Items of the most crowded ID.
        items: usize,
    },
    /// A file is no table of semantic IDs.
    #[error("could not read semantic IDs: {found} ({path:?})")]
    Published {
        /// What is wrong.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// A table of semantic IDs lacks items of the catalogue.
    #[error(
        "{n_missing} of {n_items} items have no semantic ID, for example {example:?} ({path:?})"
    )]
    Incomplete {
        /// Items without an ID.
        n_missing: usize,
        /// Items of the catalogue.
        n_items: usize,
        /// One of them.
        example: String,
        /// The file.
        path: PathBuf,
    },
    /// A table has another number of rows than there are items.
    #[error("could not take over {n_rows} semantic IDs for {n_items} items")]
    OtherItems {
        /// Items there are.
        n_items: usize,
        /// Rows of the table.
        n_rows: usize,
    },
    /// The loss of a learned quantiser is no number any more.
    #[error("could not train the quantiser: the loss is not finite at step {step}")]
    Diverged {
        /// Step, from 1.
        step: usize,
    },
    /// The device does not give its numbers back.
    #[error("could not read the quantiser back from the device")]
    Unreadable,
    /// A vector holds NaN or infinity.
    #[error("could not quantise item {item_idx}: its vector has {value} at column {column}")]
    NotFinite {
        /// Row of the item.
        item_idx: usize,
        /// Column.
        column: usize,
        /// The value as text.
        value: String,
    },
    /// A stop was asked for while fitting.
    #[error("stopped on request")]
    Stopped,
}

impl Hint for TokenizerError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::TooFewItems { n_items, .. } => {
                Some(format!("set tokenizer.codebook_size to {n_items} or less"))
            }
            Self::TooFewDimensions { dim, .. } => Some(format!(
                "set tokenizer.n_levels to {dim} or less, or tokenizer.method to \"residual_kmeans\""
            )),
            Self::OtherDimensions { .. } => {
                Some("make the new vectors with the model that made those of embedding.file".to_owned())
            }
            Self::OtherItems { .. } => Some("choose the table that belongs to this dataset".to_owned()),
            Self::Published { .. } => Some(
                "expected JSON such as {\"12\": [\"<a_3>\", \"<b_7>\"]}, or Parquet with the columns external_id, code_0, code_1 and so on".to_owned(),
            ),
            Self::Incomplete { .. } => Some(
                "choose the table that belongs to this dataset: its keys must be the item identifiers, or count all items from 0".to_owned(),
            ),
            Self::Diverged { .. } => Some("lower tokenizer.rq_vae.learning_rate".to_owned()),
            Self::Unreadable => {
                Some("run `onerec doctor`, or choose device.kind \"cpu\"".to_owned())
            }
            Self::TooManyShare { .. } => {
                Some("raise tokenizer.codebook_size or tokenizer.n_levels".to_owned())
            }
            Self::NotFinite { .. } => {
                Some("correct the vector in the file of embedding.file".to_owned())
            }
            Self::Stopped => None,
        }
    }
}
