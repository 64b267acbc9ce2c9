//! Draws the user's mark on a preference pair: leave it out, turn it round, take the mark off, and why.

use egui::{TextEdit, Ui};

use super::pairs::{PairRow, verdict_name};
use crate::app::command::{DialogKind, UiCommand};
use crate::app::panes::common::{button_unless, command_button};
use crate::app::state::AppState;
use crate::app::theme;
use crate::engine::run::pair_marks::{MOST_NOTE_CHARS, PairKey, PairVerdict};

/// What a mark does and when.
const EFFECT: &str = "A mark is kept in the run folder (pair_marks.json). Where the same user's pair with the same two \
    slates comes up again, in a later step, after a resume or when alignment is done again, it is left out or \
    learned the other way round. Steps that are done stay as they are. Pairs left out are counted in the steps and in \
    the report";

/// What is being written about a pair.
#[derive(Default)]
pub(super) struct MarkView {
    note: String,
    /// The pair that the note is about.
    of: Option<PairKey>,
}

impl MarkView {
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        row: PairRow<'_>,
        commands: &mut Vec<UiCommand>,
    ) {
        if let Some(failure) = &state.run.pair_marks_failure {
            ui.colored_label(theme::of(ui).bad, &failure.message);
            if let Some(hint) = &failure.hint {
                ui.weak(format!("What to do: {hint}"));
            }
        }
        let pair = row.pair.key();
        if self.of.as_ref() != Some(&pair) {
            self.note = row.mark.map_or_else(String::new, |mark| mark.note.clone());
            self.of = Some(pair.clone());
        }
        ui.horizontal_wrapped(|ui| {
            ui.label("Mark").on_hover_text(EFFECT);
            for (verdict, tip) in [
                (
                    PairVerdict::LeaveOut,
                    "Learn nothing from this pair when it comes up again",
                ),
                (
                    PairVerdict::TurnRound,
                    "Learn it with chosen and rejected exchanged when it comes up again",
                ),
            ] {
                let command = UiCommand::MarkPair {
                    pair: pair.clone(),
                    mark: Some((verdict, self.note.trim().to_owned())),
                };
                let is_set = row.mark.is_some_and(|mark| mark.verdict == verdict);
                let obstacle = command.obstacle(state);
                let button = egui::Button::new(command.text()).selected(is_set);
                let mut button = ui
                    .add_enabled(obstacle.is_none(), button)
                    .on_hover_text(format!("{tip}. {EFFECT}"));
                if let Some(reason) = obstacle {
                    button = button.on_disabled_hover_text(reason);
                }
                if button.clicked() && !is_set {
                    commands.push(command);
                }
            }
            let label = ui.label("Note");
            let field = ui
                .add(
                    TextEdit::singleline(&mut self.note)
                        .desired_width(180.0)
                        .char_limit(MOST_NOTE_CHARS)
                        .hint_text("why, if you like"),
                )
                .labelled_by(label.id);
            if let Some(mark) = row.mark {
                let note = self.note.trim();
                if field.lost_focus() && note != mark.note {
                    commands.push(UiCommand::MarkPair {
                        pair: mark.pair.clone(),
                        mark: Some((mark.verdict, note.to_owned())),
                    });
                }
                let unmark = UiCommand::MarkPair { pair, mark: None };
                if button_unless(ui, unmark.text(), unmark.obstacle(state)) {
                    commands.push(unmark);
                }
            }
        });
        if let Some(mark) = row.mark {
            ui.horizontal_wrapped(|ui| {
                ui.weak(format!(
                    "Marked: {}. {}",
                    verdict_name(mark.verdict),
                    when(state)
                ));
                if !state.run.is_active() {
                    let again = UiCommand::ShowDialog(DialogKind::ConfirmAlignAgain);
                    command_button(ui, state, commands, again);
                }
            });
        }
    }
}

fn when(state: &AppState) -> &'static str {
    if state.run.is_active() {
        "It holds from the next step in which the pair comes up."
    } else if state.run.is_resumable() {
        "It holds when the run is resumed, or aligned again."
    } else {
        "It holds when alignment is done again."
    }
}
