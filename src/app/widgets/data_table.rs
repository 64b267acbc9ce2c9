//! A table of any length: only visible rows are drawn, one Tab stop, keys and screen readers included.
//!
//! The caller owns the rows and their order; the table owns selection by key, sorting by header,
//! scrolling and copying.

use egui::{
    Align, Button, Event, EventFilter, Key, Label, Layout, Modifiers, RichText, Role, Sense,
    StrokeKind, TextStyle, Ui, WidgetInfo, vec2,
};
use egui_extras::{Column, TableBuilder};

use super::plot_marks;
use crate::app::theme;

/// Space that keeps numbers clear of the scroll bar, points.
pub(super) const SCROLL_BAR_SPACE: f32 = 8.0;
/// Rows above which the whole table is not copied: the clipboard would take hundreds of megabytes.
const MAX_COPIED_ROWS: usize = 100_000;

/// One column.
pub struct TableColumn<'a> {
    /// Its header.
    pub name: &'a str,
    /// What it means; shown over the header.
    pub tip: &'a str,
    /// Its first width in points; 0 takes what is left.
    pub width: f32,
    /// Numbers are set in figures of equal width and to the right.
    pub is_number: bool,
}

/// By which column a table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSort {
    /// The column.
    pub column_idx: usize,
    /// Largest first.
    pub is_descending: bool,
}

/// Draws a cell by row and column; returns false to leave it to the table.
pub type DrawCell<'a> = dyn Fn(&mut Ui, usize, usize) -> bool + 'a;

/// A table.
pub struct DataTable<'a> {
    /// Its name, also its identity within the window.
    pub name: &'a str,
    /// The columns.
    pub columns: &'a [TableColumn<'a>],
    /// Number of rows.
    pub n_rows: usize,
    /// The selected row.
    pub selected: Option<usize>,
    /// Present order; `None` where the rows cannot be sorted.
    pub sort: Option<TableSort>,
    /// The text of a cell by row and column: what is shown, copied and read aloud.
    pub text: &'a dyn Fn(usize, usize) -> String,
    /// Draws a cell in another way than as text; returns false to leave it to the table.
    pub draw: Option<&'a DrawCell<'a>>,
    /// Height of the table in points.
    pub height: f32,
}

/// What the user did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableAction {
    /// Selected this row.
    pub selected: Option<usize>,
    /// Asked for this order.
    pub sort: Option<TableSort>,
    /// Opened this row: a double click, or Enter.
    pub opened: Option<usize>,
}

