//! Draws the item table: frozen title, the chosen columns, the order.

use std::sync::Arc;

use egui::Ui;

use super::column::{ItemColumn, headers};
use super::finder::Found;
use super::search::ItemSort;
use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::widgets::{DataTable, TableSort, semantic_id_chip};

/// Columns that stay while the others scroll sideways.
const N_FROZEN: usize = 1;

/// The table: where the selected item stands in it.
#[derive(Default)]
pub(super) struct TableView {
    place: Option<Place>,
}

/// Where the selected item stands.
struct Place {
    /// What was found when it was looked up.
    items: Arc<Vec<u32>>,
    item: Option<u32>,
    row: Option<usize>,
}

impl TableView {
    /// Draws the table; returns another order where the user asked for one.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        shown: &[ItemColumn],
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        height: f32,
    ) -> Option<ItemSort> {
        let (table, index, items) = (&found.table, &found.index, &found.items);
        let columns = headers(shown, table);
        let (selected, is_elsewhere) = self.place(items, state.selection.item);
        let sort = found.query.sort;
        let action = DataTable {
            name: "Items",
            columns: &columns,
            n_rows: items.len(),
            selected,
            sort: Some(TableSort {
                // A hidden column sorts as well; no header then shows it.
                column_idx: shown
                    .iter()
                    .position(|column| *column == sort.column)
                    .unwrap_or(usize::MAX),
                is_descending: sort.is_descending,
            }),
            text: &|row, column| shown[column].text(table, index, items[row]),
            draw: Some(&|ui, row, column| {
                let is_chip = shown[column] == ItemColumn::SemanticId;
                if is_chip {
                    semantic_id_chip(ui, 0, table.codes(items[row] as usize));
                }
                is_chip
            }),
            height,
        }
        .show_frozen(ui, N_FROZEN, selected.filter(|_| is_elsewhere));
        if let Some(row) = action.selected {
            let item = items.get(row).copied();
            // It was selected here, so it is in view already.
            self.place = Some(Place {
                items: Arc::clone(items),
                item,
                row: Some(row),
            });
            commands.push(UiCommand::SelectItem(item));
        }
        action.sort.map(|sort| ItemSort {
            column: shown[sort.column_idx],
            is_descending: sort.is_descending,
        })
    }

    /// The row of the selected item, and whether it was selected elsewhere since the last frame. Looked up only when
    /// something has changed: it is a walk over all rows.
    fn place(&mut self, items: &Arc<Vec<u32>>, item: Option<u32>) -> (Option<usize>, bool) {
        let known_item = self.place.as_ref().and_then(|place| place.item);
        if let Some(place) = &self.place
            && Arc::ptr_eq(&place.items, items)
            && place.item == item
        {
            return (place.row, false);
        }
        let row = item.and_then(|item| items.iter().position(|found| *found == item));
        self.place = Some(Place {
            items: Arc::clone(items),
            item,
            row,
        });
        (row, known_item != item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_a_selection_made_elsewhere() {
        let mut view = TableView::default();
        let items = Arc::new(vec![7, 5, 3]);
        assert_eq!(view.place(&items, Some(5)), (Some(1), true));
        assert_eq!(view.place(&items, Some(5)), (Some(1), false), "scroll once");
        let sorted = Arc::new(vec![3, 5, 7]);
        assert_eq!(view.place(&sorted, Some(7)), (Some(2), true));
        assert_eq!(
            view.place(&items, Some(7)),
            (Some(0), false),
            "another order is no other item"
        );
        assert_eq!(
            view.place(&items, Some(9)),
            (None, true),
            "not among those found"
        );
    }
}
