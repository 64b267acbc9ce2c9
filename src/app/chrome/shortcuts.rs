//! The keys of all commands in the menus.

use egui::{Context, KeyboardShortcut};

use super::menu::Menu;
use crate::app::command::UiCommand;
use crate::app::state::AppState;

/// Turns pressed keys into commands. Keys whose command is not possible now do nothing.
pub fn take(ctx: &Context, state: &AppState, commands: &mut Vec<UiCommand>) {
    let is_typing = ctx.egui_wants_keyboard_input();
    let mut known: Vec<(KeyboardShortcut, UiCommand)> = Menu::ALL
        .into_iter()
        .flat_map(Menu::groups)
        .flatten()
        .filter_map(|command| Some((command.shortcut()?, command)))
        .collect();
    // egui takes Ctrl+Z for pressed while Ctrl+Shift+Z is: the longer ones must be asked first.
    known.sort_by_key(|(keys, _)| std::cmp::Reverse(keys.modifiers.shift || keys.modifiers.alt));
    for (keys, command) in known {
        let belongs_to_text = is_typing && matches!(command, UiCommand::Undo | UiCommand::Redo);
        if !belongs_to_text
            && ctx.input_mut(|input| input.consume_shortcut(&keys))
            && command.obstacle(state).is_none()
        {
            commands.push(command);
        }
    }
}
