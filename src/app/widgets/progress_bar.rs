//! A bar that says how far something is, also to screen readers.

use egui::{Role, Sense, Ui, WidgetInfo, vec2};

use super::score_bar::draw_share;

/// Height of the bar, points.
const HEIGHT: f32 = 6.0;

/// Draws a bar at `share` (0 to 1) with `text` below it; `name` says what progresses.
pub fn progress_bar(ui: &mut Ui, name: &str, share: f32, text: &str) {
    let size = vec2(ui.available_width(), HEIGHT);
    let (track, response) = ui.allocate_exact_size(size, Sense::hover());
    let share = f64::from(share);
    draw_share(ui, track, share);
    response.widget_info(|| {
        let mut info =
            WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{name}: {text}"));
        info.value = share.is_finite().then_some(share.clamp(0.0, 1.0));
        info
    });
    ui.label(text);
}
