//! The command palette: every command of the menus, found by typing.

use egui::{Button, Key, Modifiers, ScrollArea, TextEdit, Ui};

use super::menu::Menu;
use crate::app::command::UiCommand;
use crate::app::state::AppState;

/// What is typed and which line is chosen.
#[derive(Default)]
pub struct Palette {
    filter: String,
    line_idx: usize,
}

impl Palette {
    /// Draws the palette. Returns the command that was chosen.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState) -> Option<UiCommand> {
        ui.set_width(460.0);
        let field = ui.add(
            TextEdit::singleline(&mut self.filter)
                .hint_text("Type a command")
                .desired_width(f32::INFINITY),
        );
        field.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter of the commands")
        });
        field.request_focus();
        if field.changed() {
            self.line_idx = 0;
        }
        let lines = matching(&self.filter);
        let (up, down, enter) = ui.input_mut(|input| {
            (
                input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp),
                input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown),
                input.key_pressed(Key::Enter),
            )
        });
        self.line_idx = (self.line_idx + down)
            .saturating_sub(up)
            .min(lines.len().saturating_sub(1));
        let mut chosen = None;
        ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            if lines.is_empty() {
                ui.weak("No command has these words.");
            }
            for (line_idx, (menu, command)) in lines.into_iter().enumerate() {
                let is_current = line_idx == self.line_idx;
                let obstacle = command.obstacle(state);
                let text = format!("{}: {}", menu.title(), command.text());
                let mut button =
                    Button::selectable(is_current, text).min_size(egui::vec2(440.0, 0.0));
                if let Some(keys) = command.shortcut() {
                    button = button.shortcut_text(ui.ctx().format_shortcut(&keys));
                }
                let response = ui.add_enabled(obstacle.is_none(), button);
                if is_current && up + down > 0 {
                    response.scroll_to_me(None);
                }
                let is_taken = response.clicked() || (is_current && enter && obstacle.is_none());
                if let Some(obstacle) = obstacle {
                    response.on_disabled_hover_text(obstacle);
                }
                if is_taken {
                    chosen = Some(command);
                }
            }
        });
        chosen
    }
}

/// The commands that have all words of the filter in their text.
fn matching(filter: &str) -> Vec<(Menu, UiCommand)> {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    Menu::ALL
        .into_iter()
        .flat_map(|menu| {
            let commands = menu.groups().into_iter().flatten();
            commands.map(move |command| (menu, command))
        })
        .filter(|(menu, command)| {
            let text = format!("{} {}", menu.title(), command.text()).to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect()
}
