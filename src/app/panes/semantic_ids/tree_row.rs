//! Draws one row of the prefix tree: a node that opens, or an item.

use egui::{Label, RichText, Role, Ui, WidgetInfo, vec2};

use super::tree::TreeRow;
use crate::app::widgets::number::count;
use crate::app::widgets::{semantic_id_chip, semantic_id_text};
use crate::engine::run::items::ItemTable;

/// Draws the row; a click selects it.
pub(super) fn tree_row_ui(
    ui: &mut Ui,
    table: &ItemTable,
    row: &TreeRow,
    is_selected: bool,
    is_at_cursor: bool,
    height: f32,
) -> egui::Response {
    let name = match row.item_idx {
        Some(item_idx) => {
            let title = table.label(item_idx as usize);
            format!("{title}, {}", semantic_id_text(&row.prefix))
        }
        None => format!(
            "{}, {} items, popularity {}",
            semantic_id_text(&row.prefix),
            row.n_items,
            row.popularity
        ),
    };
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), egui::Sense::CLICK);
    let is_node = row.item_idx.is_none();
    response.widget_info(|| WidgetInfo::selected(Role::TreeItem, true, is_selected, &name));
    if is_selected {
        ui.painter()
            .rect_filled(rect, 3.0, ui.visuals().faint_bg_color);
        ui.painter().rect_stroke(
            rect,
            3.0,
            ui.visuals().widgets.hovered.bg_stroke,
            egui::StrokeKind::Inside,
        );
    } else if response.hovered() || is_at_cursor {
        ui.painter()
            .rect_filled(rect, 3.0, ui.visuals().faint_bg_color);
    }
    let mut inside = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect)
            .layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    inside.add_space(4.0 + 14.0 * row.depth as f32);
    if is_node {
        let openness = if row.is_open { 1.0 } else { 0.0 };
        let (icon, icon_response) =
            inside.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
        egui::collapsing_header::paint_default_icon(
            &mut inside,
            openness,
            &icon_response.with_new_rect(icon),
        );
        let last = row.prefix.len() - 1;
        semantic_id_chip(&mut inside, last, &row.prefix[last..]);
        inside.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(10.0);
            let events = RichText::new(format!("{:>6}", count(row.popularity)));
            ui.add(Label::new(events.monospace().weak()).selectable(false));
            let items = RichText::new(count(row.n_items as u64));
            ui.add(Label::new(items.monospace()).selectable(false));
        });
    } else if let Some(item_idx) = row.item_idx {
        let last = row.prefix.len().saturating_sub(1);
        semantic_id_chip(&mut inside, last, &row.prefix[last..]);
        inside.add(
            Label::new(table.label(item_idx as usize))
                .truncate()
                .selectable(false),
        );
    }
    response
}
