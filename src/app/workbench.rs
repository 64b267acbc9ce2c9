//! The window's frame loop: take in what happened, draw, carry out what the user asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::Frame;
use egui::{CentralPanel, Context, ViewportCommand};

use super::background::Background;
use super::chrome::dialogs::Dialogs;
use super::chrome::path_dialog::PathDialog;
use super::chrome::{self, drop_zone, font_check};
use super::command::{DialogKind, UiCommand};
use super::engine_link::EngineLink;
use super::layout::Layout;
use super::pane::Panes;
use super::persist::Saved;
use super::settings::SettingsPanel;
use super::state::{AppState, View};
use super::theme::{self, ThemeChoice};
use super::welcome;
use crate::engine::command::EngineCommand;
use crate::engine::event::EventRecord;
use crate::places::Places;

/// How often the memory of the process is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(2);

/// The whole window.
pub struct WorkbenchApp {
    pub(super) state: AppState,
    pub(super) link: EngineLink,
    pub(super) background: Background,
    pub(super) commands: Vec<UiCommand>,
    pub(super) layout: Layout,
    pub(super) panes: Panes,
    pub(super) settings: SettingsPanel,
    pub(super) settings_open: bool,
    pub(super) dialogs: Dialogs,
    pub(super) path_dialog: PathDialog,
    pub(super) theme: ThemeChoice,
    pub(super) places: Places,
    /// Whether the system's file dialog is offered beside the path field.
    pub(super) has_native_dialogs: bool,
    /// Whether the window closes as soon as the run has stopped.
    pub(super) is_quitting: bool,
    /// Whether the next request to close is granted without asking.
    pub(super) may_close: bool,
    /// Events received while the journal is read again after a gap.
    pub(super) reread: Option<Vec<EventRecord>>,
    measured: Option<Instant>,
    font_check: font_check::FontCheck,
}

impl WorkbenchApp {
    /// A window on an engine.
    pub fn new(ctx: &Context, link: EngineLink, places: Places, saved: Saved) -> Self {
        theme::install(ctx);
        saved.theme.apply(ctx);
        // The commands of the View menu do this, with the same keys.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        let waker = ctx.clone();
        let background = Background::new(Arc::new(move || waker.request_repaint()));
        background.list_runs(places.runs.clone());
        let mut app = Self {
            state: AppState::default(),
            link,
            background,
            commands: Vec::new(),
            layout: saved.layout,
            panes: Panes::default(),
            settings: SettingsPanel::default(),
            settings_open: true,
            dialogs: Dialogs::default(),
            path_dialog: PathDialog::default(),
            theme: saved.theme,
            places,
            has_native_dialogs: false,
            is_quitting: false,
            may_close: false,
            reread: None,
            measured: None,
            font_check: font_check::FontCheck::default(),
        };
        app.send(EngineCommand::ProbeDevices);
        app
    }

    /// Offers the system's file dialogs, which tests have no use for.
    pub fn with_native_dialogs(mut self) -> Self {
        self.has_native_dialogs = true;
        self
    }

    /// The state, for tests.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Asks for something as if the user had.
    pub fn command(&mut self, command: UiCommand) {
        self.commands.push(command);
    }

    /// Replaces the arrangement of the panes.
    pub fn set_layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    fn measure(&mut self, ctx: &Context) {
        if self
            .measured
            .is_none_or(|last| last.elapsed() >= MEASURE_EVERY)
        {
            self.measured = Some(Instant::now());
            self.background.measure_memory();
        }
        if self.state.run.is_active() {
            // Time left and speed go on while nothing else happens.
            ctx.request_repaint_after(Duration::from_secs(1));
        } else if !self.state.vitals.is_memory_steady {
            // What was just taken in goes on growing: lists are sorted, caches filled.
            ctx.request_repaint_after(MEASURE_EVERY);
        }
    }

    fn guard_close(&mut self, ctx: &Context) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        if is_closing && !self.may_close && self.state.run.is_active() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.dialogs.open(DialogKind::ConfirmQuit);
        }
    }
}

impl eframe::App for WorkbenchApp {
    fn logic(&mut self, ctx: &Context, _: &mut Frame) {
        if self.drain() {
            ctx.request_repaint();
        }
        self.guard_close(ctx);
        self.measure(ctx);
        self.font_check.look(ctx, &mut self.state.notices);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut Frame) {
        let start = Instant::now();
        let ctx = ui.ctx().clone();
        if !self.dialogs.is_open() && !self.path_dialog.is_open() {
            chrome::shortcuts::take(&ctx, &self.state, &mut self.commands);
        }
        drop_zone::ui(&ctx, &self.state, &mut self.commands);

        chrome::menu_bar::ui(ui, &self.state, self.theme, &mut self.commands);
        if self.state.view == View::Workbench {
            chrome::pipeline_strip::ui(ui, &self.state, &mut self.commands);
        }
        chrome::status_bar::ui(ui, &self.state);
        match self.state.view {
            View::Welcome => {
                CentralPanel::default().show(ui, |ui| {
                    welcome::ui(ui, &self.state, &mut self.commands);
                });
            }
            View::Workbench => {
                if self.settings_open {
                    self.settings.ui(ui, &self.state, &mut self.commands);
                }
                CentralPanel::no_frame().show(ui, |ui| {
                    self.layout
                        .ui(ui, &mut self.panes, &self.state, &mut self.commands);
                });
            }
        }
        self.dialogs
            .ui(&ctx, &self.state, self.theme, &mut self.commands);
        self.path_dialog.ui(&ctx, &mut self.commands);
        chrome::toasts::ui(&ctx, &self.state.notices, &mut self.commands);
        self.handle_commands(&ctx);
        self.state.vitals.frame_millis = start.elapsed().as_secs_f32() * 1000.0;
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        Saved {
            theme: self.theme,
            layout: self.layout.clone(),
        }
        .store(storage);
    }
}
