//! The menu bar. F10 goes to it, the arrow keys go through it, Escape closes it.

use egui::{Button, Key, MenuBar, Modifiers, Panel, Ui};

use super::menu::Menu;
use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::theme::ThemeChoice;

/// Draws the bar.
pub fn ui(ui: &mut Ui, state: &AppState, theme: ThemeChoice, commands: &mut Vec<UiCommand>) {
    Panel::top("menu_bar").show(ui, |ui| {
        MenuBar::new().ui(ui, |ui| {
            let goes_to_menu = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F10));
            for menu in Menu::ALL {
                let response =
                    ui.menu_button(menu.title(), |ui| menu_ui(ui, menu, state, theme, commands));
                if goes_to_menu && menu == Menu::File {
                    response.response.request_focus();
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = match (&state.view, state.run.id.0.as_str()) {
                    (crate::app::state::View::Welcome, _) => String::new(),
                    (_, "") => "new run".to_owned(),
                    (_, name) => name.to_owned(),
                };
                ui.weak(name);
            });
        });
    });
}

fn menu_ui(
    ui: &mut Ui,
    menu: Menu,
    state: &AppState,
    theme: ThemeChoice,
    commands: &mut Vec<UiCommand>,
) {
    ui.set_min_width(220.0);
    for (group_idx, group) in menu.groups().into_iter().enumerate() {
        if group_idx > 0 {
            ui.separator();
        }
        for command in group {
            let obstacle = command.obstacle(state);
            let is_chosen = matches!(command, UiCommand::SetTheme(choice) if choice == theme);
            let mut button = Button::selectable(is_chosen, command.text());
            if let Some(keys) = command.shortcut() {
                button = button.shortcut_text(ui.ctx().format_shortcut(&keys));
            }
            let mut response = ui.add_enabled(obstacle.is_none(), button);
            if let Some(obstacle) = obstacle {
                response = response.on_disabled_hover_text(obstacle);
            }
            if response.clicked() {
                commands.push(command);
                ui.close();
            }
        }
    }
}
