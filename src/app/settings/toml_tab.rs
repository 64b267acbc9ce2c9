//! All settings as text. What is typed counts once it is applied.

use std::path::Path;

use egui::{RichText, TextEdit, Ui};

use crate::app::command::UiCommand;
use crate::app::state::Draft;
use crate::app::theme;
use crate::engine::config::ExperimentConfig;

/// The text being edited.
#[derive(Default)]
pub(super) struct TomlTab {
    text: String,
    /// The settings that `text` was made from or applied to.
    base: String,
    error: Option<String>,
}

impl TomlTab {
    pub(super) fn ui(&mut self, ui: &mut Ui, draft: &Draft, commands: &mut Vec<UiCommand>) {
        let current = draft.config.to_toml();
        if self.base != current {
            // The settings were changed elsewhere, or what was typed has arrived.
            self.text.clone_from(&current);
            self.base = current;
            self.error = None;
        }
        let is_edited = self.text != self.base;
        ui.horizontal(|ui| {
            if ui
                .add_enabled(is_edited, egui::Button::new("Apply"))
                .clicked()
            {
                match ExperimentConfig::from_toml(&self.text, Path::new("settings")) {
                    Ok(config) => {
                        self.error = None;
                        commands.push(UiCommand::EditConfig(Box::new(config)));
                    }
                    Err(error) => self.error = Some(error.to_string()),
                }
            }
            if ui
                .add_enabled(is_edited, egui::Button::new("Revert"))
                .clicked()
            {
                self.text.clone_from(&self.base);
                self.error = None;
            }
            if ui.button("Copy").clicked() {
                commands.push(UiCommand::CopyText(self.text.clone()));
            }
        });
        if let Some(error) = &self.error {
            ui.label(RichText::new(error).color(theme::of(ui).bad));
        }
        let editor = TextEdit::multiline(&mut self.text)
            .code_editor()
            .desired_width(f32::INFINITY)
            .desired_rows(30);
        ui.add(editor).widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::MultilineTextInput, true, "All settings as TOML")
        });
    }
}
