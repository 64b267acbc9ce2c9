//! The pipeline: the buttons of the run and its six stages with state, progress and time.

use egui::{
    Align2, Button, Frame, Panel, Popup, Role, Sense, Stroke, TextStyle, Ui, WidgetInfo, vec2,
};

use crate::app::command::UiCommand;
use crate::app::state::{AppState, StageState, StageStatus};
use crate::app::theme::{self, Tokens, tokens};
use crate::engine::event::Stage;

/// Height of a stage's card, points.
const CARD_HEIGHT: f32 = 46.0;
/// Width of the column of buttons, points.
const BUTTONS_WIDTH: f32 = 232.0;

/// Draws the strip.
pub fn ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let fill = theme::of(ui).background;
    Panel::top("pipeline_strip")
        .frame(Frame::new().fill(fill).inner_margin(tokens::GAP))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.allocate_ui(vec2(BUTTONS_WIDTH, CARD_HEIGHT), |ui| {
                    ui.set_width(BUTTONS_WIDTH);
                    buttons_ui(ui, state, commands);
                });
                let gaps = tokens::GAP * (Stage::ALL.len() - 1) as f32;
                let width = ((ui.available_width() - gaps) / Stage::ALL.len() as f32).max(90.0);
                for stage in Stage::ALL {
                    stage_ui(ui, state, stage, width, commands);
                }
            });
        });
}

fn buttons_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let tokens = theme::of(ui);
    ui.horizontal_centered(|ui| {
        let run = &state.run;
        let main = if state.is_paused() {
            (UiCommand::Continue, "▶ Continue")
        } else if run.is_active() {
            (UiCommand::Pause, "⏸ Pause")
        } else if run.is_resumable() {
            (UiCommand::Resume { last_stage: None }, "▶ Resume")
        } else {
            (UiCommand::StartRun { last_stage: None }, "▶ Run all")
        };
        let second = if run.is_active() {
            (UiCommand::Stop, "⏹ Stop")
        } else if run.is_resumable() {
            (UiCommand::StartRun { last_stage: None }, "New run")
        } else {
            (UiCommand::ToggleSettings, "⚙ Settings")
        };
        for (command, text) in [main, second] {
            let is_main = matches!(
                command,
                UiCommand::StartRun { .. } | UiCommand::Resume { .. } | UiCommand::Continue
            ) && text.starts_with('▶');
            let obstacle = command.obstacle(state);
            let mut label = egui::RichText::new(text);
            if is_main && obstacle.is_none() {
                label = label.color(tokens.on_accent).strong();
            }
            let mut button = Button::new(label).min_size(vec2(108.0, 34.0));
            if is_main && obstacle.is_none() {
                button = button.fill(tokens.accent);
            }
            let response = ui.add_enabled(obstacle.is_none(), button);
            // The sign in front of the word is decoration.
            let name = text.trim_start_matches(|c: char| !c.is_alphabetic());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, obstacle.is_none(), name));
            let response = match obstacle {
                Some(obstacle) => response.on_disabled_hover_text(obstacle),
                None => response.on_hover_text(hover_text(&command, ui)),
            };
            if response.clicked() {
                commands.push(command);
            }
        }
    });
}

fn hover_text(command: &UiCommand, ui: &Ui) -> String {
    match command.shortcut() {
        Some(keys) => format!("{} ({})", command.text(), ui.ctx().format_shortcut(&keys)),
        None => command.text(),
    }
}

