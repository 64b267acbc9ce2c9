//! Questions about the item vectors of a run: a map of all items, and what is near an item or a semantic ID.
//! The vectors stay here; plain numbers go out.

use std::path::Path;

use crate::engine::command::NearTo;
use crate::engine::embedding::{
    ItemEmbeddings, ItemPlane, nearest_items, neighbours_of, principal_plane,
};
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::run::{RunDir, RunInfo};
use crate::engine::tokenizer::FittedTokenizer;

/// How many near items are told.
const N_NEAREST: usize = 20;

/// The plane of all item vectors.
pub(super) fn map_items(run_dir: &Path) -> Result<ItemPlane, EngineError> {
    let dir = tokenized(run_dir)?;
    let embeddings = ItemEmbeddings::load(&dir.embeddings_path())?;
    Ok(principal_plane(&embeddings)?)
}

/// The items nearest to an item or to the vector that a semantic ID stands for, with their Euclidean distance.
///
/// # Errors
/// If there is no such item or code, or the run has no vectors.
pub(super) fn nearest(run_dir: &Path, to: &NearTo) -> Result<Vec<(u32, f32)>, EngineError> {
    let dir = tokenized(run_dir)?;
    let embeddings = ItemEmbeddings::load(&dir.embeddings_path())?;
    match to {
        NearTo::Item(item_idx) => {
            let n_items = embeddings.n_items();
            if *item_idx as usize >= n_items {
                return Err(EngineError::Unknown {
                    kind: "item",
                    name: item_idx.to_string(),
                    place: format!("a catalogue of {n_items}"),
                });
            }
            let mut found = neighbours_of(&embeddings, &[*item_idx], N_NEAREST);
            Ok(found.pop().unwrap_or_default())
        }
        NearTo::SemanticId(codes) => {
            let tokenizer = FittedTokenizer::load(&dir.stage_dir(Stage::Tokenize))?;
            let quantizer = &tokenizer.quantizer;
            // A level that only tells equal IDs apart has no codewords.
            let codes = &codes[..codes.len().min(quantizer.n_levels())];
            let size = quantizer.codebook_size();
            if codes.is_empty() || codes.iter().any(|code| usize::from(*code) >= size) {
                return Err(EngineError::Unknown {
                    kind: "semantic ID",
                    name: format!("{codes:?}"),
                    place: format!("{} codebooks of {size} codes", quantizer.n_levels()),
                });
            }
            let vector = quantizer.decode(codes, codes.len());
            Ok(nearest_items(&embeddings, &vector, N_NEAREST))
        }
    }
}

fn tokenized(run_dir: &Path) -> Result<RunDir, EngineError> {
    let dir = RunDir::new(run_dir);
    if RunInfo::load(&dir)?.completed.contains(&Stage::Tokenize) {
        return Ok(dir);
    }
    Err(EngineError::MissingStage {
        stage: Stage::Tokenize,
        needs: Stage::Tokenize,
        run: run_dir.to_owned(),
    })
}
