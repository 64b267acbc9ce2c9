//! Draws the report of a check of files.

use egui::{RichText, Ui};

use super::check_model::{CheckModel, FileModel};
use super::view::{contents_ui, list_ui, section, source_ui};
use crate::app::command::UiCommand;
use crate::app::panes::common::{button_unless, command_button};
use crate::app::state::AppState;
use crate::app::theme::{self, tokens};
use crate::app::widgets::number::count;
use crate::engine::data::check::Verdict;

/// The whole report.
pub(super) fn check_ui(
    ui: &mut Ui,
    state: &AppState,
    model: &CheckModel,
    commands: &mut Vec<UiCommand>,
) {
    verdict_ui(ui, model);
    buttons_ui(ui, state, model, commands);
    if let Some(problem) = &model.problem {
        section(ui, "What is in the way");
        ui.colored_label(theme::of(ui).bad, problem);
    }
    list_ui(ui, "What to do", &model.advice);
    section(ui, "Layout");
    ui.label(&model.layout);
    list_ui(ui, "Warnings", &model.warnings);
    bad_rows_ui(ui, model);
    files_ui(ui, &model.files);
    if let Some(dataset) = &model.dataset {
        section(ui, "What is in it");
        source_ui(ui, dataset);
        contents_ui(ui, dataset);
    }
}

fn verdict_ui(ui: &mut Ui, model: &CheckModel) {
    let tokens = theme::of(ui);
    let color = match model.verdict {
        Verdict::Usable => tokens.good,
        Verdict::UsableWithCare => tokens.warning,
        Verdict::NotUsable => tokens.bad,
    };
    let text = format!("{} {}", model.title, model.verdict.describe());
    ui.label(RichText::new(text).heading().color(color));
    ui.add(egui::Label::new(RichText::new(model.path.display().to_string()).weak()).truncate());
}

fn buttons_ui(ui: &mut Ui, state: &AppState, model: &CheckModel, commands: &mut Vec<UiCommand>) {
    ui.add_space(tokens::GAP / 2.0);
    ui.horizontal_wrapped(|ui| {
        command_button(ui, state, commands, UiCommand::UseCheckedData);
        let recheck = UiCommand::CheckData(model.path.clone());
        let obstacle = recheck.obstacle(state);
        for fix in &model.fixes {
            if button_unless(ui, fix.text(), obstacle) {
                commands.extend(fix.commands(state));
            }
        }
        if ui
            .button("Copy report")
            .on_hover_text("The whole report as text, as the command line prints it")
            .clicked()
        {
            commands.push(UiCommand::CopyText(model.text.clone()));
        }
        command_button(ui, state, commands, UiCommand::CloseCheck);
        if model.is_outdated {
            if button_unless(ui, "Check again", obstacle) {
                commands.push(recheck);
            }
            let color = theme::of(ui).warning;
            ui.colored_label(color, "The settings of the data have changed since.");
        }
    });
}

fn bad_rows_ui(ui: &mut Ui, model: &CheckModel) {
    if model.n_bad_rows == 0 {
        return;
    }
    let n_rows = model.n_bad_rows;
    section(
        ui,
        &match n_rows {
            1 => "1 row cannot be read".to_owned(),
            _ => format!("{} rows cannot be read", count(n_rows)),
        },
    );
    for [place, what] in &model.bad_rows {
        ui.horizontal_wrapped(|ui| {
            ui.monospace(place);
            ui.label(what);
        });
    }
    let n_more = n_rows.saturating_sub(model.bad_rows.len() as u64);
    if n_more > 0 {
        ui.weak(format!("and {} more", count(n_more)));
    }
}

fn files_ui(ui: &mut Ui, files: &[FileModel]) {
    if files.is_empty() {
        return;
    }
    section(ui, "Files and columns");
    for file in files {
        ui.horizontal_wrapped(|ui| {
            ui.monospace(&file.name);
            if file.has_bad_rows {
                ui.colored_label(theme::of(ui).warning, &file.facts);
            } else {
                ui.weak(&file.facts);
            }
        });
        for (what, names) in &file.columns {
            ui.indent((&file.name, what), |ui| {
                ui.label(format!("{what}: {names}"));
            });
        }
    }
}
