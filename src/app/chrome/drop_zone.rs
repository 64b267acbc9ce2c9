//! Files and folders dropped on the window: says what will happen, then does it.

use std::path::Path;

use egui::{Align2, Context, FontId, LayerId, Order, ViewportId};

use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::theme;

/// Looks at what hovers over the window and what was dropped.
pub fn ui(ctx: &Context, state: &AppState, commands: &mut Vec<UiCommand>) {
    let (hovered, dropped) = ctx.input(|input| {
        let hovered = input
            .raw
            .hovered_files
            .iter()
            .find_map(|file| file.path.clone());
        let dropped = input
            .raw
            .dropped_files
            .first()
            .map(|file| file.path().to_owned());
        (hovered, dropped)
    });
    if let Some(path) = hovered {
        overlay(ctx, &promise(&path, state));
    }
    if let Some(path) = dropped {
        commands.push(command(&path));
    }
}

fn command(path: &Path) -> UiCommand {
    if path.join("events.jsonl").is_file() {
        UiCommand::OpenRun(path.to_owned())
    } else if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        UiCommand::LoadSettings(path.to_owned())
    } else {
        // Checking changes nothing that is set up; its report offers to use the data.
        UiCommand::CheckData(path.to_owned())
    }
}

fn promise(path: &Path, state: &AppState) -> String {
    let command = command(path);
    match command.obstacle(state) {
        Some(obstacle) => obstacle.to_owned(),
        None => command.text(),
    }
}

fn overlay(ctx: &Context, text: &str) {
    let rect = ctx.content_rect();
    let painter = ctx.layer_painter(LayerId::new(
        Order::Foreground,
        egui::Id::unique("drop_zone"),
    ));
    let tokens = theme::of_visuals(&ctx.style_of(ctx.theme()).visuals);
    painter.rect_filled(rect, 0.0, tokens.background.gamma_multiply(0.85));
    painter.text(
        rect.center(),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(22.0),
        tokens.text,
    );
    // Without this the overlay would stay when the pointer leaves the window with the file.
    ctx.request_repaint_of(ViewportId::ROOT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_checked_and_settings_are_loaded() {
        let dropped = |name: &str| command(Path::new(name));
        assert!(matches!(dropped("log.csv"), UiCommand::CheckData(_)));
        assert!(matches!(dropped("a_folder"), UiCommand::CheckData(_)));
        assert!(matches!(dropped("mine.toml"), UiCommand::LoadSettings(_)));
    }
}
