//! The first screen: samples, data, runs.

use egui::{Align, Button, Layout, RichText, Ui, vec2};

use super::command::UiCommand;
use super::state::AppState;
use super::theme::{self, tokens};
use crate::places::Sample;

/// Draws the screen.
pub fn ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let tokens = theme::of(ui);
    egui::Panel::bottom("welcome_foot")
        .show_separator_line(false)
        .show(ui, |ui| {
            ui.vertical_centered(|ui| {
                let text = "Runs on your computer. Nothing is sent anywhere.";
                ui.label(RichText::new(text).color(tokens.weak_text));
                ui.add_space(tokens::GAP);
            });
        });
    egui::ScrollArea::vertical().show(ui, |ui| {
        let width = ui.available_width().min(980.0);
        let margin = (ui.available_width() - width) / 2.0;
        ui.add_space((ui.available_height() * 0.08).max(tokens::GAP));
        ui.horizontal_top(|ui| {
            ui.add_space(margin);
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.label(RichText::new("OneRec Workbench").size(28.0).strong());
                ui.label(
                    "Generative recommendation from data to an aligned model: semantic IDs, \
                     pretraining, reward model, preference alignment, evaluation.",
                );
                ui.add_space(3.0 * tokens::GAP);
                ui.spacing_mut().item_spacing.x = 4.0 * tokens::GAP;
                ui.columns(2, |columns| {
                    start_ui(&mut columns[0], state, commands);
                    runs_ui(&mut columns[1], state, commands);
                });
            });
        });
    });
}

fn start_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let tokens = theme::of(ui);
    ui.heading("Start here");
    ui.add_space(tokens::GAP);
    let is_nothing_focused = ui.memory(|memory| memory.focused().is_none());
    for sample in Sample::ALL {
        let is_first = sample == Sample::ShortVideo;
        let command = UiCommand::OpenSample(sample);
        let mut text = RichText::new(command.text()).size(tokens::TEXT_SIZE + 1.5);
        if is_first {
            text = text.color(tokens.on_accent).strong();
        }
        let mut button = Button::new(text).min_size(vec2(300.0, 38.0));
        if is_first {
            button = button.fill(tokens.accent);
        }
        let response = ui.add(button);
        if is_first && is_nothing_focused && !egui::Popup::is_any_open(ui.ctx()) {
            response.request_focus();
        }
        if response.clicked() {
            commands.push(command);
        }
        explain_ui(ui, sample.summary());
        ui.add_space(tokens::GAP);
    }
    for (command, summary) in [
        (
            UiCommand::ImportDataDialog,
            "A folder or file in CSV, JSON Lines or Parquet, or a public dataset as it was published: KuaiRand, Amazon, \
             MovieLens, RecBole, MiniOneRec.",
        ),
        (
            UiCommand::CheckDataDialog,
            "Whether your files can be used, and what to do where they cannot. You can also drop them here.",
        ),
        (
            UiCommand::OpenRunDialog,
            "A run folder, finished or stopped: look at it, resume it, export it.",
        ),
    ] {
        let button = Button::new(command.text()).min_size(vec2(300.0, 30.0));
        let obstacle = command.obstacle(state);
        if ui.add_enabled(obstacle.is_none(), button).clicked() {
            commands.push(command);
        }
        explain_ui(ui, summary);
        ui.add_space(tokens::GAP);
    }
}

fn runs_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    ui.heading("Runs on this computer");
    ui.add_space(tokens::GAP);
    if let Some(path) = &state.pending.opening {
        ui.label(format!("Opening {}…", path.display()));
    }
    if state.known_runs.is_empty() {
        explain_ui(
            ui,
            "None yet. Runs that you start here are listed with the newest first.",
        );
    }
    for run in state.known_runs.iter().take(10) {
        let response = ui
            .link(&run.name)
            .on_hover_text(run.path.display().to_string());
        if response.clicked() {
            commands.push(UiCommand::OpenRun(run.path.clone()));
        }
        explain_ui(ui, &run.detail);
        ui.add_space(tokens::GAP / 2.0);
    }
}

/// A text of secondary importance. The columns spread buttons over their width, and would spread its words as well.
fn explain_ui(ui: &mut Ui, text: &str) {
    let color = theme::of(ui).weak_text;
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.label(RichText::new(text).color(color));
    });
}
