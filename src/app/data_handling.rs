//! Carries out what concerns data before a run: setting a dataset up, counting it, checking files.

use std::path::PathBuf;

use super::pane::PaneKind;
use super::state::{DataQuestion, InspectedData, ItemsState, RunStore, View};
use super::workbench::WorkbenchApp;
use crate::engine::command::EngineCommand;
use crate::engine::config::Preset;

impl WorkbenchApp {
    /// Sets up a dataset with a preset's settings and has it counted.
    pub(super) fn import(&mut self, path: PathBuf, preset: Preset) {
        self.set_up(path);
        self.state.draft.choose(preset);
        self.count_data();
    }

    /// Has the dataset that is set up counted.
    pub(super) fn count_data(&mut self) {
        let draft = &self.state.draft;
        let command = EngineCommand::InspectData {
            path: draft.data_path.clone(),
            config: Box::new(draft.config.clone()),
        };
        self.ask(draft.data_path.clone(), false, command);
    }

    /// Has files checked, with the settings as they are; nothing that is set up changes.
    pub(super) fn check_data(&mut self, path: PathBuf) {
        let state = &mut self.state;
        if state.view == View::Welcome && !state.draft.has_data() {
            state.draft.choose(Preset::Small);
        }
        state.view = View::Workbench;
        let command = EngineCommand::CheckData {
            path: path.clone(),
            config: Box::new(state.draft.config.clone()),
        };
        self.layout.show(PaneKind::Dataset);
        self.ask(path, true, command);
    }

    /// Sets up the dataset that was checked; its counts are those of the report.
    pub(super) fn use_checked_data(&mut self) {
        let Some(check) = self.state.data.check.clone() else {
            return;
        };
        self.set_up(check.report.path.clone());
        match check.report.stats {
            Some(stats) => {
                self.state.data.inspected = Some(InspectedData {
                    path: check.report.path,
                    config: Some(check.config),
                    stats: *stats,
                });
            }
            None => self.count_data(),
        }
    }

    fn set_up(&mut self, path: PathBuf) {
        let state = &mut self.state;
        state.run = RunStore::default();
        state.take_items(ItemsState::None);
        state.view = View::Workbench;
        state.draft.data_path = path;
        state.data.set_up();
        self.settings_open = true;
    }

    fn ask(&mut self, path: PathBuf, is_check: bool, command: EngineCommand) {
        let question = DataQuestion {
            path,
            is_check,
            config: self.state.draft.config.data.clone(),
            words: command.describe(),
        };
        if self.try_send(command) {
            self.state.data.ask(question);
        }
    }
}
