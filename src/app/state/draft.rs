//! The experiment being set up: data, settings, their problems, undo.

use std::path::PathBuf;

use super::run_store::RunStore;
use crate::engine::config::{ConfigError, ExperimentConfig, Preset, validate};

/// How many edits can be taken back.
const MAX_UNDO: usize = 100;

/// The experiment being set up.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The dataset's folder or file; empty until chosen.
    pub data_path: PathBuf,
    /// The preset last chosen.
    pub preset: Preset,
    /// The settings.
    pub config: ExperimentConfig,
    /// What is wrong with them; each sentence starts with the path of its field.
    pub problems: Vec<String>,
    undo: Vec<ExperimentConfig>,
    redo: Vec<ExperimentConfig>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            data_path: PathBuf::new(),
            preset: Preset::Smoke,
            config: preset_config(Preset::Smoke),
            problems: Vec::new(),
            undo: Vec::new(),
            redo: Vec::new(),
        }
    }
}

impl Draft {
    /// Replaces the settings, remembering the old ones for undo.
    pub fn edit(&mut self, config: ExperimentConfig) {
        if config == self.config {
            return;
        }
        if self.undo.len() == MAX_UNDO {
            self.undo.remove(0);
        }
        self.undo.push(std::mem::replace(&mut self.config, config));
        self.redo.clear();
        self.check();
    }

    /// Takes a preset's settings, keeping the device.
    pub fn choose(&mut self, preset: Preset) {
        let mut config = preset_config(preset);
        config.device = self.config.device.clone();
        self.preset = preset;
        self.edit(config);
    }

    /// Takes over what a run was started with, so that it can be changed and run again.
    pub fn follow(&mut self, run: &RunStore) {
        self.data_path.clone_from(&run.data_path);
        if let Some(config) = &run.config {
            self.edit((**config).clone());
        }
    }

    /// Whether a dataset is chosen.
    pub fn has_data(&self) -> bool {
        !self.data_path.as_os_str().is_empty()
    }

    /// Takes the last edit back.
    pub fn undo(&mut self) {
        if let Some(config) = self.undo.pop() {
            self.redo.push(std::mem::replace(&mut self.config, config));
            self.check();
        }
    }

    /// Does the last undone edit again.
    pub fn redo(&mut self) {
        if let Some(config) = self.redo.pop() {
            self.undo.push(std::mem::replace(&mut self.config, config));
            self.check();
        }
    }

    /// Whether there is an edit to take back.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether there is an undone edit.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// The problems of one field, by its path such as "pretrain.learning_rate".
    pub fn problems_of<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        self.problems
            .iter()
            .map(String::as_str)
            .filter(move |problem| {
                problem.strip_prefix(field).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            })
    }

    fn check(&mut self) {
        self.problems = match validate::check(&self.config) {
            Ok(()) => Vec::new(),
            Err(ConfigError::Invalid { problems }) => problems,
            Err(other) => vec![other.to_string()],
        };
    }
}

fn preset_config(preset: Preset) -> ExperimentConfig {
    ExperimentConfig::load(preset, None, &[]).expect("presets are checked by a test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_checked_and_can_be_taken_back() {
        let mut draft = Draft::default();
        let good = draft.config.clone();
        let mut bad = good.clone();
        bad.pretrain.learning_rate = -1.0;
        draft.edit(bad.clone());
        assert_eq!(draft.problems_of("pretrain.learning_rate").count(), 1);
        assert_eq!(draft.problems_of("pretrain.learning").count(), 0);
        draft.undo();
        assert_eq!(draft.config, good);
        assert!(draft.problems.is_empty(), "{:?}", draft.problems);
        draft.redo();
        assert_eq!(draft.config, bad);
    }
}