fn stage_ui(
    ui: &mut Ui,
    state: &AppState,
    stage: Stage,
    width: f32,
    commands: &mut Vec<UiCommand>,
) {
    let tokens = theme::of(ui);
    let of_stage = state.run.stage(stage);
    let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
    let title = title(stage);
    let line = status_line(of_stage, state.is_paused());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{title}: {line}")));

    let is_lit = response.hovered() || response.has_focus();
    let edge = if is_lit { tokens.accent } else { tokens.border };
    let painter = ui.painter().with_clip_rect(rect);
    painter.rect(
        rect,
        tokens::RADIUS,
        tokens.surface,
        Stroke::new(1.0, edge),
        egui::StrokeKind::Inside,
    );
    let inner = rect.shrink2(vec2(9.0, 5.0));
    let color = status_color(of_stage.status, tokens);
    painter.circle_filled(inner.left_top() + vec2(4.0, 8.0), 4.0, color);
    painter.text(
        inner.left_top() + vec2(14.0, 0.0),
        Align2::LEFT_TOP,
        title,
        TextStyle::Button.resolve(ui.style()),
        tokens.text,
    );
    painter.text(
        inner.left_top() + vec2(0.0, 18.0),
        Align2::LEFT_TOP,
        &line,
        TextStyle::Small.resolve(ui.style()),
        tokens.weak_text,
    );
    let track =
        egui::Rect::from_min_max(inner.left_bottom() - vec2(0.0, 2.0), inner.right_bottom());
    painter.rect_filled(track, 1.0, tokens.raised);
    let mut done = track;
    done.set_width(track.width() * of_stage.fraction());
    painter.rect_filled(done, 1.0, color);

    let response = response.on_hover_ui(|ui| {
        ui.label(purpose(stage));
        ui.label(&line);
        if !of_stage.doing.is_empty() {
            ui.label(doing(of_stage));
        }
    });
    Popup::menu(&response).show(|ui| {
        ui.set_min_width(180.0);
        let goes_on = state.run.is_resumable();
        let last_stage = Some(stage);
        let command = if goes_on {
            UiCommand::Resume { last_stage }
        } else {
            UiCommand::StartRun { last_stage }
        };
        let obstacle = command.obstacle(state);
        let button = ui.add_enabled(obstacle.is_none(), Button::new(command.text()));
        let button = match obstacle {
            Some(obstacle) => button.on_disabled_hover_text(obstacle),
            None => button,
        };
        if button.clicked() {
            commands.push(command);
            ui.close();
        }
    });
}

fn title(stage: Stage) -> &'static str {
    match stage {
        Stage::Data => "Data",
        Stage::Tokenize => "Tokenizer",
        Stage::Pretrain => "Pretrain",
        Stage::Reward => "Reward",
        Stage::Align => "Align",
        Stage::Evaluate => "Evaluate",
    }
}

fn purpose(stage: Stage) -> &'static str {
    match stage {
        Stage::Data => "Reads the dataset, forms sessions, holds out what will be tested.",
        Stage::Tokenize => {
            "Builds item vectors, fits the codebooks, gives every item its semantic ID."
        }
        Stage::Pretrain => "Trains the generator to write the next session.",
        Stage::Reward => "Trains the session reward model and an independent judge.",
        Stage::Align => "Prefers the better of its own slates (DPO), in iterations.",
        Stage::Evaluate => {
            "Measures on held-out data, before and after alignment, against simple baselines."
        }
    }
}

fn status_color(status: StageStatus, tokens: &Tokens) -> egui::Color32 {
    match status {
        StageStatus::Waiting => tokens.border,
        StageStatus::Running => tokens.series[0],
        StageStatus::Finished => tokens.good,
        StageStatus::Stopped => tokens.warning,
        StageStatus::Failed => tokens.bad,
    }
}

/// Status, progress and time in one line that fits the card.
fn status_line(stage: &StageState, is_paused: bool) -> String {
    let percent = stage.fraction() * 100.0;
    match stage.status {
        StageStatus::Waiting => "not run".to_owned(),
        StageStatus::Running if is_paused => format!("paused, {percent:.0} %"),
        StageStatus::Running => match stage.eta_seconds() {
            Some(left) => format!("{percent:.0} %, {} left", duration(left)),
            None => format!("{percent:.0} %, {}", duration(stage.elapsed_seconds())),
        },
        StageStatus::Finished => format!("done in {}", duration(stage.seconds)),
        StageStatus::Stopped => format!("stopped, {percent:.0} %"),
        StageStatus::Failed => "failed".to_owned(),
    }
}

/// What a stage is doing, with the units of that part where they are known.
fn doing(stage: &StageState) -> String {
    match stage.part {
        Some((done, total)) if total > 0 => format!("{} ({done} of {total})", stage.doing),
        _ => stage.doing.clone(),
    }
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_as_people_say_them() {
        let said = [0.04, 9.94, 9.96, 99.4, 100.0, 5399.0, 5400.0].map(duration);
        assert_eq!(
            said,
            ["0.0 s", "9.9 s", "10 s", "99 s", "2 min", "90 min", "1.5 h"]
        );
    }
}
