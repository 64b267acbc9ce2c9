//! Carries commands out: the only place where a command changes the state or reaches the engine.

use std::path::Path;

use egui::{Context, OpenUrl, ViewportCommand};

use super::chrome::path_dialog::PathPurpose;
use super::command::{DialogKind, UiCommand};
use super::layout::Layout;
use super::state::{ItemsState, RunStore, View};
use super::workbench::WorkbenchApp;
use crate::engine::command::{EngineCommand, StartRun};
use crate::engine::config::{ExperimentConfig, Preset};
use crate::engine::error::{EngineError, Failure};
use crate::engine::event::{NoticeLevel, Stage};
use crate::engine::tokenizer::SidPattern;
use crate::places::Sample;

impl WorkbenchApp {
    /// Carries out everything that this frame asked for.
    pub(super) fn handle_commands(&mut self, ctx: &Context) {
        for command in std::mem::take(&mut self.commands) {
            match command.obstacle(&self.state) {
                Some(obstacle) => self.state.notices.say(NoticeLevel::Info, obstacle, None),
                None => self.handle(command, ctx),
            }
        }
    }

    fn handle(&mut self, command: UiCommand, ctx: &Context) {
        let state = &mut self.state;
        match command {
            UiCommand::OpenSample(sample) => self.open_sample(sample),
            UiCommand::ImportDataDialog => self.ask_path(PathPurpose::ImportData),
            UiCommand::ImportData(path) => self.import(path, Preset::Small),
            UiCommand::CountData => self.count_data(),
            UiCommand::CheckDataDialog => self.ask_path(PathPurpose::CheckData),
            UiCommand::CheckData(path) => self.check_data(path),
            UiCommand::StopReading => self.send(EngineCommand::StopReading),
            UiCommand::UseCheckedData => self.use_checked_data(),
            UiCommand::CloseCheck => state.data.check = None,
            UiCommand::OpenRunDialog => self.ask_path(PathPurpose::OpenRun),
            UiCommand::OpenRun(path) => {
                state.pending.opening = Some(path.clone());
                self.background.open_run(path);
            }
            UiCommand::CloseRun => {
                state.run = RunStore::default();
                state.take_items(ItemsState::None);
                state.selection = super::state::Selection::default();
                state.view = View::Welcome;
                self.background.list_runs(self.places.runs.clone());
            }
            UiCommand::LoadSettingsDialog => self.ask_path(PathPurpose::LoadSettings),
            UiCommand::LoadSettings(path) => self.load_settings(&path),
            UiCommand::Quit => self.quit(ctx),
            UiCommand::StopAndQuit => {
                self.is_quitting = true;
                self.dialogs.close();
                self.send(EngineCommand::Stop);
            }

            UiCommand::StartRun { last_stage } => self.start_run(last_stage),
            UiCommand::Pause => self.send(EngineCommand::Pause),
            UiCommand::Continue => self.send(EngineCommand::Continue),
            UiCommand::Stop => self.send(EngineCommand::Stop),
            UiCommand::Resume { last_stage } => {
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::ResumeRun {
                    run_dir,
                    last_stage,
                });
            }

            UiCommand::AlignAgain => {
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::AlignAgain { run_dir });
            }

