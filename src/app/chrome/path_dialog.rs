//! Asks for a path. A field to type or paste it is always there, because the system's own dialog may be
//! missing or may never answer.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Context, Id, Key, Modal, RichText, TextEdit};

use crate::app::command::UiCommand;
use crate::app::theme;
use crate::engine::chart::LineChart;
use crate::engine::event::Stage;

/// What the path is for.
#[derive(Clone, Debug, PartialEq)]
pub enum PathPurpose {
    /// A dataset.
    ImportData,
    /// Files to check.
    CheckData,
    /// A run folder.
    OpenRun,
    /// A settings file.
    LoadSettings,
    /// A folder for the generator of that stage.
    Export(Stage),
    /// A table of semantic IDs made elsewhere, to be set beside those tokenizers.
    CompareTable {
        /// Their short names.
        names: Vec<String>,
    },
    /// A text's file.
    SaveText {
        /// The name offered.
        name: String,
        /// What to write.
        text: Arc<str>,
    },
    /// A chart's file.
    SaveChart {
        /// The name offered.
        name: String,
        /// What to write.
        chart: Box<LineChart>,
    },
}

impl PathPurpose {
    /// The dialog's title.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::ImportData => "Import data",
            Self::CheckData => "Check data",
            Self::OpenRun => "Open run",
            Self::LoadSettings => "Load settings",
            Self::Export(_) => "Export generator",
            Self::CompareTable { .. } => "Compare with a table of semantic IDs",
            Self::SaveText { .. } => "Save table",
            Self::SaveChart { .. } => "Save chart",
        }
    }

    /// What to do with the answer.
    pub fn command(self, path: PathBuf) -> UiCommand {
        match self {
            Self::ImportData => UiCommand::ImportData(path),
            Self::CheckData => UiCommand::CheckData(path),
            Self::OpenRun => UiCommand::OpenRun(path),
            Self::LoadSettings => UiCommand::LoadSettings(path),
            Self::Export(stage) => UiCommand::ExportCheckpoint {
                stage,
                folder: path,
            },
            Self::CompareTable { names } => UiCommand::CompareTokenizers {
                names,
                tables: vec![path],
            },
            Self::SaveText { name, text } => UiCommand::SaveText {
                path: with_extension_of(path, &name),
                text,
            },
            Self::SaveChart { name, chart } => UiCommand::SaveChart {
                path: with_extension_of(path, &name),
                chart,
            },
        }
    }

    const fn explanation(&self) -> &'static str {
        match self {
            Self::ImportData => "Path of a folder or file: CSV, JSON Lines, Parquet or KuaiRand.",
            Self::CheckData => "Path of a folder or file in any layout; it is only read.",
            Self::OpenRun => "Path of a run folder: the one that holds events.jsonl.",
            Self::LoadSettings => "Path of a TOML file.",
            Self::Export(_) => "Path of the folder to write to; it is created.",
            Self::CompareTable { .. } => {
                "Path of a table: JSON from item to codes, as MiniOneRec's, or Parquet."
            }
            Self::SaveText { .. } => "Path of the file to write.",
            Self::SaveChart { .. } => {
                "Path of the file to write; its ending may be png, svg or csv."
            }
        }
    }

    const fn action(&self) -> &'static str {
        match self {
            Self::ImportData => "Import",
            Self::CheckData => "Check",
            Self::OpenRun => "Open",
            Self::LoadSettings => "Load",
            Self::Export(_) => "Export",
            Self::CompareTable { .. } => "Compare",
            Self::SaveText { .. } | Self::SaveChart { .. } => "Save",
        }
    }
}

/// Appends the extension that was offered where the answer has none.
fn with_extension_of(mut path: PathBuf, name: &str) -> PathBuf {
    if path.extension().is_none()
        && let Some(extension) = std::path::Path::new(name).extension()
    {
        path.set_extension(extension);
    }
    path
}

/// The dialog.
#[derive(Default)]
pub struct PathDialog {
    purpose: Option<PathPurpose>,
    text: String,
    is_fresh: bool,
}

impl PathDialog {
    /// Opens the dialog.
    pub fn open(&mut self, purpose: PathPurpose) {
        self.text = match &purpose {
            PathPurpose::SaveChart { name, .. } | PathPurpose::SaveText { name, .. } => {
                name.clone()
            }
            _ => String::new(),
        };
        self.purpose = Some(purpose);
        self.is_fresh = true;
    }

    /// Closes the dialog without an answer.
    pub fn close(&mut self) {
        self.purpose = None;
    }

    /// Closes the dialog if it still asks for that; false where the user has gone on to something else.
    pub fn close_if(&mut self, purpose: &PathPurpose) -> bool {
        let is_asked = self.purpose.as_ref() == Some(purpose);
        if is_asked {
            self.close();
        }
        is_asked
    }

    /// Whether the dialog is open.
    pub fn is_open(&self) -> bool {
        self.purpose.is_some()
    }

    /// Draws the dialog.
    pub fn ui(&mut self, ctx: &Context, commands: &mut Vec<UiCommand>) {
        let Some(purpose) = self.purpose.clone() else {
            return;
        };
        let mut is_given = false;
        let mut is_cancelled = false;
        let modal = Modal::new(Id::unique("path_dialog")).show(ctx, |ui| {
            ui.set_width(520.0);
            ui.heading(purpose.title());
            let label = ui.label(purpose.explanation());
            let field = ui
                .add(TextEdit::singleline(&mut self.text).desired_width(f32::INFINITY))
                .labelled_by(label.id);
            if std::mem::take(&mut self.is_fresh) {
                field.request_focus();
            }
            is_given = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let text = "The system's file dialog opens beside this one where there is one.";
            ui.label(RichText::new(text).color(theme::of(ui).weak_text));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let is_filled = !self.text.trim().is_empty();
                is_given |= ui
                    .add_enabled(is_filled, egui::Button::new(purpose.action()))
                    .clicked();
                is_cancelled = ui.button("Cancel").clicked();
            });
        });
        if is_given && !self.text.trim().is_empty() {
            commands.push(purpose.command(PathBuf::from(self.text.trim())));
            self.close();
        } else if is_cancelled || modal.should_close() {
            self.close();
        }
    }
}
