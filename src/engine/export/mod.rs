//! Trained generators for PyTorch: weights, sizes, semantic IDs, a model card, and a module that loads them.

mod card;
mod features;
mod pytorch;
mod reference;
mod table;

use std::path::Path;

use serde::Serialize;

use features::FeatureFile;

use crate::engine::batch::{ContextReader, FeatureSpec};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::{Moment, PreparedData, prepare};
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::norm::EPSILON;
use crate::engine::run::items::ItemTable;
use crate::engine::run::{RunDir, RunInfo, atomic};
use crate::engine::tokenizer::vocab::TokenVocab;
use crate::engine::tokenizer::{SemanticIdTable, published};
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::saved_run::{final_checkpoint, load_config};

/// The files of an export, in the order in which a reader needs them.
const FILES: [&str; 8] = [
    "README.md",
    "model.safetensors",
    "config.json",
    "semantic_ids.parquet",
    "semantic_ids.index.json",
    "onerec_model.py",
    "reference.safetensors",
    FEATURES,
];

/// Only where the generator reads features.
const FEATURES: &str = "features.json";

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
    let sources = Sources::load(&dir, &info, &config, &items)?;
    let reader = sources.reader(&config.model);
    let moments = sources.moments(&config);
    atomic::write_folder(out, |folder| {
        let path = |idx: usize| folder.join(FILES[idx]);
        atomic::write(
            &path(0),
            card::text(&dir, stage, &config, &items).as_bytes(),
        )?;
        atomic::write(&path(1), &pytorch::weights(&checkpoint)?)?;
        atomic::write_json(&path(2), &Sizes::new(&config, &items, reader.features()))?;
        table::write(&path(3), &items)?;
        let sids = (0..items.len()).map(|row| (items.external_id(row), items.codes(row)));
        published::write_json(&path(4), sids)?;
        let module = include_str!("../../../assets/export/onerec_model.py");
        atomic::write(&path(5), module.as_bytes())?;
        if let (Sources::Log { data, .. }, Some(reader)) = (&sources, reader.pathway_reader()) {
            atomic::write_json(&folder.join(FEATURES), &FeatureFile::new(data, reader))?;
        }
        reference::write(&path(6), &config, &items, &reader, &moments, &checkpoint)
    })?;
    let has_features = reader.pathway_reader().is_some();
    Ok(FILES
        .into_iter()
        .filter(|name| has_features || *name != FEATURES)
        .map(str::to_owned)
        .collect())
}

/// What contexts are read from.
enum Sources {
    /// The semantic IDs are all that is read.
    Table(SemanticIdTable),
    /// Features are read from the log, and vectors of items compress it.
    Log {
        data: Box<PreparedData>,
        items: Box<Items>,
    },
}

impl Sources {
    fn load(
        dir: &RunDir,
        info: &RunInfo,
        config: &ExperimentConfig,
        items: &ItemTable,
    ) -> Result<Self, EngineError> {
        if config.model.reads_pathways() {
            return Ok(Self::Log {
                data: Box::new(prepare(&info.data_path, &config.data)?),
                items: Box::new(Items::load(dir)?),
            });
        }
        let codes = (0..items.len())
            .flat_map(|row| items.codes(row))
            .copied()
            .collect();
        Ok(Self::Table(SemanticIdTable::new(
            items.n_levels,
            items.codebook_size,
            codes,
        )))
    }

    fn reader(&self, config: &ModelConfig) -> ContextReader<'_> {
        match self {
            Self::Table(table) => ContextReader::session(table, config.history_len),
            Self::Log { data, items } => items.reader(config, data),
        }
    }

    /// Moments to compare implementations at.
    fn moments(&self, config: &ExperimentConfig) -> Vec<Moment> {
        let history_len = config.model.history_len;
        match self {
            Self::Table(table) => {
                reference::random_moments(table.n_items(), history_len, config.seed)
            }
            Self::Log { data, .. } => reference::logged_moments(data, history_len),
        }
    }
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
    /// Only where the generator reads features.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<TableSizes>,
    #[serde(flatten)]
    model: &'a ModelConfig,
}

/// Rows of the tables of features; 0 where there is none.
#[derive(Serialize)]
struct TableSizes {
    user_rows: usize,
    n_user_columns: usize,
    user_value_rows: usize,
    item_rows: usize,
    author_rows: usize,
    tag_rows: usize,
    n_continuous: usize,
    bucket_rows: usize,
    n_labels: usize,
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
    fn new(config: &'a ExperimentConfig, items: &ItemTable, spec: &FeatureSpec) -> Self {
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
            features: config.model.reads_pathways().then(|| TableSizes {
                user_rows: spec.user_rows,
                n_user_columns: spec.n_user_columns,
                user_value_rows: spec.user_value_rows,
                item_rows: spec.item_rows,
                author_rows: spec.author_rows,
                tag_rows: spec.tag_rows,
                n_continuous: spec.continuous.len(),
                bucket_rows: spec.bucket_rows(),
                n_labels: spec.labels.len(),
            }),
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
