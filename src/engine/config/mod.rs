//! The settings of a whole experiment, composed of the settings that live beside what they configure.
//!
//! Files are TOML and strict: an unknown key or a wrong type is an error, a missing key has its default.

pub mod error;
pub mod presets;
pub mod sizes;
pub mod validate;
mod validate_align;
mod validate_pretrain;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub use presets::Preset;
pub use sizes::{NamedSize, SIZES};

use crate::engine::data::config::DataConfig;
use crate::engine::device::DeviceConfig;
use crate::engine::embedding::EmbeddingConfig;
use crate::engine::eval::config::EvaluateConfig;
use crate::engine::model::config::ModelConfig;
use crate::engine::reward::config::RewardConfig;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::TokenizerConfig;
use crate::engine::train::config::{AlignConfig, PretrainConfig};

/// All settings of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExperimentConfig {
    /// Seed of all random streams.
    pub seed: Seed,
    /// Where to compute.
    pub device: DeviceConfig,
    /// Reading, sessions, splits.
    pub data: DataConfig,
    /// Item vectors.
    pub embedding: EmbeddingConfig,
    /// Semantic IDs.
    pub tokenizer: TokenizerConfig,
    /// The generator.
    pub model: ModelConfig,
    /// Next-token training.
    pub pretrain: PretrainConfig,
    /// Reward model and judge.
    pub reward: RewardConfig,
    /// Preference alignment.
    pub align: AlignConfig,
    /// Held-out metrics.
    pub evaluate: EvaluateConfig,
}

impl Default for ExperimentConfig {
    fn default() -> Self {
        Self {
            seed: Seed(42),
            device: DeviceConfig::default(),
            data: DataConfig::default(),
            embedding: EmbeddingConfig::default(),
            tokenizer: TokenizerConfig::default(),
            model: ModelConfig::default(),
            pretrain: PretrainConfig::default(),
            reward: RewardConfig::default(),
            align: AlignConfig::default(),
            evaluate: EvaluateConfig::default(),
        }
    }
}

impl ExperimentConfig {
    /// Reads a TOML file over a preset, then applies `key=value` settings in order, then checks everything.
    ///
    /// # Errors
    /// [`ConfigError`] with the key and the place.
    pub fn load(
        preset: Preset,
        file: Option<&Path>,
        settings: &[String],
    ) -> Result<Self, ConfigError> {
        Self::load_sized(preset, None, file, settings)
    }

    /// Like [`Self::load`], with the size of a paper's model between preset and file.
    ///
    /// # Errors
    /// [`ConfigError`] with the key and the place.
    pub fn load_sized(
        preset: Preset,
        size: Option<NamedSize>,
        file: Option<&Path>,
        settings: &[String],
    ) -> Result<Self, ConfigError> {
        let mut table = presets::table(preset);
        if let Some(size) = size {
            let mut config: Self = table.try_into().map_err(not_a_setting)?;
            size.apply(&mut config);
            table = toml::Table::try_from(config)
                .expect("a configuration is plain data and always serialises");
        }
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
                path: path.to_owned(),
                source,
            })?;
            let over: toml::Table = text
                .parse()
                .map_err(|error: toml::de::Error| ConfigError::parse(&error, &text, path))?;
            // The file alone must be valid, so that a mistake is reported with its own line.
            toml::from_str::<Self>(&text)
                .map_err(|error| ConfigError::parse(&error, &text, path))?;
            merge(&mut table, over);
        }
        for setting in settings {
            apply_setting(&mut table, setting)?;
        }
        let config: Self = table.try_into().map_err(not_a_setting)?;
        validate::check(&config)?;
        Ok(config)
    }

    /// The configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is plain data and always serialises")
    }

    /// Reads a configuration that this program wrote.
    ///
    /// # Errors
    /// [`ConfigError`] with the line.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::parse(&error, text, path))?;
        validate::check(&config)?;
        Ok(config)
    }
}

fn not_a_setting(error: toml::de::Error) -> ConfigError {
    ConfigError::Setting {
        found: error.message().to_owned(),
    }
}

/// Writes every value of `over` into `base`, table by table.
fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => merge(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Applies one `a.b.c=value`. A value that is not TOML is taken as a string.
fn apply_setting(table: &mut toml::Table, setting: &str) -> Result<(), ConfigError> {
    let Some((path, text)) = setting.split_once('=') else {
        return Err(ConfigError::Setting {
            found: format!("expected key=value, found {setting:?}"),
        });
    };
    let value = format!("value = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()));
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut here = table;
    for key in keys {
        here = match here
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
        {
            toml::Value::Table(inner) => inner,
            _ => {
                return Err(ConfigError::Setting {
                    found: format!("{key:?} in {path:?} is a value, not a section"),
                });
            }
        };
    }
    here.insert(last.to_owned(), value);
    Ok(())
}
