//! A [`DataTable`] whose first columns stay while the others scroll sideways, for tables that are wider than
//! their place and millions of rows long.

use egui::{Align, Id, IdSalt, Layout, Rangef, Rect, Role, Sense, TextStyle, Ui, WidgetInfo};
use egui_table::{
    CellInfo, Column, HeaderCellInfo, HeaderRow, PrefetchInfo, TableDelegate, TableState,
};

use super::data_table::{DataTable, SCROLL_BAR_SPACE, TableAction};
use crate::app::theme;

/// Space between a cell's edge and its text, points.
const CELL_MARGIN: f32 = 4.0;
/// Narrowest column, points.
const LEAST_WIDTH: f32 = 40.0;
/// Narrowest column that takes what is left, points.
const LEAST_REMAINDER: f32 = 130.0;
/// Width of the place at a header's right edge that resizes its column, points.
const GRIP: f32 = 6.0;
/// Row heights are multiples of this. Rows far down lie at tens of millions of points, where single precision
/// holds only multiples of 2 or 4 exactly; other heights would make them overlap.
const ROW_UNIT: f32 = 8.0;

impl DataTable<'_> {
    /// Draws the table; the first `n_frozen` columns stay in place. Brings a row into view where one is given.
    pub fn show_frozen(
        &self,
        ui: &mut Ui,
        n_frozen: usize,
        scroll_to: Option<usize>,
    ) -> TableAction {
        let text_height = ui.text_style_height(&TextStyle::Body) + 4.0;
        let row_height = (text_height / ROW_UNIT).ceil() * ROW_UNIT;
        self.show_around(ui, row_height, |ui, key_row, action| {
            let salt = IdSalt::new(self.name);
            let id = TableState::id(ui, salt);
            self.lay_out(ui, id);
            let columns: Vec<Column> = self
                .columns
                .iter()
                .map(|column| {
                    Column::new(column.width.max(LEAST_WIDTH))
                        .range(Rangef::new(LEAST_WIDTH, f32::INFINITY))
                        .id(Id::unique(column.name))
                        .resizable(false)
                })
                .collect();
            let hovered_id = id.with("hovered row");
            let mut rows = Rows {
                table: self,
                row_height,
                action,
                is_frozen_part: false,
                resized: None,
                hovered_before: ui.data(|data| data.get_temp(hovered_id)),
                hovered: None,
            };
            let mut table = egui_table::Table::new()
                .id_salt(self.name)
                .num_rows(self.n_rows as u64)
                .columns(columns)
                .num_sticky_cols(n_frozen.min(self.columns.len()))
                .headers([HeaderRow::new(row_height)]);
            if let Some(row) = key_row.or(scroll_to) {
                table = table.scroll_to_row(row as u64, None);
            }
            table.show(ui, &mut rows);
            let hovered = rows.hovered;
            ui.data_mut(|data| {
                data.remove::<usize>(hovered_id);
                if let Some(row) = hovered {
                    data.insert_temp(hovered_id, row);
                }
            });
            if let Some((column_idx, change)) = rows.resized {
                self.resize(ui, id, column_idx, change);
            }
        })
    }

    /// Gives every column a width before its first frame, and the columns without one what is left.
    fn lay_out(&self, ui: &Ui, id: Id) {
        let mut state = TableState::load(ui, id).unwrap_or_default();
        let mut taken = ui.spacing().scroll.bar_width;
        let mut n_flexible = 0;
        for column in self.columns {
            if column.width > 0.0 {
                let width = state.col_widths.entry(Id::unique(column.name));
                taken += *width.or_insert(column.width);
            } else {
                n_flexible += 1;
            }
        }
        let left = (ui.available_width() - taken) / n_flexible.max(1) as f32;
        for column in self.columns {
            if column.width <= 0.0 {
                let width = left.floor().max(LEAST_REMAINDER);
                state.col_widths.insert(Id::unique(column.name), width);
            }
        }
        state.store(ui, id);
    }

    fn resize(&self, ui: &Ui, id: Id, column_idx: usize, change: f32) {
        if let Some(mut state) = TableState::load(ui, id)
            && let Some(width) = state
                .col_widths
                .get_mut(&Id::unique(self.columns[column_idx].name))
        {
            *width = (*width + change).max(LEAST_WIDTH);
            state.store(ui, id);
        }
    }
}

