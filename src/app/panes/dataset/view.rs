//! Draws the dataset pane.

use egui::{Grid, RichText, Ui};

use super::check_model;
use super::check_view::check_ui;
use super::view_model::{self, DatasetModel, Histogram, SessionRow};
use crate::app::command::UiCommand;
use crate::app::panes::common::{
    button_unless, command_button, failure_ui, number_cell, scrolled, side_by_side, waiting_ui,
};
use crate::app::state::AppState;
use crate::app::theme::{self, tokens};
use crate::app::widgets::number::percent;
use crate::app::widgets::{BarChart, empty_state, failure_box, progress_bar, share_bar, stat_grid};
use crate::engine::event::Stage;

/// Width that the words and numbers beside the bars of feedback need, points.
const FEEDBACK_FIGURES: f32 = 230.0;

/// The pane; it keeps nothing of its own.
#[derive(Default)]
pub struct DatasetPane {}

impl DatasetPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        scrolled(ui, |ui| {
            reading_ui(ui, state, commands);
            failed_ui(ui, state, commands);
            if let Some(model) = check_model::check(state) {
                failure_ui(ui, state);
                check_ui(ui, state, &model, commands);
            } else if let Some(model) = view_model::dataset(state) {
                failure_ui(ui, state);
                dataset_ui(ui, state, &model, commands);
            } else {
                nothing_yet(ui, state, commands);
            }
        });
    }
}

/// How far a reading apart from a run is, with the way to stop it.
fn reading_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let Some(question) = state.data.reading() else {
        return;
    };
    let verb = if question.is_check {
        "Checking"
    } else {
        "Reading"
    };
    let name = format!("{verb} {}", question.path.display());
    ui.horizontal(|ui| {
        command_button(ui, state, commands, UiCommand::StopReading);
        ui.add(egui::Label::new(RichText::new(&name).strong()).truncate());
    });
    let doing = state.data.progress.as_ref();
    let doing = doing.map_or("beginning", |progress| progress.doing.as_str());
    match state.data.fraction() {
        Some(share) => {
            let text = format!("{doing}, {:.0} %", 100.0 * share);
            progress_bar(ui, &name, share, &text);
        }
        None => {
            ui.weak(doing);
        }
    }
    ui.add_space(tokens::GAP);
}

/// Why the newest reading came to nothing, and what to do.
fn failed_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let Some(failed) = &state.data.failed else {
        return;
    };
    let path = failed.question.path.display();
    let (failure, hint) = (&failed.failure, failed.failure.hint.as_deref());
    if failed.is_stopped() {
        ui.label(format!(
            "Reading {path} was stopped; nothing of it is known."
        ));
    } else {
        failure_box(
            ui,
            &format!("{path} could not be read."),
            &failure.message,
            hint,
        );
    }
    ui.horizontal_wrapped(|ui| {
        let check = UiCommand::CheckData(failed.question.path.clone());
        let words = if failed.question.is_check {
            "Check it again"
        } else {
            "Check it row by row"
        };
        if button_unless(ui, words, check.obstacle(state)) {
            commands.push(check);
        }
        command_button(ui, state, commands, UiCommand::ImportDataDialog);
    });
    ui.add_space(tokens::GAP);
}

fn nothing_yet(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let title = "No dataset read yet";
    let text = "Counts, sparsity, histories, popularity, feedback, sessions under every grouping and the split appear \
                here once the data is read. A check says of any file whether it can be used and what to do.";
    // What is being read, or why it could not be, stands above already.
    if state.data.reading().is_some() || state.data.failed.is_some() {
        return failure_ui(ui, state);
    }
    if state.draft.has_data() || state.run.is_active() {
        waiting_ui(ui, state, commands, Stage::Data, title, text);
    } else {
        failure_ui(ui, state);
        empty_state(ui, title, text, None);
        ui.add_space(tokens::GAP);
        ui.vertical_centered(|ui| {
            command_button(ui, state, commands, UiCommand::ImportDataDialog);
        });
    }
    ui.vertical_centered(|ui| {
        command_button(ui, state, commands, UiCommand::CheckDataDialog);
    });
}

/// Everything known of a dataset.
pub(super) fn dataset_ui(
    ui: &mut Ui,
    state: &AppState,
    model: &DatasetModel,
    commands: &mut Vec<UiCommand>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.heading(&model.title);
        ui.add_space(tokens::GAP);
        command_button(ui, state, commands, UiCommand::CheckDataDialog);
        if model.is_outdated {
            command_button(ui, state, commands, UiCommand::CountData);
            let color = theme::of(ui).warning;
            ui.colored_label(color, "The settings of the data have changed since.");
        }
    });
    source_ui(ui, model);
    contents_ui(ui, model);
}

/// Counts, charts and findings of a dataset, without its title.
pub(super) fn contents_ui(ui: &mut Ui, model: &DatasetModel) {
    counts_ui(ui, model);
    histograms_ui(ui, model);
    side_by_side(ui, |ui| sessions_ui(ui, model), |ui| feedback_ui(ui, model));
    order_ui(ui, model);
    features_ui(ui, model);
    section(ui, "Split");
    ui.label(&model.split_rule);
    list_ui(ui, "What to keep in mind", &model.advice);
    list_ui(ui, "Warnings", &model.warnings);
    section(ui, "Fingerprint").on_hover_text(
        "SHA-256 of the content. Checkpoints are used only with the data they were made from.",
    );
    ui.add(egui::Label::new(RichText::new(&model.fingerprint).monospace()).truncate());
}

