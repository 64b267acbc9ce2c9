//! What a pane shows before it has anything to show, and when something went wrong.

use egui::{Frame, Margin, RichText, Ui};

use crate::app::theme;

/// Says what will appear here and offers the button that makes it happen, with what stands in its way, if anything.
/// Returns whether it was pressed.
pub fn empty_state(
    ui: &mut Ui,
    title: &str,
    text: &str,
    action: Option<(&str, Option<&str>)>,
) -> bool {
    let mut is_pressed = false;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.25).clamp(8.0, 120.0));
        ui.label(RichText::new(title).heading());
        ui.add_space(4.0);
        ui.scope(|ui| {
            ui.set_max_width(ui.available_width().min(460.0));
            ui.label(RichText::new(text).weak());
        });
        if let Some((name, obstacle)) = action {
            ui.add_space(10.0);
            let mut button = ui.add_enabled(obstacle.is_none(), egui::Button::new(name));
            if let Some(reason) = obstacle {
                button = button.on_disabled_hover_text(reason);
            }
            is_pressed = button.clicked();
        }
    });
    is_pressed
}

/// A failure with what to do about it.
pub fn failure_box(ui: &mut Ui, title: &str, message: &str, hint: Option<&str>) {
    let tokens = theme::of(ui);
    Frame::new()
        .stroke((1.0, tokens.bad))
        .corner_radius(4.0)
        .inner_margin(Margin::same(8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.colored_label(tokens.bad, title);
            ui.label(message);
            if let Some(hint) = hint {
                ui.label(RichText::new(format!("What to do: {hint}")).weak());
            }
        });
    ui.add_space(4.0);
}
