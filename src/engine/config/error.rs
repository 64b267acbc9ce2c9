//! What can be wrong with a configuration.

use std::path::{Path, PathBuf};

use crate::engine::error::Hint;

/// Failure to read or accept a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("could not read configuration {path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// It is not valid TOML, has an unknown key or a wrong type.
    #[error("could not use configuration: {found} (line {line} of {path:?})")]
    Parse {
        /// What is wrong, with the key.
        found: String,
        /// Line, from 1.
        line: usize,
        /// The file.
        path: PathBuf,
    },
    /// A `key=value` setting is wrong.
    #[error("could not use setting: {found}")]
    Setting {
        /// What is wrong, with the key.
        found: String,
    },
    /// Values that do not fit together, all at once.
    #[error("the configuration has {} problem(s): {}", .problems.len(), .problems.join("; "))]
    Invalid {
        /// One sentence each, with the field's path.
        problems: Vec<String>,
    },
}

impl ConfigError {
    /// From the parser's error, with the line it points at.
    pub fn parse(error: &toml::de::Error, text: &str, path: &Path) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let line = text
            .get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1);
        Self::Parse {
            found: error.message().trim().replace('\n', " "),
            line,
            path: path.to_owned(),
        }
    }
}

impl Hint for ConfigError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => "check the path of the configuration file".to_owned(),
            Self::Parse { .. } | Self::Setting { .. } => {
                "the keys and their meaning are in assets/presets and in the documentation of ExperimentConfig".to_owned()
            }
            Self::Invalid { .. } => "change the fields named above".to_owned(),
        })
    }
}