impl DataTable<'_> {
    /// Draws the table.
    pub fn show(&self, ui: &mut Ui) -> TableAction {
        let row_height = ui.text_style_height(&TextStyle::Body) + 6.0;
        self.show_around(ui, row_height, |ui, scroll_to, action| {
            self.rows_ui(ui, row_height, scroll_to, action);
        })
    }

    /// Everything around the rows: selection colours, the one Tab stop, keys. `rows_ui` is given the row that the
    /// keys went to.
    pub(super) fn show_around(
        &self,
        ui: &mut Ui,
        row_height: f32,
        rows_ui: impl FnOnce(&mut Ui, Option<usize>, &mut TableAction),
    ) -> TableAction {
        let mut action = TableAction::default();
        let id = ui.make_persistent_id(self.name);
        let scroll_to = ui.data_mut(|data| data.remove_temp::<usize>(id));
        let inside = ui.push_id(self.name, |ui| {
            ui.set_height(self.height);
            // Cells have colours of their own, which must stay readable on the selected row.
            let tokens = theme::of(ui);
            ui.visuals_mut().selection.bg_fill = tokens.accent.gamma_multiply(0.25);
            ui.visuals_mut().selection.stroke.color = tokens.text;
            rows_ui(ui, scroll_to, &mut action);
        });
        // The table as a whole is the one Tab stop; rows only sense clicks.
        let area = ui.interact(inside.response.rect, id, Sense::FOCUSABLE);
        let summary = format!("{}, {} rows", self.name, self.n_rows);
        area.widget_info(|| WidgetInfo::labeled(Role::Table, true, &summary));
        if action.selected.is_some() {
            area.request_focus();
        }
        if area.has_focus() {
            let ring = (1.0, theme::of(ui).accent);
            let around = area.rect.expand2(vec2(4.0, 1.0));
            ui.painter()
                .rect_stroke(around, 2.0, ring, StrokeKind::Inside);
            self.keys(ui, id, row_height, &mut action);
        }
        action
    }

    fn rows_ui(
        &self,
        ui: &mut Ui,
        row_height: f32,
        scroll_to: Option<usize>,
        action: &mut TableAction,
    ) {
        let mut builder = TableBuilder::new(ui)
            .striped(true)
            .auto_shrink([false, false])
            .min_scrolled_height(0.0)
            .max_scroll_height((self.height - row_height - 4.0).max(row_height))
            .sense(Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center));
        for column in self.columns {
            let size = if column.width > 0.0 {
                Column::initial(column.width).at_least(36.0)
            } else {
                Column::remainder().at_least(80.0)
            };
            builder = builder.column(size.clip(true).resizable(column.width > 0.0));
        }
        if let Some(row) = scroll_to {
            builder = builder.scroll_to_row(row, None);
        }
        builder
            .header(row_height, |mut header| {
                for (column_idx, column) in self.columns.iter().enumerate() {
                    header.col(|ui| {
                        let layout = if column.is_number {
                            Layout::right_to_left(Align::Center)
                        } else {
                            Layout::left_to_right(Align::Center)
                        };
                        ui.with_layout(layout, |ui| {
                            if column.is_number {
                                ui.add_space(SCROLL_BAR_SPACE);
                            }
                            self.header_ui(ui, column_idx, column, action);
                        });
                    });
                }
            })
            .body(|body| {
                body.rows(row_height, self.n_rows, |mut row| {
                    let row_idx = row.index();
                    let is_selected = self.selected == Some(row_idx);
                    row.set_selected(is_selected);
                    for column_idx in 0..self.columns.len() {
                        row.col(|ui| self.cell_ui(ui, row_idx, column_idx));
                    }
                    let response = row.response();
                    let name = self.row_text(row_idx, ", ");
                    response
                        .widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &name));
                    if response.clicked() {
                        action.selected = Some(row_idx);
                    }
                    if response.double_clicked() {
                        action.opened = Some(row_idx);
                    }
                    response.context_menu(|ui| self.copy_menu(ui, row_idx));
                });
            });
    }

    pub(super) fn header_ui(
        &self,
        ui: &mut Ui,
        column_idx: usize,
        column: &TableColumn<'_>,
        action: &mut TableAction,
    ) {
        let title = RichText::new(column.name).strong();
        let Some(sort) = self.sort else {
            ui.add(Label::new(title).truncate())
                .on_hover_text(column.tip);
            return;
        };
        let is_sorted = sort.column_idx == column_idx;
        if is_sorted {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            let mark = if sort.is_descending {
                plot_marks::down
            } else {
                plot_marks::up
            };
            mark(ui.painter(), rect.center(), theme::of(ui).weak_text);
        }
        let button = ui
            // Only clicks: the table as a whole is the Tab stop.
            .add(
                Button::new(title)
                    .frame(false)
                    .truncate()
                    .sense(Sense::CLICK),
            )
            .on_hover_text(column.tip);
        button.widget_info(|| {
            let order = match (is_sorted, sort.is_descending) {
                (false, _) => "",
                (true, false) => ", smallest first",
                (true, true) => ", largest first",
            };
            WidgetInfo::labeled(Role::ColumnHeader, true, format!("{}{order}", column.name))
        });
        if button.clicked() {
            action.sort = Some(TableSort {
                column_idx,
                // A first click on numbers shows the largest, on words the first of the alphabet.
                is_descending: if is_sorted {
                    !sort.is_descending
                } else {
                    column.is_number
                },
            });
        }
    }

    pub(super) fn cell_ui(&self, ui: &mut Ui, row_idx: usize, column_idx: usize) {
        if self.draw.is_some_and(|draw| draw(ui, row_idx, column_idx)) {
            return;
        }
        let text = (self.text)(row_idx, column_idx);
        if self.columns[column_idx].is_number {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(SCROLL_BAR_SPACE);
                ui.add(Label::new(RichText::new(text).monospace()).selectable(false));
            });
        } else {
            ui.add(Label::new(text).truncate().selectable(false));
        }
    }

    fn keys(&self, ui: &Ui, id: egui::Id, row_height: f32, action: &mut TableAction) {
        let Some(last) = self.n_rows.checked_sub(1) else {
            return;
        };
        let filter = EventFilter {
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let page = ((self.height / row_height) as usize)
            .saturating_sub(2)
            .max(1);
        let here = self.selected;
        let target = ui.input_mut(|input| {
            let mut is_pressed = |key| input.consume_key(Modifiers::NONE, key);
            if is_pressed(Key::ArrowDown) {
                Some(here.map_or(0, |row| row + 1))
            } else if is_pressed(Key::ArrowUp) {
                Some(here.map_or(0, |row| row.saturating_sub(1)))
            } else if is_pressed(Key::PageDown) {
                Some(here.map_or(0, |row| row + page))
            } else if is_pressed(Key::PageUp) {
                Some(here.map_or(0, |row| row.saturating_sub(page)))
            } else if is_pressed(Key::Home) {
                Some(0)
            } else if is_pressed(Key::End) {
                Some(last)
            } else {
                if is_pressed(Key::Enter) {
                    action.opened = here;
                }
                None
            }
        });
        if let Some(row) = target.map(|row| row.min(last)) {
            action.selected = Some(row);
            ui.data_mut(|data| data.insert_temp(id, row));
        }
        let is_copying = ui.input(|input| input.events.contains(&Event::Copy));
        if is_copying {
            match here {
                Some(row) => ui.copy_text(self.row_text(row, "\t")),
                None if self.n_rows <= MAX_COPIED_ROWS => ui.copy_text(self.as_tsv()),
                None => {}
            }
        }
    }

    pub(super) fn copy_menu(&self, ui: &mut Ui, row_idx: usize) {
        if ui.button("Copy row").clicked() {
            ui.copy_text(self.row_text(row_idx, "\t"));
            ui.close();
        }
        let whole = ui
            .add_enabled(
                self.n_rows <= MAX_COPIED_ROWS,
                Button::new("Copy table as TSV"),
            )
            .on_disabled_hover_text("More rows than the clipboard should take; filter them first");
        if whole.clicked() {
            ui.copy_text(self.as_tsv());
            ui.close();
        }
    }

    pub(super) fn row_text(&self, row_idx: usize, separator: &str) -> String {
        (0..self.columns.len())
            .map(|column_idx| (self.text)(row_idx, column_idx).replace(['\t', '\n'], " "))
            .collect::<Vec<_>>()
            .join(separator)
    }

    /// All rows with a header, separated by tabs.
    pub fn as_tsv(&self) -> String {
        let header = self.columns.iter().map(|column| column.name);
        let mut text = header.collect::<Vec<_>>().join("\t");
        for row_idx in 0..self.n_rows {
            text.push('\n');
            text.push_str(&self.row_text(row_idx, "\t"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copied_table_has_one_line_per_row() {
        let columns = ["Title", "Count"].map(|name| TableColumn {
            name,
            tip: "",
            width: 0.0,
            is_number: false,
        });
        let table = DataTable {
            name: "Items",
            columns: &columns,
            n_rows: 2,
            selected: None,
            sort: None,
            text: &|row, column| match column {
                0 => format!("a\tb {row}"),
                _ => row.to_string(),
            },
            draw: None,
            height: 100.0,
        };
        assert_eq!(table.as_tsv(), "Title\tCount\na b 0\t0\na b 1\t1");
    }
}
