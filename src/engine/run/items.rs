//! `items.json` of a run folder: the catalogue with semantic IDs, for the window and for generation.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine::data::Item;
use crate::engine::error::EngineError;

/// The catalogue with semantic IDs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemTable {
    /// Levels of a semantic ID.
    pub n_levels: usize,
    /// Codes per level.
    pub codebook_size: usize,
    /// One row per item, row = [`ItemIdx`](crate::engine::data::ItemIdx).
    pub rows: Vec<ItemRow>,
}

/// One item of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    /// The item itself.
    pub item: Item,
    /// Its semantic ID.
    pub codes: Vec<u16>,
    /// Positive events in the training part.
    pub popularity: u32,
    /// The nearest items with their Euclidean distance, nearest first; empty for very large catalogues.
    pub neighbours: Vec<(u32, f32)>,
}

impl ItemTable {
    /// Reads the table.
    ///
    /// # Errors
    /// If the file is missing or is not such a table.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        let text = std::fs::read(path).map_err(EngineError::io("read", path))?;
        serde_json::from_slice(&text).map_err(|error| EngineError::RunFolder {
            path: path.to_owned(),
            found: format!("items.json is damaged: {error}"),
        })
    }
}
