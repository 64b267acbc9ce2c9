//! Semantic IDs of new items by what a run has fitted: its compressor, where vectors are aligned, and its codebooks.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use crate::engine::checkpoint::weights;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::embedding::item_alignment::parts::ItemParts;
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::model::qformer::QFormer;
use crate::engine::run::{RunDir, RunInfo};
use crate::engine::tokenizer::FittedTokenizer;
use crate::engine::tokenizer::new_items::{NewItem, encode_new};
use crate::engine::train::align_vectors::{compress, size};
use crate::engine::train::saved_run::load_config;

/// Where a run keeps the compressor of its item vectors.
pub fn compressor_path(dir: &RunDir) -> PathBuf {
    dir.stage_dir(Stage::Tokenize)
        .join("compressor.safetensors")
}

/// Encodes every row of a file of vectors, or every item of a file with several vectors each, as the run's own were
/// made: aligned where they are, then by the frozen codebooks.
///
/// # Errors
/// If the run has no semantic IDs yet, or the file is unusable or of another space.
pub fn encode_items(dir: &RunDir, vectors: &Path) -> Result<Vec<NewItem>, EngineError> {
    let info = RunInfo::load(dir)?;
    if !info.completed.contains(&Stage::Tokenize) {
        return Err(EngineError::MissingStage {
            stage: Stage::Tokenize,
            needs: Stage::Tokenize,
            run: dir.path().to_owned(),
        });
    }
    let config = load_config(dir)?;
    let settings = &config.embedding.alignment;
    let tokenizer = FittedTokenizer::load(&dir.stage_dir(Stage::Tokenize))?;
    let vectors = if settings.steps == 0 {
        ItemEmbeddings::load(vectors)?
    } else {
        let parts = ItemParts::load(vectors)?;
        let device = Device::flex();
        let compressor = QFormer::new(size(settings), parts.dim(), config.seed, &device);
        let compressor = weights::load(compressor, &compressor_path(dir))?;
        compress(&compressor, &parts, settings, &device)?
    };
    Ok(encode_new(&tokenizer, &vectors)?)
}
