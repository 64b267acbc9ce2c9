//! The dialogs. At most one is open; Escape closes it.

use egui::{Context, Id, Modal, RichText, Ui};

use super::menu::Menu;
use super::palette::Palette;
use crate::app::command::{DialogKind, UiCommand};
use crate::app::state::{AppState, RunStatus};
use crate::app::theme::{self, ThemeChoice};

/// Which dialog is open, with what it remembers.
#[derive(Default)]
pub struct Dialogs {
    kind: Option<DialogKind>,
    palette: Palette,
}

impl Dialogs {
    /// Opens a dialog in place of another.
    pub fn open(&mut self, kind: DialogKind) {
        self.palette = Palette::default();
        self.kind = Some(kind);
    }

    /// Closes the dialog.
    pub fn close(&mut self) {
        self.kind = None;
    }

    /// Whether a dialog is open.
    pub fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Draws the open dialog.
    pub fn ui(
        &mut self,
        ctx: &Context,
        state: &AppState,
        theme: ThemeChoice,
        commands: &mut Vec<UiCommand>,
    ) {
        let Some(kind) = self.kind else {
            return;
        };
        let modal = Modal::new(Id::unique("dialog")).show(ctx, |ui| {
            ui.set_max_width(540.0);
            ui.heading(kind.title());
            ui.add_space(6.0);
            match kind {
                DialogKind::Palette => {
                    if let Some(command) = self.palette.ui(ui, state) {
                        commands.push(command);
                        return true;
                    }
                    false
                }
                DialogKind::Preferences => preferences_ui(ui, theme, commands),
                DialogKind::Shortcuts => shortcuts_ui(ui),
                DialogKind::SemanticIds => semantic_ids_ui(ui),
                DialogKind::About => about_ui(ui),
                DialogKind::ConfirmQuit => confirm_quit_ui(ui, commands),
                DialogKind::ConfirmAlignAgain => confirm_align_again_ui(ui, commands),
                DialogKind::RunFailed => run_failed_ui(ui, state, commands),
            }
        });
        // A dialog that another one has replaced meanwhile must stay.
        if (modal.inner || modal.should_close()) && self.kind == Some(kind) {
            self.close();
        }
    }
}

fn close_button(ui: &mut Ui) -> bool {
    ui.add_space(10.0);
    ui.button("Close").clicked()
}

fn preferences_ui(ui: &mut Ui, theme: ThemeChoice, commands: &mut Vec<UiCommand>) -> bool {
    ui.label("Theme");
    for choice in ThemeChoice::ALL {
        if ui.radio(choice == theme, choice.title()).clicked() {
            commands.push(UiCommand::SetTheme(choice));
        }
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        ui.label(format!("Size: {:.0} %", ui.ctx().zoom_factor() * 100.0));
        for command in [UiCommand::ZoomOut, UiCommand::ZoomReset, UiCommand::ZoomIn] {
            if ui.button(command.text()).clicked() {
                commands.push(command);
            }
        }
    });
    ui.add_space(8.0);
    let mut is_reduced = ui.ctx().global_style().animation_time == 0.0;
    if ui.checkbox(&mut is_reduced, "Reduce motion").changed() {
        let seconds = if is_reduced {
            0.0
        } else {
            egui::Style::default().animation_time
        };
        ui.ctx()
            .all_styles_mut(|style| style.animation_time = seconds);
    }
    close_button(ui)
}

fn shortcuts_ui(ui: &mut Ui) -> bool {
    egui::ScrollArea::vertical()
        .max_height(440.0)
        .show(ui, |ui| {
            egui::Grid::new("shortcuts")
                .num_columns(2)
                .striped(true)
                .spacing([40.0, 4.0])
                .show(ui, |ui| {
                    for command in Menu::ALL.into_iter().flat_map(Menu::groups).flatten() {
                        if let Some(keys) = command.shortcut() {
                            ui.label(command.text());
                            ui.monospace(ui.ctx().format_shortcut(&keys));
                            ui.end_row();
                        }
                    }
                    for (what, keys) in [("Go to the menu bar", "F10"), ("Close a dialog", "Esc")] {
                        ui.label(what);
                        ui.monospace(keys);
                        ui.end_row();
                    }
                });
        });
    close_button(ui)
}

