//! Everything that a run has saved, loaded again on the CPU: for questions about a run, while it goes on or later.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use burn::module::Module;
use burn::tensor::Device;

use crate::engine::checkpoint::{CheckpointError, Manifest, weights};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::UserIdx;
use crate::engine::data::prepare::{PreparedData, prepare};
use crate::engine::error::EngineError;
use crate::engine::eval::rewards;
use crate::engine::event::Stage;
use crate::engine::model::Generator;
use crate::engine::reward::{HEAD_NAMES, N_HEADS, RewardScorer, item_features};
use crate::engine::run::report::{RewardHead, RunReport};
use crate::engine::run::{RunDir, RunInfo};
use crate::engine::train::experiment::load_report;
use crate::engine::train::fit_reward::Scorers;
use crate::engine::train::fit_tokenizer::Items;

/// What a run has saved so far.
pub struct SavedRun {
    /// Its settings.
    pub config: ExperimentConfig,
    /// Its data, read again.
    pub data: PreparedData,
    /// Semantic IDs and item vectors.
    pub items: Items,
    /// The pretrained generator.
    pub base: Generator,
    /// The aligned generator, where that stage is complete.
    pub aligned: Option<Generator>,
    /// Reward model and judge.
    pub scorers: Scorers,
}

impl SavedRun {
    /// Loads it.
    ///
    /// # Errors
    /// If the reward stage is not complete, a file is damaged, or the dataset has changed since.
    pub fn load(dir: &RunDir) -> Result<Self, EngineError> {
        let info = RunInfo::load(dir)?;
        let missing = |stage: Stage| EngineError::MissingStage {
            stage: Stage::Evaluate,
            needs: stage,
            run: dir.path().to_owned(),
        };
        for needed in [Stage::Tokenize, Stage::Pretrain, Stage::Reward] {
            if !info.completed.contains(&needed) {
                return Err(missing(needed));
            }
        }
        let config = load_config(dir)?;
        let data = prepare(&info.data_path, &config.data)?;
        if info.data_fingerprint.as_ref() != Some(&data.dataset.fingerprint) {
            return Err(CheckpointError::Mismatch {
                what: "the dataset's fingerprint".to_owned(),
                expected: data.dataset.fingerprint.clone(),
                found: info.data_fingerprint.unwrap_or_else(|| "absent".to_owned()),
                path: dir.path().to_owned(),
            }
            .into());
        }
        let items = Items::load(dir)?;
        let device = Device::flex();
        let generator = |stage| {
            let folder = final_checkpoint(&dir.stage_dir(stage))?;
            load_generator(&folder, &config, &data, &items)
        };
        let base = generator(Stage::Pretrain)?;
        let aligned = info
            .completed
            .contains(&Stage::Align)
            .then(|| generator(Stage::Align))
            .transpose()?;
        let report = load_report(dir).unwrap_or_default();
        let weights = head_weights(&report).ok_or_else(|| missing(Stage::Reward))?;
        let features = item_features(&items.embeddings, &data.dataset.catalog);
        let scorer = |name: &str| -> Result<RewardScorer, EngineError> {
            let model = config.reward.init(features.dim, config.seed, &device);
            let model = final_weights(dir.stage_dir(Stage::Reward).join(name), model)?;
            Ok(RewardScorer::new(&model, &features, weights))
        };
        let scorers = Scorers {
            reward: scorer("reward_model")?,
            judge: scorer("judge")?,
        };
        Ok(Self {
            config,
            data,
            items,
            base,
            aligned,
            scorers,
        })
    }

    /// A user by the dataset's own identifier.
    ///
    /// # Errors
    /// If the dataset has nobody of that name.
    pub fn user(&self, name: &str) -> Result<UserIdx, EngineError> {
        self.data
            .user_idx(name)
            .ok_or_else(|| EngineError::Unknown {
                kind: "user",
                name: name.to_owned(),
                place: self.data.dataset.name.clone(),
            })
    }

    /// Everyone who can judge its slates.
    pub fn judges(&self) -> rewards::Scorers<'_> {
        rewards::Scorers {
            reward: &self.scorers.reward,
            judge: &self.scorers.judge,
            oracle: self.data.dataset.oracle.as_ref(),
            flagged: None,
        }
    }

    /// The generator as a checkpoint of its pretraining or alignment holds it.
    ///
    /// # Errors
    /// If a file is damaged or does not fit.
    pub fn generator_at(&self, folder: &Path) -> Result<Generator, EngineError> {
        load_generator(folder, &self.config, &self.data, &self.items)
    }
}

/// The run that was asked about last, kept so that the next question about it need not read it again.
#[derive(Default)]
pub struct LastRun(Option<(Version, SavedRun)>);

/// A folder and when its `run.json` was written, which every completed stage does anew; no time where it cannot be read.
type Version = (PathBuf, Option<SystemTime>);

impl LastRun {
    /// What the run has saved so far, read again only where it has changed.
    ///
    /// # Errors
    /// Those of [`SavedRun::load`].
    pub fn get(&mut self, dir: &RunDir) -> Result<&SavedRun, EngineError> {
        let written = std::fs::metadata(dir.info_path()).and_then(|found| found.modified());
        let version = (dir.path().to_owned(), written.ok());
        let current = match self.0.take().filter(|(of, _)| *of == version) {
            Some(kept) => kept,
            None => (version, SavedRun::load(dir)?),
        };
        Ok(&self.0.insert(current).1)
    }
}

fn load_generator(
    folder: &Path,
    config: &ExperimentConfig,
    data: &PreparedData,
    items: &Items,
) -> Result<Generator, EngineError> {
    let reader = items.reader(&config.model, data);
    let generator = config.model.init(
        items.vocab,
        config.data.session.slate_len,
        reader.features(),
        config.seed,
        &Device::flex(),
    );
    Ok(weights::load(generator, &folder.join("model.safetensors"))?)
}

/// The settings of a run.
///
/// # Errors
/// If `config.toml` is missing or was changed into something invalid.
pub fn load_config(dir: &RunDir) -> Result<ExperimentConfig, EngineError> {
    let path = dir.config_path();
    let text = std::fs::read_to_string(&path).map_err(EngineError::io("read", &path))?;
    Ok(ExperimentConfig::from_toml(&text, &path)?)
}

/// The folder of a stage's final checkpoint.
///
/// # Errors
/// If there is none.
pub fn final_checkpoint(folder: &Path) -> Result<PathBuf, EngineError> {
    let mut folders: Vec<_> = std::fs::read_dir(folder)
        .map_err(EngineError::io("read", folder))?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .rev()
        .find(|path| {
            Manifest::load(&path.join("manifest.json")).is_ok_and(|manifest| manifest.is_final)
        })
        .ok_or_else(|| {
            CheckpointError::Damaged {
                found: "no final checkpoint".to_owned(),
                path: folder.to_owned(),
            }
            .into()
        })
}

fn final_weights<M: Module>(folder: PathBuf, module: M) -> Result<M, EngineError> {
    Ok(weights::load(
        module,
        &final_checkpoint(&folder)?.join("model.safetensors"),
    )?)
}

/// The heads' weights as the run used them.
fn head_weights(report: &RunReport) -> Option<[f64; N_HEADS]> {
    let heads: &Vec<RewardHead> = &report.reward.as_ref()?.heads;
    let weight = |name: &&str| {
        heads
            .iter()
            .find(|head| head.name == **name)
            .map_or(0.0, |head| head.weight)
    };
    Some(HEAD_NAMES.each_ref().map(weight))
}
