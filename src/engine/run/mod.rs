//! A run folder: its paths, its journal, its report.

pub mod atomic;
pub mod dir;
pub mod items;
pub mod journal;
pub mod memory;
pub mod pair_marks;
pub mod report;

pub use dir::RunDir;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::error::EngineError;
use crate::engine::event::Stage;

/// `run.json`: what a run is about, apart from its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of the folder's layout.
    pub format_version: u32,
    /// The dataset's folder or file, absolute.
    pub data_path: PathBuf,
    /// When the run began, milliseconds since 1970.
    pub time_millis: u64,
    /// Content of the dataset, known once it was loaded; a resume refuses other content.
    pub data_fingerprint: Option<String>,
    /// Stages that are complete, in order.
    pub completed: Vec<Stage>,
}

/// The layout that this version writes and reads.
pub const FORMAT_VERSION: u32 = 1;

impl RunInfo {
    /// Reads `run.json`.
    ///
    /// # Errors
    /// If the folder is not a run folder, or a newer version wrote it.
    pub fn load(dir: &RunDir) -> Result<Self, EngineError> {
        let path = dir.info_path();
        let unusable = |found: String| EngineError::RunFolder {
            path: dir.path().to_owned(),
            found,
        };
        let text = std::fs::read(&path)
            .map_err(|error| unusable(format!("it has no readable run.json ({error})")))?;
        let info: Self = serde_json::from_slice(&text)
            .map_err(|error| unusable(format!("run.json is damaged ({error})")))?;
        if info.format_version > FORMAT_VERSION {
            return Err(unusable(format!(
                "its format is {}, this version reads up to {FORMAT_VERSION}",
                info.format_version
            )));
        }
        Ok(info)
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn save(&self, dir: &RunDir) -> Result<(), EngineError> {
        atomic::write_json(&dir.info_path(), self)
    }

    /// Whether the run did everything.
    pub fn is_complete(&self) -> bool {
        self.completed.last() == Some(&Stage::Evaluate)
    }
}

/// A run folder on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The folder.
    pub path: PathBuf,
    /// What it is about.
    pub info: RunInfo,
}

/// The run folders directly below `folder`, newest first; folders that are something else are passed over.
pub fn list(folder: &Path) -> Vec<RunSummary> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut runs: Vec<RunSummary> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let info = RunInfo::load(&RunDir::new(&path)).ok()?;
            Some(RunSummary { path, info })
        })
        .collect();
    runs.sort_by(|a, b| {
        b.info
            .time_millis
            .cmp(&a.info.time_millis)
            .then_with(|| a.path.cmp(&b.path))
    });
    runs
}

/// Now, in milliseconds since 1970.
pub fn now_millis() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