/// Draws the cells of one frame.
struct Rows<'a, 'b> {
    table: &'a DataTable<'b>,
    row_height: f32,
    action: &'a mut TableAction,
    /// Whether the frozen columns are being drawn; they come after the header, the others before it.
    is_frozen_part: bool,
    /// A column whose edge is dragged, and how far.
    resized: Option<(usize, f32)>,
    /// The row under the pointer in the last frame: both its parts are marked, whichever of them is pointed at.
    hovered_before: Option<usize>,
    hovered: Option<usize>,
}

impl TableDelegate for Rows<'_, '_> {
    fn prepare(&mut self, _: &PrefetchInfo) {
        self.is_frozen_part = false;
    }

    fn default_row_height(&self) -> f32 {
        self.row_height
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        self.is_frozen_part = true;
        let column_idx = cell.col_range.start;
        let column = &self.table.columns[column_idx];
        let rect = ui.max_rect();
        let (layout, margin) = if column.is_number {
            (Layout::right_to_left(Align::Center), SCROLL_BAR_SPACE)
        } else {
            (Layout::left_to_right(Align::Center), CELL_MARGIN)
        };
        ui.with_layout(layout, |ui| {
            ui.add_space(margin);
            self.table.header_ui(ui, column_idx, column, self.action);
        });
        let line = theme::of(ui).border;
        ui.painter()
            .hline(rect.x_range(), rect.bottom() - 0.5, (1.0, line));
        if column.width > 0.0 {
            let edge = rect.with_min_x(rect.right() - GRIP);
            self.grip_ui(ui, column_idx, edge);
        }
    }

    fn row_ui(&mut self, ui: &mut Ui, row_nr: u64) {
        let row_idx = row_nr as usize;
        let rect = ui.max_rect();
        let is_selected = self.table.selected == Some(row_idx);
        // Both parts of a row have the same scope.
        let id = ui.scope_id().with(("row", self.is_frozen_part));
        let response = ui.interact(rect, id, Sense::CLICK);
        if response.hovered() {
            self.hovered = Some(row_idx);
        }
        let visuals = ui.visuals();
        let fill = if is_selected {
            Some(visuals.selection.bg_fill)
        } else if self.hovered_before == Some(row_idx) {
            Some(theme::of(ui).raised)
        } else {
            row_idx.is_multiple_of(2).then_some(visuals.faint_bg_color)
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, 0.0, fill);
        }
        // Both parts of a row are one row to a screen reader.
        if !self.is_frozen_part {
            let name = || self.table.row_text(row_idx, ", ");
            response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, name()));
        }
        if response.clicked() {
            self.action.selected = Some(row_idx);
        }
        if response.double_clicked() {
            self.action.opened = Some(row_idx);
        }
        response.context_menu(|ui| self.table.copy_menu(ui, row_idx));
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        ui.add_space(CELL_MARGIN);
        self.table.cell_ui(ui, cell.row_nr as usize, cell.col_nr);
    }
}

impl Rows<'_, '_> {
    /// The edge of a header, which drags its column wider or narrower. Senses no keyboard: it would be a Tab stop.
    fn grip_ui(&mut self, ui: &Ui, column_idx: usize, edge: Rect) {
        let response = ui.interact(edge, ui.scope_id().with("resize"), Sense::DRAG);
        let is_active = response.hovered() || response.dragged();
        if is_active {
            ui.set_cursor_icon(egui::CursorIcon::ResizeColumn);
        }
        let tokens = theme::of(ui);
        let color = if is_active {
            tokens.accent
        } else {
            tokens.border
        };
        let line = edge.shrink2(egui::vec2(0.0, 4.0));
        ui.painter()
            .vline(line.right() - 1.0, line.y_range(), (1.0, color));
        let change = response.drag_delta().x;
        if change != 0.0 {
            self.resized = Some((column_idx, change));
        }
    }
}
