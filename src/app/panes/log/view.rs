//! Draws the pane for device and log.

use egui::{Grid, Label, RichText, ScrollArea, Ui};

use super::view_model::{self, level_name};
use crate::app::command::UiCommand;
use crate::app::panes::common::{TWO_COLUMNS_FROM, command_button, failure_ui};
use crate::app::state::{AppState, LogLine};
use crate::app::theme;
use crate::app::widgets::number::utc_second_of_day;
use crate::app::widgets::stat_grid;
use crate::engine::device::DeviceStatus;
use crate::engine::event::NoticeLevel;

/// Least height of the list of messages, points.
const LEAST_MESSAGES: f32 = 150.0;

/// The pane and the least severe level that it shows.
pub struct LogPane {
    level: NoticeLevel,
}

impl Default for LogPane {
    fn default() -> Self {
        Self {
            level: NoticeLevel::Info,
        }
    }
}

impl LogPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        failure_ui(ui, state);
        ui.strong(view_model::device(state)).on_hover_text(
            "An explicit request that cannot be met is an error, never a silent fallback.",
        );
        stat_grid(ui, &view_model::figures(state));
        ui.separator();
        let height = (ui.available_height() * 0.45).max(LEAST_MESSAGES);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.messages_ui(ui, state, height);
            ui.separator();
            if ui.available_width() >= TWO_COLUMNS_FROM {
                ui.columns(2, |columns| {
                    // Columns would justify the text.
                    columns[0].vertical(|ui| devices_ui(ui, state, commands));
                    columns[1].vertical(|ui| stages_ui(ui, state));
                });
            } else {
                devices_ui(ui, state, commands);
                ui.separator();
                stages_ui(ui, state);
            }
        });
    }

    fn messages_ui(&mut self, ui: &mut Ui, state: &AppState, height: f32) {
        let lines = view_model::messages(state, self.level);
        ui.horizontal_wrapped(|ui| {
            ui.strong("Messages");
            for (level, name) in [
                (NoticeLevel::Info, "All"),
                (NoticeLevel::Warning, "Warnings and errors"),
                (NoticeLevel::Error, "Errors"),
            ] {
                ui.selectable_value(&mut self.level, level, name);
            }
            if ui.button("Copy all").clicked() {
                let text: Vec<String> = lines.iter().map(|line| line_text(line)).collect();
                ui.copy_text(text.join("\n"));
            }
            ui.weak("Times are UTC; the newest is first.");
        });
        if lines.is_empty() {
            ui.weak("Nothing has been said at this level.");
            return;
        }
        let row_height = ui.text_style_height(&egui::TextStyle::Body);
        ScrollArea::vertical()
            .id_salt("messages")
            .auto_shrink([false, true])
            .max_height(height)
            .show_rows(ui, row_height, lines.len(), |ui, range| {
                // Rows hold text only, so they need not be as high as buttons.
                ui.spacing_mut().interact_size.y = row_height;
                for line in &lines[range] {
                    message_ui(ui, line);
                }
            });
    }
}

fn message_ui(ui: &mut Ui, line: &LogLine) {
    let tokens = theme::of(ui);
    let color = match line.level {
        NoticeLevel::Info => tokens.weak_text,
        NoticeLevel::Warning => tokens.warning,
        NoticeLevel::Error => tokens.bad,
    };
    ui.horizontal(|ui| {
        ui.label(
            RichText::new(utc_second_of_day(line.time_millis))
                .monospace()
                .weak(),
        );
        ui.label(
            RichText::new(format!("{:<7}", level_name(line.level)))
                .monospace()
                .color(color),
        );
        if let Some(stage) = line.stage {
            ui.label(
                RichText::new(format!("{:<8}", stage.name()))
                    .monospace()
                    .weak(),
            );
        }
        let mut text = line.text.clone();
        if let Some(hint) = &line.hint {
            text.push_str(&format!(" ({hint})"));
        }
        ui.add(Label::new(&text).truncate());
    });
}

fn line_text(line: &LogLine) -> String {
    let stage = line.stage.map_or("", |stage| stage.name());
    let hint = line.hint.as_deref().unwrap_or("");
    format!(
        "{}\t{}\t{stage}\t{}\t{hint}",
        utc_second_of_day(line.time_millis),
        level_name(line.level),
        line.text
    )
}

fn devices_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    ui.horizontal(|ui| {
        ui.strong("Devices of this machine");
        command_button(ui, state, commands, UiCommand::ProbeDevices);
    });
    match &state.devices {
        None => {
            ui.weak("Looking for devices.");
        }
        Some(devices) => {
            for device in devices {
                device_ui(ui, device);
            }
        }
    }
}

fn device_ui(ui: &mut Ui, device: &DeviceStatus) {
    let tokens = theme::of(ui);
    let (word, color) = if device.can_train {
        ("can train", tokens.good)
    } else {
        ("cannot train", tokens.warning)
    };
    ui.horizontal_wrapped(|ui| {
        ui.monospace(format!("{} {}", device.backend.name(), device.index));
        ui.label(&device.name);
        ui.colored_label(color, word);
    });
    for text in [&device.reason, &device.remedy] {
        if !text.is_empty() {
            ui.weak(text);
        }
    }
}

fn stages_ui(ui: &mut Ui, state: &AppState) {
    ui.strong("Stages");
    Grid::new("stages")
        .num_columns(4)
        .spacing([14.0, 2.0])
        .show(ui, |ui| {
            for [name, status, done, time] in view_model::stages(state) {
                ui.label(name);
                ui.label(status);
                ui.monospace(done);
                ui.monospace(time);
                ui.end_row();
            }
        });
}
