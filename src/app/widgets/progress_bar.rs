//! A bar that says how far something is, also to screen readers.

use egui::{Role, Ui, WidgetInfo};

/// Draws a bar at `share` (0 to 1) with `text` on it; `name` says what progresses.
pub fn progress_bar(ui: &mut Ui, name: &str, share: f32, text: &str) {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let bar = egui::ProgressBar::new(share)
        .desired_height(18.0)
        .text(text.to_owned());
    let response = ui.add(bar);
    response.widget_info(|| {
        let mut info =
            WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{name}: {text}"));
        info.value = Some(f64::from(share));
        info
    });
}
