//! All paths below a run folder, in one place, and the lock that keeps two programs from writing to it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::engine::error::EngineError;
use crate::engine::event::{RunId, Stage};

/// A run folder. Knows paths, not contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The folder at `path`, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: the folder's name.
    pub fn id(&self) -> RunId {
        RunId(
            self.path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        )
    }

    /// What the run is about.
    pub fn info_path(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// All settings.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// Everything that happened.
    pub fn events_path(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// Every figure.
    pub fn report_path(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// The catalogue with semantic IDs.
    pub fn items_path(&self) -> PathBuf {
        self.path.join("items.parquet")
    }

    /// `comparison.json`: several tokenizers on the item vectors of this run.
    pub fn comparison_path(&self) -> PathBuf {
        self.path.join("comparison.json")
    }

    /// `pair_marks.json`: what the user says of single preference pairs.
    pub fn pair_marks_path(&self) -> PathBuf {
        self.path.join("pair_marks.json")
    }

    /// Exported charts.
    pub fn charts_dir(&self) -> PathBuf {
        self.path.join("charts")
    }

    /// Results and checkpoints of one stage.
    pub fn stage_dir(&self, stage: Stage) -> PathBuf {
        self.path.join(stage.name())
    }

    /// Item vectors.
    pub fn embeddings_path(&self) -> PathBuf {
        self.stage_dir(Stage::Tokenize)
            .join("embeddings.safetensors")
    }

    /// Creates the folder for a new run. It may exist, but only empty.
    ///
    /// # Errors
    /// If it holds something or cannot be created.
    pub fn create(&self) -> Result<(), EngineError> {
        if let Ok(mut entries) = std::fs::read_dir(&self.path)
            && entries.next().is_some()
        {
            return Err(EngineError::RunFolder {
                path: self.path.clone(),
                found: "it is not empty".to_owned(),
            });
        }
        std::fs::create_dir_all(&self.path).map_err(EngineError::io("create", &self.path))
    }

    /// Takes the folder for this process until the returned file is dropped.
    ///
    /// # Errors
    /// If another process has it.
    pub fn lock(&self) -> Result<File, EngineError> {
        let path = self.path.join(".lock");
        let file = File::create(&path).map_err(EngineError::io("create", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(EngineError::RunFolder {
                path: self.path.clone(),
                found: "another program is using it".to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(EngineError::Io {
                operation: "lock",
                path,
                source,
            }),
        }
    }
}
