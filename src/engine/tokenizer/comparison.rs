//! Several tokenizers on the same vectors, as plain numbers.

use serde::{Deserialize, Serialize};

use super::report::TokenizerReport;
use crate::engine::number::count;

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenizerComparison {
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 of its content.
    pub fingerprint: String,
    /// Items.
    pub n_items: u64,
    /// Dimensions of the item vectors.
    pub dim: usize,
    /// Steps by which the item vectors were aligned; 0 where they are as they were built.
    #[serde(default)]
    pub alignment_steps: usize,
    /// One row per tokenizer, in the order in which they were asked for.
    pub rows: Vec<ComparisonRow>,
}

impl TokenizerComparison {
    /// What the tokenizers were fitted to, in words.
    pub fn subject(&self) -> String {
        let aligned = match self.alignment_steps {
            0 => String::new(),
            steps => format!(", aligned in {steps} steps"),
        };
        format!(
            "{}: {} items, vectors of {} dimensions{aligned}",
            self.dataset,
            count(self.n_items),
            self.dim
        )
    }
}

/// One tokenizer of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// Short unique name, as on the command line, for example "rq-kmeans".
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// Seconds to fit and to encode all items; 0 for an imported table.
    pub seconds: f64,
    /// Its health; `None` where it could not be fitted.
    pub report: Option<TokenizerReport>,
    /// Why it could not be fitted, or what to know when reading the row.
    pub note: Option<String>,
}