/// Format, time range and place.
pub(super) fn source_ui(ui: &mut Ui, model: &DatasetModel) {
    ui.add(egui::Label::new(RichText::new(&model.source).weak()).truncate());
    ui.add_space(tokens::GAP / 2.0);
}

/// The figures in a grid.
pub(in crate::app::panes) fn counts_ui(ui: &mut Ui, model: &DatasetModel) {
    stat_grid(ui, &model.counts);
    ui.add_space(tokens::GAP);
}

/// Both histograms, side by side where there is room.
pub(in crate::app::panes) fn histograms_ui(ui: &mut Ui, model: &DatasetModel) {
    side_by_side(
        ui,
        |ui| histogram_ui(ui, "Users by positive events", &model.history_lengths, 0),
        |ui| histogram_ui(ui, "Items by positive events", &model.popularity, 1),
    );
}

fn histogram_ui(ui: &mut Ui, title: &str, histogram: &Histogram, color_idx: usize) {
    section(ui, title);
    BarChart {
        title,
        values: &histogram.values,
        bar_name: &|idx| histogram.names[idx].clone(),
        reference: None,
        color_idx,
        height: 150.0,
    }
    .show(ui);
}

fn sessions_ui(ui: &mut Ui, model: &DatasetModel) {
    if model.sessions.is_empty() {
        return;
    }
    section(ui, "Sessions under each grouping").on_hover_text(
        "Groups of positive events of the learnable part, which the generator learns to write as one slate; \
         kept are those that pass the quality rule of the settings.",
    );
    Grid::new("sessions by rule")
        .num_columns(4)
        .spacing([20.0, 4.0])
        .striped(true)
        .show(ui, |ui| {
            for name in ["Grouping", "Found", "Kept", ""] {
                ui.weak(name);
            }
            ui.end_row();
            for row in &model.sessions {
                session_row_ui(ui, row);
                ui.end_row();
            }
        });
    ui.weak(format!("In use: {}.", model.session_rule));
}

fn session_row_ui(ui: &mut Ui, row: &SessionRow) {
    let name = RichText::new(row.name);
    let name = if row.is_used { name.strong() } else { name };
    ui.label(name).on_hover_text(&row.words);
    match &row.counts {
        Some(counts) => {
            for cell in counts {
                number_cell(ui, cell);
            }
        }
        None => {
            ui.weak("-");
            ui.weak("-");
        }
    }
    match (row.is_used, &row.counts) {
        (true, Some(_)) => ui.colored_label(theme::of(ui).good, "in use"),
        (true, None) => ui.colored_label(theme::of(ui).bad, format!("in use, but {}", row.words)),
        (false, None) => ui.weak(&row.words),
        (false, Some(_)) => ui.label(""),
    };
}

fn feedback_ui(ui: &mut Ui, model: &DatasetModel) {
    section(ui, "Feedback").on_hover_text("Events with this kind of feedback / all events.");
    if model.feedback.is_empty() {
        ui.label("No kind of feedback occurs.");
        return;
    }
    let width = (ui.available_width() - FEEDBACK_FIGURES).clamp(60.0, 260.0);
    Grid::new("feedback").num_columns(5).show(ui, |ui| {
        for name in ["Kind", "", "Share", "Events", ""] {
            ui.weak(name);
        }
        ui.end_row();
        for (name, events, share) in &model.feedback {
            ui.label(name);
            share_bar(ui, name, *share, width);
            number_cell(ui, &percent(*share));
            number_cell(ui, events);
            ui.label("");
            ui.end_row();
        }
    });
    if !model.absent_feedback.is_empty() {
        ui.weak(format!("Never: {}.", model.absent_feedback.join(", ")));
    }
}

fn order_ui(ui: &mut Ui, model: &DatasetModel) {
    section(ui, "Order of events");
    for finding in &model.order {
        if finding.is_suspicious {
            let color = theme::of(ui).warning;
            ui.label(RichText::new(format!("Take care: {}", finding.text)).color(color));
        } else {
            ui.label(&finding.text);
        }
    }
}

/// Which pathway of the encoder reads what of the data.
fn features_ui(ui: &mut Ui, model: &DatasetModel) {
    if model.features.is_empty() {
        return;
    }
    section(ui, "Features and the pathways that read them").on_hover_text(
        "With model.system = \"pathways\": what the encoder reads of every interaction and of every user. \
         What the data lacks is absent from the model; nothing stands in for it.",
    );
    Grid::new("features")
        .num_columns(3)
        .spacing([20.0, 4.0])
        .striped(true)
        .show(ui, |ui| {
            for name in ["Feature", "Values", "Pathways"] {
                ui.weak(name);
            }
            ui.end_row();
            for [feature, values, pathways] in &model.features {
                ui.label(feature);
                number_cell(ui, values);
                ui.label(pathways);
                ui.end_row();
            }
        });
}

/// A list of sentences under a title; nothing where there are none.
pub(super) fn list_ui(ui: &mut Ui, title: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    section(ui, title);
    for (number, sentence) in (1..).zip(sentences) {
        ui.label(format!("{number}. {sentence}"));
    }
}

/// A title with space above it.
pub(super) fn section(ui: &mut Ui, title: &str) -> egui::Response {
    ui.add_space(tokens::GAP);
    ui.strong(title)
}
