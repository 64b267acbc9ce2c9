//! Opens the window: options, the engine behind it, the renderer and what follows when it fails.

use std::path::PathBuf;

use eframe::{NativeOptions, Renderer};
use egui::ViewportBuilder;

use super::command::UiCommand;
use super::engine_link::EngineLink;
use super::layout::Layout;
use super::pane::PaneKind;
use super::persist::Saved;
use super::theme::ThemeChoice;
use super::workbench::WorkbenchApp;
use crate::engine::error::Hint;
use crate::engine::handle::EngineHandle;
use crate::places::Places;
use crate::places::Sample;

/// What the command line says about the window.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// A run folder to show, or a dataset to set up.
    pub open: Option<PathBuf>,
}

/// The window could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("could not open a window: {reason}")]
pub struct AppError {
    /// What each renderer said.
    reason: String,
}

impl Hint for AppError {
    fn hint(&self) -> Option<String> {
        Some(
            "run the experiment in the terminal with `onerec run`, or install a display driver with Vulkan or OpenGL"
                .to_owned(),
        )
    }
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// Where there is no display, or neither wgpu nor OpenGL can draw on it.
pub fn run(options: &AppOptions) -> Result<(), AppError> {
    let mut reasons = Vec::new();
    for renderer in [Renderer::Wgpu, Renderer::Glow] {
        match open(renderer, options) {
            Ok(()) => return Ok(()),
            // Without a display the other renderer has nothing to draw on either.
            Err(eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_))
                if !reasons.is_empty() => {}
            Err(error) => {
                tracing::warn!("could not open a window with {renderer}: {error}");
                reasons.push(format!("{renderer}: {error}"));
            }
        }
    }
    Err(AppError {
        reason: reasons.join("; "),
    })
}

fn open(renderer: Renderer, options: &AppOptions) -> Result<(), eframe::Error> {
    let places = Places::find();
    let native = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title("OneRec Workbench")
            .with_app_id("onerec-workbench")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([800.0, 560.0])
            .with_drag_and_drop(true),
        renderer,
        persistence_path: Some(places.state.join("window.ron")),
        ..NativeOptions::default()
    };
    let options = options.clone();
    eframe::run_native(
        "OneRec Workbench",
        native,
        Box::new(move |creation| {
            let wake = creation.egui_ctx.clone();
            let engine = EngineHandle::spawn(move || wake.request_repaint())?;
            let saved = Saved::load(creation.storage);
            let mut app = WorkbenchApp::new(
                &creation.egui_ctx,
                EngineLink::Engine(engine),
                places,
                saved,
            )
            .with_native_dialogs();
            first_commands(&mut app, &options);
            Ok(Box::new(app))
        }),
    )
}

/// What the command line and, for pictures of the window, the environment ask for.
fn first_commands(app: &mut WorkbenchApp, options: &AppOptions) {
    let variable = |name| std::env::var(name).unwrap_or_default();
    match variable("ONEREC_THEME").as_str() {
        "dark" => app.command(UiCommand::SetTheme(ThemeChoice::Dark)),
        "light" => app.command(UiCommand::SetTheme(ThemeChoice::Light)),
        _ => {}
    }
    if let Some(path) = options.open.clone() {
        app.command(if path.join("events.jsonl").is_file() {
            UiCommand::OpenRun(path)
        } else {
            UiCommand::ImportData(path)
        });
    }
    if variable("ONEREC_AUTORUN") == "1" {
        if options.open.is_none() {
            app.command(UiCommand::OpenSample(Sample::ShortVideo));
        }
        app.command(UiCommand::StartRun { last_stage: None });
    }
    let pane = variable("ONEREC_PANE");
    if let Some(kind) = PaneKind::ALL.into_iter().find(|kind| kind.name() == pane) {
        app.set_layout(Layout::only(kind));
    }
}
