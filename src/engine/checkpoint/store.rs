//! The checkpoints of one stage: save, find the last good one, keep only the newest few.

use std::path::{Path, PathBuf};

use burn::module::Module;

use super::{CheckpointError, Manifest, manifest, weights};
use crate::engine::error::EngineError;
use crate::engine::event::{CheckpointInfo, Stage};
use crate::engine::optim::AdamW;
use crate::engine::run::{atomic, now_millis};

/// Complete checkpoints kept besides the newest.
const KEEP: usize = 2;

/// Where a stage keeps its checkpoints and what they must belong to.
#[derive(Clone, Debug)]
pub struct CheckpointStore {
    folder: PathBuf,
    stage: Stage,
    belongs_to: Vec<(String, String)>,
}

/// One checkpoint on disk that fits.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// What it is.
    pub manifest: Manifest,
}

impl Checkpoint {
    /// The weights.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }
}

impl CheckpointStore {
    /// Checkpoints below `folder` that belong to the given settings and inputs.
    pub fn new(folder: PathBuf, stage: Stage, belongs_to: Vec<(String, String)>) -> Self {
        Self {
            folder,
            stage,
            belongs_to,
        }
    }

    /// Writes a checkpoint and removes older ones beyond the few that are kept.
    ///
    /// # Errors
    /// If it cannot be written; the ones before stay.
    pub fn save<M: Module>(
        &self,
        model: &M,
        optimizer: &AdamW,
        progress: &Progress,
    ) -> Result<CheckpointInfo, EngineError> {
        let path = self.folder.join(format!("step_{:06}", progress.step));
        let manifest = Manifest {
            format_version: manifest::FORMAT_VERSION,
            stage: self.stage,
            step: progress.step,
            samples: progress.samples,
            seconds: progress.seconds,
            is_final: progress.is_final,
            time_millis: now_millis(),
            belongs_to: self.belongs_to.clone(),
            metrics: progress.metrics.clone(),
        };
        atomic::write_folder::<EngineError>(&path, |folder| {
            weights::save(model, &folder.join("model.safetensors"))?;
            // A finished stage is never continued, so its moments would only take space.
            if !progress.is_final {
                let (first, second) = optimizer.moments_as(model);
                weights::save(&first, &folder.join("moment_1.safetensors"))?;
                weights::save(&second, &folder.join("moment_2.safetensors"))?;
            }
            atomic::write_json(&folder.join("manifest.json"), &manifest)
        })?;
        self.prune()?;
        Ok(CheckpointInfo {
            stage: self.stage,
            step: progress.step,
            bytes: folder_bytes(&path),
            path,
            time_millis: manifest.time_millis,
            metrics: manifest.metrics,
            is_final: progress.is_final,
        })
    }

    /// The newest checkpoint that is whole; `None` where there is none. One that is damaged is passed over and named
    /// in the returned list.
    ///
    /// # Errors
    /// If the newest whole one belongs to other data or settings, or to a newer version.
    pub fn latest(&self) -> Result<(Option<Checkpoint>, Vec<CheckpointError>), EngineError> {
        let mut damaged = Vec::new();
        for path in self.folders().into_iter().rev() {
            let manifest_path = path.join("manifest.json");
            match Manifest::load(&manifest_path) {
                Ok(manifest) => {
                    manifest.check(&self.belongs_to, &manifest_path)?;
                    return Ok((Some(Checkpoint { path, manifest }), damaged));
                }
                Err(error @ CheckpointError::Newer { .. }) => return Err(error.into()),
                Err(error) => damaged.push(error),
            }
        }
        Ok((None, damaged))
    }

    /// Loads weights and moments of a checkpoint.
    ///
    /// # Errors
    /// If a file is damaged or does not fit the module.
    pub fn load<M: Module>(
        &self,
        checkpoint: &Checkpoint,
        model: M,
        optimizer: &mut AdamW,
    ) -> Result<M, EngineError> {
        let model = weights::load(model, &checkpoint.model_path())?;
        if !checkpoint.manifest.is_final {
            let plain = model.valid();
            let first =
                weights::load(plain.clone(), &checkpoint.path.join("moment_1.safetensors"))?;
            let second = weights::load(plain, &checkpoint.path.join("moment_2.safetensors"))?;
            optimizer.set_moments(&first, &second, checkpoint.manifest.step);
        }
        Ok(model)
    }

    /// Folders of checkpoints, oldest first.
    fn folders(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let mut folders: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                name.strip_prefix("step_")
                    .is_some_and(|step| step.bytes().all(|byte| byte.is_ascii_digit()))
            })
            .collect();
        folders.sort();
        folders
    }

    fn prune(&self) -> Result<(), EngineError> {
        let folders = self.folders();
        for path in folders.iter().take(folders.len().saturating_sub(KEEP + 1)) {
            std::fs::remove_dir_all(path).map_err(EngineError::io("remove", path))?;
        }
        Ok(())
    }
}

/// How far a stage is, for its checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Optimiser steps done.
    pub step: u64,
    /// Training examples seen.
    pub samples: u64,
    /// Seconds of work so far, over all processes.
    pub seconds: f64,
    /// Whether the stage is complete.
    pub is_final: bool,
    /// The stage's figures.
    pub metrics: Vec<(String, f64)>,
}

fn folder_bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .filter_map(|entry| entry.metadata().ok())
                .map(|data| data.len())
                .sum()
        })
        .unwrap_or(0)
}
