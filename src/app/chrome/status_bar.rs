//! The status bar: device asked for and device in use, what is being done, speed, memory, frame time.

use egui::{Panel, RichText, Ui};

use crate::app::state::{AppState, DataState, RunStatus, Series};
use crate::app::theme;

/// How many of the newest points the speed is taken over.
const SPEED_POINTS: usize = 20;

/// Draws the bar.
pub fn ui(ui: &mut Ui, state: &AppState) {
    Panel::bottom("status_bar").show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(device_text(state));
            ui.separator();
            let (text, is_bad) = status_text(state);
            let mut text = RichText::new(text);
            if is_bad {
                text = text.color(theme::of(ui).bad);
            }
            ui.add(egui::Label::new(text).truncate());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(format!("frame {:4.1} ms", state.vitals.frame_millis))
                    .on_hover_text("Time that the last frame took on the window's thread.");
                ui.separator();
                ui.label(match state.vitals.memory_bytes {
                    Some(bytes) if bytes > 0 => format!("memory {}", megabytes(bytes)),
                    _ => "memory n/a".to_owned(),
                });
                if let Some(speed) = speed_text(state) {
                    ui.separator();
                    ui.label(speed);
                }
            });
        });
    });
}

fn device_text(state: &AppState) -> String {
    let device = &state.run.device;
    if !device.actual.is_empty() {
        return format!("Device: {} (asked for {})", device.actual, device.requested);
    }
    let asked = state.draft.config.device.backend.name();
    match &state.devices {
        None => "Device: looking…".to_owned(),
        Some(devices) => {
            let usable = devices.iter().filter(|device| device.can_train).count();
            format!("Device: {asked} ({usable} of {} can train)", devices.len())
        }
    }
}

/// What is being read apart from a run; `None` where nothing is.
fn reading_text(data: &DataState) -> Option<String> {
    let question = data.reading()?;
    let doing = if question.is_check {
        "Checking the data"
    } else {
        "Reading the dataset"
    };
    Some(match data.fraction() {
        Some(share) => format!("{doing}, {:.0} %…", 100.0 * share),
        None => format!("{doing}…"),
    })
}

fn status_text(state: &AppState) -> (String, bool) {
    let run = &state.run;
    if !run.is_active()
        && let Some(text) = reading_text(&state.data)
    {
        return (text, false);
    }
    if run.comparison.is_going {
        let (done, all) = (run.comparison.result.rows.len(), run.comparison.names.len());
        return (format!("Comparing tokenizers, {done} of {all} done"), false);
    }
    match &run.status {
        RunStatus::Idle => ("No run".to_owned(), false),
        RunStatus::Running => match run.current_stage() {
            Some(stage) => {
                let of_stage = run.stage(stage);
                let doing = if of_stage.doing.is_empty() {
                    "running"
                } else {
                    &of_stage.doing
                };
                let text = match of_stage.part {
                    Some((done, total)) if total > 1 => {
                        format!("{stage}: {doing}, {done} of {total}")
                    }
                    _ => format!("{stage}: {doing}"),
                };
                (text, false)
            }
            None => ("Preparing…".to_owned(), false),
        },
        RunStatus::Paused => ("Paused".to_owned(), false),
        RunStatus::Stopped => ("Stopped; can be resumed".to_owned(), false),
        RunStatus::Finished => ("Finished".to_owned(), false),
        RunStatus::Failed(failure) => (format!("Failed: {}", failure.message), true),
    }
}

fn speed_text(state: &AppState) -> Option<String> {
    let stage = state.run.current_stage()?;
    let (_, series) = state.run.stage_series(stage).next()?;
    let speed = steps_per_second(series)?;
    Some(format!("{speed:.1} steps/s"))
}

/// Over the newest points; `None` while there are too few.
fn steps_per_second(series: &Series) -> Option<f64> {
    let newest = series.points.last()?;
    let earlier = series
        .points
        .get(series.points.len().checked_sub(SPEED_POINTS)?)?;
    let seconds = newest.seconds - earlier.seconds;
    (seconds > 0.0).then(|| (newest.step - earlier.step) as f64 / seconds)
}

fn megabytes(bytes: u64) -> String {
    let mega = bytes as f64 / 1e6;
    if mega < 1000.0 {
        format!("{mega:.0} MB")
    } else {
        format!("{:.1} GB", mega / 1000.0)
    }
}
