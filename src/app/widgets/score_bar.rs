//! A score as a short bar with its number, so that a column of scores can be compared at a glance.

use egui::{Align2, Rect, Role, Sense, TextStyle, Ui, WidgetInfo, vec2};

use super::number::{percent, significant};
use crate::app::theme;

/// Draws `value` as a bar from `low` to `high` with the number beside it, `width` points in all.
pub fn score_bar(ui: &mut Ui, name: &str, value: f64, (low, high): (f64, f64), width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width.max(96.0), 16.0), Sense::hover());
    let text = significant(value, 3);
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, format!("{name} {text}")));
    let tokens = theme::of(ui);
    let number_width = 68.0;
    let track = Rect::from_min_max(
        rect.min + vec2(0.0, 4.0),
        rect.max - vec2(number_width, 4.0),
    );
    let share = if high > low {
        (value - low) / (high - low)
    } else {
        0.0
    };
    draw_share(ui, track, share);
    let font = TextStyle::Monospace.resolve(ui.style());
    ui.painter_at(rect).text(
        rect.right_center(),
        Align2::RIGHT_CENTER,
        text,
        font,
        tokens.text,
    );
}

/// Draws a share, 0 to 1, as a bar without a number, for where the number stands in a column of its own.
pub fn share_bar(ui: &mut Ui, name: &str, share: f64, width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 16.0), Sense::hover());
    let text = format!("{name} {}", percent(share));
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &text));
    draw_share(ui, rect.shrink2(vec2(0.0, 4.0)), share);
}

/// Fills `track` up to `share`.
pub(super) fn draw_share(ui: &Ui, track: Rect, share: f64) {
    let tokens = theme::of(ui);
    let share = if share.is_finite() {
        (share as f32).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let painter = ui.painter();
    painter.rect_filled(track, 2.0, tokens.raised);
    let bar = Rect::from_min_size(track.min, vec2(track.width() * share, track.height()));
    painter.rect_filled(bar, 2.0, tokens.accent);
}
