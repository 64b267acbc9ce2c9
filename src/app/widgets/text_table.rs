//! A table of text that fits where it stands, for a handful of rows.

use egui::{Grid, ScrollArea, Ui};

/// A table of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTable {
    /// Names and meanings of the columns.
    pub columns: Vec<(&'static str, &'static str)>,
    /// The rows, one text per column.
    pub rows: Vec<Vec<String>>,
}

impl TextTable {
    /// Characters of the longest cell of a column.
    pub fn width(&self, column_idx: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column_idx));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// A table whose figures end at the same place: cells are padded, because a grid cannot align to the right.
pub fn text_table(ui: &mut Ui, id: &str, table: &TextTable) {
    ScrollArea::horizontal().id_salt(id).show(ui, |ui| {
        Grid::new(id)
            .num_columns(table.columns.len())
            .spacing([18.0, 3.0])
            .striped(true)
            .show(ui, |ui| {
                for (name, tip) in &table.columns {
                    ui.strong(*name).on_hover_text(*tip);
                }
                ui.end_row();
                for row in &table.rows {
                    for (column_idx, cell) in row.iter().enumerate() {
                        if column_idx == 0 {
                            ui.label(cell);
                        } else {
                            let width = table.width(column_idx);
                            ui.monospace(format!("{cell:>width$}"));
                        }
                    }
                    ui.end_row();
                }
            });
    });
}
