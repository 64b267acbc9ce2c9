//! What several panes say in the same words: a failed run, a stage that has not run yet, a command as a button, an item.

use egui::{Align, Button, Label, Layout, RichText, ScrollArea, Sense, Ui};

use crate::app::command::UiCommand;
use crate::app::state::{AppState, RunStatus};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{empty_state, failure_box, progress_bar, semantic_id_chip};
use crate::engine::event::{SlateItem, Stage};

/// Width of a pane below which things stand under each other instead of side by side, points.
pub(super) const TWO_COLUMNS_FROM: f32 = 600.0;

/// Width from which an item's codes and title stand in one line, points.
const ONE_LINE_FROM: f32 = 260.0;

/// A button that gives a command; where it cannot be given the tooltip says why.
pub(super) fn command_button(
    ui: &mut Ui,
    state: &AppState,
    commands: &mut Vec<UiCommand>,
    command: UiCommand,
) {
    if button_unless(ui, command.text(), command.obstacle(state)) {
        commands.push(command);
    }
}

/// A button that is disabled where something stands in its way, and says so. Returns whether it was pressed.
pub(super) fn button_unless(
    ui: &mut Ui,
    name: impl Into<egui::WidgetText>,
    obstacle: Option<&str>,
) -> bool {
    let mut button = ui.add_enabled(obstacle.is_none(), Button::new(name));
    if let Some(reason) = obstacle {
        button = button.on_disabled_hover_text(reason);
    }
    button.clicked()
}

/// The whole of a pane, scrolled where it does not fit, with room for the bar beside it.
pub(super) fn scrolled(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - tokens::GAP);
        content(ui);
    });
}

/// Two parts side by side where there is room, else under each other.
pub(super) fn side_by_side(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    if ui.available_width() < TWO_COLUMNS_FROM {
        left(ui);
        right(ui);
        return;
    }
    // Columns spread the words of their labels over the whole width, which text is not made for.
    let layout = Layout::top_down(Align::Min);
    ui.columns(2, |columns| {
        columns[0].with_layout(layout, left);
        columns[1].with_layout(layout, right);
    });
}

/// Parts of one kind, two beside each other where there is room, with a gap below each row.
pub(super) fn in_columns<T>(ui: &mut Ui, parts: &[T], gap: f32, mut draw: impl FnMut(&mut Ui, &T)) {
    let has_room = ui.available_width() >= TWO_COLUMNS_FROM && parts.len() > 1;
    let n_columns = if has_room { 2 } else { 1 };
    for row in parts.chunks(n_columns) {
        ui.columns(n_columns, |columns| {
            for (ui, part) in columns.iter_mut().zip(row) {
                // Columns would justify text.
                ui.vertical(|ui| draw(ui, part));
            }
        });
        ui.add_space(gap);
    }
}

/// A number in a grid, to the right of its cell. The last column of a grid has no right end: something must follow.
pub(super) fn number_cell(ui: &mut Ui, text: &str) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.monospace(text);
    });
}

/// A sentence or a name with a capital in front.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// Why the run failed and what to do, or nothing where it did not.
pub(super) fn failure_ui(ui: &mut Ui, state: &AppState) {
    if let RunStatus::Failed(failure) = &state.run.status {
        let title = "The run failed. What it had saved is still there.";
        failure_box(ui, title, &failure.message, failure.hint.as_deref());
    }
}

/// Shown where the result of `stage` will appear: its progress while a run is going, otherwise the button that
/// leads there.
pub(super) fn waiting_ui(
    ui: &mut Ui,
    state: &AppState,
    commands: &mut Vec<UiCommand>,
    stage: Stage,
    title: &str,
    text: &str,
) {
    failure_ui(ui, state);
    if state.run.is_active() {
        empty_state(ui, title, text, None);
        ui.add_space(10.0);
        running_ui(ui, state, stage);
        return;
    }
    let command = way_to(state, stage);
    let obstacle = command.obstacle(state);
    if empty_state(ui, title, text, Some((&command.text(), obstacle))) {
        commands.push(command);
    }
}

/// The command that leads to the result of a stage: going on where a run has stopped, a new run otherwise.
fn way_to(state: &AppState, stage: Stage) -> UiCommand {
    let last_stage = (stage != Stage::Evaluate).then_some(stage);
    if state.run.is_resumable() {
        UiCommand::Resume { last_stage }
    } else {
        UiCommand::StartRun { last_stage }
    }
}

/// How far the stage at work is, and which stage is awaited.
pub(super) fn running_ui(ui: &mut Ui, state: &AppState, awaited: Stage) {
    let Some(stage) = state.run.current_stage() else {
        return;
    };
    let progress = state.run.stage(stage);
    ui.vertical_centered(|ui| {
        ui.set_max_width(ui.available_width().min(420.0));
        let text = format!("{:.0}%", 100.0 * progress.fraction());
        progress_bar(ui, &format!("Stage {stage}"), progress.fraction(), &text);
        let doing = if progress.doing.is_empty() {
            format!("Stage {stage} is at work.")
        } else {
            format!("Stage {stage}: {}", progress.doing)
        };
        ui.weak(if stage == awaited {
            doing
        } else {
            format!("{doing} Stage {awaited} comes later.")
        });
    });
}

/// An item with its codes; under each other where there is little room.
pub(super) fn item_ui(
    ui: &mut Ui,
    item: &SlateItem,
    is_held_out: bool,
    commands: &mut Vec<UiCommand>,
) {
    if ui.available_width() >= ONE_LINE_FROM {
        ui.horizontal(|ui| {
            semantic_id_chip(ui, 0, &item.codes);
            title_ui(ui, item, is_held_out, commands);
        });
    } else {
        title_ui(ui, item, is_held_out, commands);
        semantic_id_chip(ui, 0, &item.codes);
    }
}

fn title_ui(ui: &mut Ui, item: &SlateItem, is_held_out: bool, commands: &mut Vec<UiCommand>) {
    let mut title = RichText::new(&item.title);
    if is_held_out {
        title = title.color(theme::of(ui).good).strong();
    }
    let label = Label::new(title).truncate().sense(Sense::click());
    let tip = format!(
        "{} (item {}). Click to select it.",
        item.title, item.external_id
    );
    if ui.add(label).on_hover_text(tip).clicked() {
        commands.push(UiCommand::SelectItem(Some(item.item_idx)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital() {
        assert_eq!(["", "é a", "A"].map(capitalised), ["", "É a", "A"]);
    }
}