            UiCommand::CompareTokenizers { names, tables } => {
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::CompareTokenizers {
                    run_dir,
                    names,
                    tables,
                });
            }
            UiCommand::ProbeCost => {
                state.cost.start();
                let path = state.draft.data_path.clone();
                let config = Box::new(state.draft.config.clone());
                self.send(EngineCommand::ProbeCost { path, config });
            }
            UiCommand::StopProbe => self.send(EngineCommand::Stop),
            UiCommand::CompareTableDialog { names } => {
                self.ask_path(PathPurpose::CompareTable { names });
            }

            UiCommand::EditConfig(config) => state.draft.edit(*config),
            UiCommand::ChoosePreset(preset) => state.draft.choose(preset),
            UiCommand::Undo => state.draft.undo(),
            UiCommand::Redo => state.draft.redo(),

            UiCommand::SelectItem(item) => state.selection.item = item,
            UiCommand::SelectPrefix(prefix) => {
                state.selection.pattern = SidPattern::prefix(&prefix);
            }
            UiCommand::SelectPattern(pattern) => state.selection.pattern = pattern,
            UiCommand::MapItems => {
                state.pending.plane = true;
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::MapItems { run_dir });
            }
            UiCommand::FindNearest(to) => {
                state.pending.nearest = Some(to.clone());
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::NearestItems { run_dir, to });
            }
            UiCommand::InspectUser(user) => {
                state.selection.user = Some(user.clone());
                state.pending.slates = Some(user.clone());
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::InspectUser { run_dir, user });
            }

            UiCommand::RescoreSlate { user, items, stage } => {
                state.pending.rescored = true;
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::RescoreSlate {
                    run_dir,
                    user,
                    items,
                    stage,
                });
            }
            UiCommand::CompareCheckpoints(users) => {
                state.pending.checkpoints = true;
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::CompareCheckpoints { run_dir, users });
            }
            UiCommand::StopComparing => self.send(EngineCommand::StopReading),
            UiCommand::MarkPair { pair, mark } => {
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::MarkPair {
                    run_dir,
                    pair,
                    mark,
                });
            }

            UiCommand::ExportCheckpointDialog(stage) => self.ask_path(PathPurpose::Export(stage)),
            UiCommand::ExportCheckpoint { stage, folder } => {
                state.pending.export = Some(folder.clone());
                let run_dir = state.run.run_dir.clone();
                self.send(EngineCommand::Export {
                    run_dir,
                    stage,
                    folder,
                });
            }
            UiCommand::SaveChartDialog { name, chart } => {
                self.ask_path(PathPurpose::SaveChart { name, chart });
            }
            UiCommand::SaveChart { path, chart } => self.background.save(path, chart),
            UiCommand::SaveTextDialog { name, text } => {
                self.ask_path(PathPurpose::SaveText { name, text });
            }
            UiCommand::SaveText { path, text } => self.background.save_text(path, text),
            UiCommand::CopyText(text) => ctx.copy_text(text),
            UiCommand::OpenFolder(path) => {
                ctx.open_url(OpenUrl::new_tab(format!("file://{}", path.display())));
            }

            UiCommand::ShowPane(kind) => self.layout.show(kind),
            UiCommand::ResetLayout => self.layout = Layout::default(),
            UiCommand::ToggleSettings => self.settings_open = !self.settings_open,
            UiCommand::SetTheme(theme) => {
                self.theme = theme;
                theme.apply(ctx);
            }
            UiCommand::ZoomIn => egui::gui_zoom::zoom_in(ctx),
            UiCommand::ZoomOut => egui::gui_zoom::zoom_out(ctx),
            UiCommand::ZoomReset => ctx.set_zoom_factor(1.0),
            UiCommand::ToggleFullScreen => {
                let is_full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!is_full));
            }
            UiCommand::ShowDialog(kind) => self.dialogs.open(kind),
            UiCommand::CloseDialog => {
                self.dialogs.close();
                self.path_dialog.close();
            }
            UiCommand::DismissToast(id) => state.notices.dismiss(id),
            UiCommand::ProbeDevices => {
                state.devices = None;
                self.send(EngineCommand::ProbeDevices);
            }
            UiCommand::RefreshRuns => self.background.list_runs(self.places.runs.clone()),
        }
    }

    /// Sends a command to the engine, or says that it cannot take one now.
    pub(super) fn send(&mut self, command: EngineCommand) {
        self.try_send(command);
    }

    /// Like [`Self::send`]; whether it was sent.
    pub(super) fn try_send(&mut self, command: EngineCommand) -> bool {
        let words = command.describe();
        let is_sent = self.link.send(command);
        if !is_sent {
            let text = format!("Could not {words}: the engine is busy with earlier requests.");
            let hint = Some("try again in a moment".to_owned());
            self.state.notices.say(NoticeLevel::Warning, text, hint);
        }
        is_sent
    }

    fn open_sample(&mut self, sample: Sample) {
        match sample.path() {
            Some(path) => self.import(path, Preset::Smoke),
            None => {
                let text = format!("The {} was not found.", sample.title());
                let hint = Some(
                    "keep the folder datasets beside the program, or start it from the project's folder"
                        .to_owned(),
                );
                self.state.notices.say(NoticeLevel::Error, text, hint);
            }
        }
    }

    fn load_settings(&mut self, path: &Path) {
        let state = &mut self.state;
        match ExperimentConfig::load(state.draft.preset, Some(path), &[]) {
            Ok(config) => {
                state.draft.edit(config);
                let text = format!("Settings taken from {}.", path.display());
                state.notices.say(NoticeLevel::Info, text, None);
            }
            Err(error) => state
                .notices
                .fail(&Failure::from(&EngineError::from(error))),
        }
    }

    fn start_run(&mut self, last_stage: Option<Stage>) {
        let draft = &self.state.draft;
        let start = StartRun {
            data_path: draft.data_path.clone(),
            run_dir: self.places.new_run(&draft.data_path),
            config: Box::new(draft.config.clone()),
            last_stage,
        };
        self.state.data.check = None;
        // The panes need the room more than the settings do while the run is going.
        self.settings_open = false;
        self.send(EngineCommand::StartRun(start));
    }

    pub(super) fn ask_path(&mut self, purpose: PathPurpose) {
        if self.has_native_dialogs {
            self.background.pick_path(purpose.clone());
        }
        self.path_dialog.open(purpose);
    }

    fn quit(&mut self, ctx: &Context) {
        if self.state.run.is_active() {
            self.dialogs.open(DialogKind::ConfirmQuit);
        } else {
            self.may_close = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}