fn semantic_ids_ui(ui: &mut Ui) -> bool {
    for paragraph in [
        "A generative recommender does not score items one by one: it writes the next items as a \
         language model writes words. For that every item needs a name made of a few tokens.",
        "A semantic ID is such a name. The item's vector is replaced by the nearest of K codewords; what is \
         left over, the residual, is replaced again on the next level. The codes of all levels are the ID, for \
         example 12.201.5.",
        "Items that are alike share the first codes. That lets the model carry over what it knows from one item \
         to its neighbours, and it makes the first level a coarse topic.",
        "A good codebook uses all its codes about equally (high entropy, utilization 1) and gives few items the \
         same ID (low collision rate). The panes Codebook and Items by semantic ID show both.",
    ] {
        ui.label(paragraph);
        ui.add_space(6.0);
    }
    close_button(ui)
}

fn about_ui(ui: &mut Ui) -> bool {
    ui.label(format!(
        "Version {}. Licence {}.",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_LICENSE")
    ));
    ui.add_space(6.0);
    ui.label(
        "A workbench for generative recommendation after OneRec: semantic IDs, an encoder-decoder generator, \
         a session reward model and iterative preference alignment, in one program.",
    );
    ui.add_space(6.0);
    ui.label("Runs on your computer. Nothing is sent anywhere.");
    close_button(ui)
}

fn confirm_quit_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) -> bool {
    ui.label("Stopping saves a checkpoint first. The run can be resumed later from there.");
    ui.add_space(10.0);
    let mut is_closing = false;
    ui.horizontal(|ui| {
        let stop = ui.button(UiCommand::StopAndQuit.text());
        if ui.memory(|memory| memory.focused().is_none()) {
            stop.request_focus();
        }
        if stop.clicked() {
            commands.push(UiCommand::StopAndQuit);
        }
        is_closing = ui.button("Keep running").clicked();
    });
    is_closing
}

fn confirm_align_again_ui(ui: &mut Ui, commands: &mut Vec<UiCommand>) -> bool {
    ui.label(
        "The run's aligned generator and its evaluation are removed, and both stages are done again from the pretrained \
         generator, with the same settings and the marks on its pairs. The journal keeps what was said of the first.",
    );
    ui.add_space(10.0);
    let mut is_closing = false;
    ui.horizontal(|ui| {
        if ui.button(UiCommand::AlignAgain.text()).clicked() {
            commands.push(UiCommand::AlignAgain);
            is_closing = true;
        }
        let keep = ui.button("Keep the alignment");
        if ui.memory(|memory| memory.focused().is_none()) {
            keep.request_focus();
        }
        is_closing |= keep.clicked();
    });
    is_closing
}

fn run_failed_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) -> bool {
    let RunStatus::Failed(failure) = &state.run.status else {
        return true;
    };
    let tokens = theme::of(ui);
    ui.label(RichText::new(&failure.message).color(tokens.bad));
    if let Some(hint) = &failure.hint {
        ui.add_space(6.0);
        ui.label(format!("What to do: {hint}."));
    }
    ui.add_space(6.0);
    ui.label(
        "Everything saved before is still there; the window and the finished stages stay usable.",
    );
    ui.add_space(10.0);
    let mut is_closing = false;
    ui.horizontal(|ui| {
        if ui.button("Copy message").clicked() {
            commands.push(UiCommand::CopyText(failure.message.clone()));
        }
        if ui.button("Show run folder").clicked() {
            commands.push(UiCommand::OpenFolder(state.run.run_dir.clone()));
        }
        is_closing = ui.button("Close").clicked();
    });
    is_closing
}
