//! Trained generators for PyTorch: weights, sizes, semantic IDs, a model card, and a module that loads them.

mod card;
mod pytorch;
mod reference;
mod table;

use std::path::Path;

use serde::Serialize;

use crate::engine::config::ExperimentConfig;
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::norm::EPSILON;
use crate::engine::run::items::ItemTable;
use crate::engine::run::{RunDir, RunInfo, atomic};
use crate::engine::tokenizer::published;
use crate::engine::tokenizer::vocab::TokenVocab;
use crate::engine::train::saved_run::{final_checkpoint, load_config};

/// The files of an export, in the order in which a reader needs them.
const FILES: [&str; 7] = [
    "README.md",
    "model.safetensors",
    "config.json",
    "semantic_ids.parquet",
    "semantic_ids.index.json",
    "onerec_model.py",
    "reference.safetensors",
];

/// Writes the generator of `stage` (pretrain or align) to `out` and returns the names of the files.
/// The folder appears whole or not at all.
///
/// # Errors
/// If the stage is not complete or has no generator, a file is damaged, or the folder holds something else.
pub fn export_generator(
    run_dir: &Path,
    stage: Stage,
    out: &Path,
) -> Result<Vec<String>, EngineError> {
    let dir = RunDir::new(run_dir);
    let info = RunInfo::load(&dir)?;
    if !matches!(stage, Stage::Pretrain | Stage::Align) {
        return Err(EngineError::Unknown {
            kind: "generator",
            name: stage.name().to_owned(),
            place: "the stages that train one: pretrain and align".to_owned(),
        });
    }
    if !info.completed.contains(&stage) {
        return Err(EngineError::MissingStage {
            stage,
            needs: stage,
            run: run_dir.to_owned(),
        });
    }
    refuse_foreign_folder(out)?;
    let config = load_config(&dir)?;
    let items = ItemTable::load(&dir.items_path())?;
    let checkpoint = final_checkpoint(&dir.stage_dir(stage))?.join("model.safetensors");
    atomic::write_folder(out, |folder| {
        let path = |idx: usize| folder.join(FILES[idx]);
        atomic::write(
            &path(0),
            card::text(&dir, stage, &config, &items).as_bytes(),
        )?;
        atomic::write(&path(1), &pytorch::weights(&checkpoint)?)?;
        atomic::write_json(&path(2), &Sizes::new(&config, &items))?;
        table::write(&path(3), &items)?;
        let sids = items.rows.iter();
        published::write_json(
            &path(4),
            sids.map(|row| (row.item.external_id.as_str(), &row.codes[..])),
        )?;
        let module = include_str!("../../../assets/export/onerec_model.py");
        atomic::write(&path(5), module.as_bytes())?;
        reference::write(&path(6), &config, &items, &checkpoint)
    })?;
    Ok(FILES.map(str::to_owned).to_vec())
}

/// An export replaces an older export and nothing else.
fn refuse_foreign_folder(out: &Path) -> Result<(), EngineError> {
    let foreign = std::fs::read_dir(out).ok().and_then(|entries| {
        entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            // Python leaves its cache beside a module that was used.
            .find(|name| !FILES.contains(&name.as_str()) && name != "__pycache__")
    });
    match foreign {
        Some(name) => Err(EngineError::RunFolder {
            path: out.to_owned(),
            found: format!("it holds {name:?}, which is not part of an export"),
        }),
        None => Ok(()),
    }
}

/// `config.json`.
#[derive(Serialize)]
struct Sizes<'a> {
    format_version: u32,
    n_levels: usize,
    codebook_size: usize,
    slate_len: usize,
    norm_epsilon: f64,
    vocab: VocabLayout,
    #[serde(flatten)]
    model: &'a ModelConfig,
}

#[derive(Serialize)]
struct VocabLayout {
    pad: u32,
    bos: u32,
    sep: u32,
    first_code: usize,
    size: usize,
}

impl<'a> Sizes<'a> {
    fn new(config: &'a ExperimentConfig, items: &ItemTable) -> Self {
        let vocab = vocab_of(items);
        Self {
            format_version: 1,
            n_levels: vocab.n_levels,
            codebook_size: vocab.codebook_size,
            slate_len: config.data.session.slate_len,
            norm_epsilon: EPSILON,
            vocab: VocabLayout {
                pad: TokenVocab::PAD,
                bos: TokenVocab::BOS,
                sep: TokenVocab::SEP,
                first_code: TokenVocab::N_SPECIAL,
                size: vocab.size(),
            },
            model: &config.model,
        }
    }
}

fn vocab_of(items: &ItemTable) -> TokenVocab {
    TokenVocab {
        n_levels: items.n_levels,
        codebook_size: items.codebook_size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_replaces_what_is_not_one() {
        let folder = tempfile::tempdir().unwrap();
        refuse_foreign_folder(&folder.path().join("new")).unwrap();
        std::fs::File::create(folder.path().join("model.safetensors")).unwrap();
        refuse_foreign_folder(folder.path()).unwrap();
        std::fs::File::create(folder.path().join("thesis.txt")).unwrap();
        let error = refuse_foreign_folder(folder.path()).unwrap_err();
        assert!(error.to_string().contains("thesis.txt"), "{error}");
    }
}
