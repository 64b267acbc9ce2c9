//! Ready-made configurations, read from `assets/presets`.

use serde::{Deserialize, Serialize};

/// A ready-made configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Two minutes on two cores with the short-video sample.
    #[default]
    Smoke,
    /// Forty minutes on two cores with KuaiRand-Pure.
    Small,
    /// For a GPU.
    Base,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Small, Self::Base];

    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Small => "small",
            Self::Base => "base",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Smoke => include_str!("../../../assets/presets/smoke.toml"),
            Self::Small => include_str!("../../../assets/presets/small.toml"),
            Self::Base => include_str!("../../../assets/presets/base.toml"),
        }
    }
}

/// The preset as a table that a file and settings can be written over.
pub(super) fn table(preset: Preset) -> toml::Table {
    preset
        .text()
        .parse()
        .expect("presets are checked by a test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::config::ExperimentConfig;

    #[test]
    fn every_preset_is_valid() {
        for preset in Preset::ALL {
            if let Err(error) = ExperimentConfig::load(preset, None, &[]) {
                panic!("preset {}: {error}", preset.name());
            }
        }
    }
}
