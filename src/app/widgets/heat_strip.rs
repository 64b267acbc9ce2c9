//! One row of cells whose strength shows a value: a whole level of codes at a glance.

use egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::number::count;
use crate::app::theme;

/// Draws one cell per value over `width`; the highest value is the strongest, zero is empty.
///
/// Cells narrower than a pixel are joined and show their highest value. The readout names the cell.
pub fn heat_strip(ui: &mut Ui, summary: &str, values: &[u32], color_idx: usize, width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width.max(8.0), 14.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary));
    if values.is_empty() || !ui.is_rect_visible(rect) {
        return;
    }
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    let color = theme::of(ui).series_color(color_idx);
    let n_cells = values.len().min(rect.width() as usize).max(1);
    let cell_width = rect.width() / n_cells as f32;
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 0.0, theme::of(ui).raised);
    for cell in 0..n_cells {
        let first = cell * values.len() / n_cells;
        let last = ((cell + 1) * values.len() / n_cells).max(first + 1);
        let highest = values[first..last].iter().copied().max().unwrap_or(0);
        if highest == 0 {
            continue;
        }
        let strength = 0.15 + 0.85 * highest as f32 / top as f32;
        let left = rect.left() + cell as f32 * cell_width;
        painter.rect_filled(
            Rect::from_min_max(
                pos2(left, rect.top()),
                pos2(left + cell_width, rect.bottom()),
            ),
            0.0,
            color.gamma_multiply(strength),
        );
    }
    if let Some(pos) = response.hover_pos() {
        let share = (pos.x - rect.left()) / rect.width();
        let idx = ((share * values.len() as f32).max(0.0) as usize).min(values.len() - 1);
        let items = count(u64::from(values[idx]));
        response.on_hover_text_at_pointer(format!("code {idx}: {items} items"));
    }
}
