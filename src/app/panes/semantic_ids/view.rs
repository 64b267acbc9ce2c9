//! Draws the tree, the table and what is known of the selected item.

use std::sync::Arc;

use egui::{Label, RichText, ScrollArea, TextEdit, Ui};
use egui_extras::{Size, StripBuilder};

use super::search::{ItemColumn, Query, neighbours, search};
use super::tree::ItemIndex;
use super::tree_view::TreeView;
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, waiting_ui};
use crate::app::state::{AppState, ItemsState};
use crate::app::widgets::number::{count, significant};
use crate::app::widgets::{
    DataTable, TableColumn, TableSort, empty_state, failure_box, semantic_id_chip, semantic_id_text,
};
use crate::engine::event::Stage;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;

/// Width of the tree in points, in a wide and in a narrow pane.
const TREE_WIDTH: (f32, f32) = (250.0, 190.0);
/// Width from which a pane has room for all columns, points.
const ALL_COLUMNS_FROM: f32 = 900.0;
/// Columns of the item table that a narrow pane shows.
const N_NARROW_COLUMNS: usize = 3;
/// Height of the selected item's details in points.
const DETAIL_HEIGHT: f32 = 150.0;

/// In the order of [`ItemColumn::ALL`].
const COLUMNS: [TableColumn<'_>; 6] = [
    TableColumn {
        name: "Title",
        tip: "Title, or the identifier where there is none.",
        width: 0.0,
        is_number: false,
    },
    TableColumn {
        name: "Semantic ID",
        tip: "One code per level.",
        width: 180.0,
        is_number: false,
    },
    TableColumn {
        name: "Popularity",
        tip: "Positive events in the training part.",
        width: 96.0,
        is_number: true,
    },
    TableColumn {
        name: "Sharing",
        tip: "Items with the same semantic ID, this one included.",
        width: 76.0,
        is_number: true,
    },
    TableColumn {
        name: "Item",
        tip: "The dataset's own identifier.",
        width: 80.0,
        is_number: false,
    },
    TableColumn {
        name: "Categories",
        tip: "Categories or tags.",
        width: 110.0,
        is_number: false,
    },
];

/// The pane: what is open and asked for, and the rows that follow from it.
#[derive(Default)]
pub struct SemanticIdsPane {
    text: String,
    is_shared: bool,
    sort: Option<TableSort>,
    table: Option<Arc<ItemTable>>,
    index: ItemIndex,
    tree: TreeView,
    query: Option<Query>,
    found: Vec<u32>,
}

impl SemanticIdsPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        match &state.items {
            ItemsState::Ready(table) => {
                let table = Arc::clone(table);
                failure_ui(ui, state);
                self.refresh(&table, &state.selection.prefix);
                self.search_ui(ui, state, commands);
                self.body_ui(ui, &table, state, commands);
            }
            ItemsState::Loading => {
                empty_state(
                    ui,
                    "Reading the item table",
                    "This takes a moment for large catalogues.",
                    None,
                );
            }
            ItemsState::Failed(message) => {
                failure_box(ui, "The item table could not be read.", message, None);
            }
            ItemsState::None => waiting_ui(
                ui,
                state,
                commands,
                Stage::Tokenize,
                "No semantic IDs yet",
                "Every item with its semantic ID, the tree of their prefixes, items that share an ID and the \
                 nearest neighbours appear here once the tokenizer has run.",
            ),
        }
    }

    fn refresh(&mut self, table: &Arc<ItemTable>, prefix: &[Code]) {
        let is_known = self
            .table
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, table));
        if !is_known {
            self.index = ItemIndex::new(table);
            self.tree.refresh(table, &self.index);
            self.table = Some(Arc::clone(table));
            self.query = None;
        }
        let query = Query {
            text: self.text.clone(),
            is_shared: self.is_shared,
            prefix: prefix.to_vec(),
            sort: self.sort(),
        };
        if self.query.as_ref() != Some(&query) {
            self.found = search(table, &self.index, &query);
            self.query = Some(query);
        }
    }

    fn sort(&self) -> TableSort {
        self.sort.unwrap_or(TableSort {
            column_idx: ItemColumn::Popularity as usize,
            is_descending: true,
        })
    }

    fn search_ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Search");
            ui.add(
                TextEdit::singleline(&mut self.text)
                    .desired_width(220.0)
                    .hint_text("title, item or 12.*.5"),
            )
            .labelled_by(label.id)
            .on_hover_text(
                "Words of the title, the item's identifier or a category; or codes with * for any: \
                 12.*.5, 12, <a_12><b_3>.",
            );
            ui.checkbox(&mut self.is_shared, "Shares an ID")
                .on_hover_text("Only items whose semantic ID another item has as well.");
            if !state.selection.prefix.is_empty() {
                ui.label("Prefix");
                semantic_id_chip(ui, 0, &state.selection.prefix);
                if ui.button("Show all prefixes").clicked() {
                    commands.push(UiCommand::SelectPrefix(Vec::new()));
                }
            }
            ui.weak(format!(
                "{} of {} items",
                count(self.found.len() as u64),
                count(self.index.order.len() as u64)
            ));
        });
    }

    fn body_ui(
        &mut self,
        ui: &mut Ui,
        table: &Arc<ItemTable>,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        let height = ui.available_height();
        let (tree_width, n_columns) = if ui.available_width() >= ALL_COLUMNS_FROM {
            (TREE_WIDTH.0, COLUMNS.len())
        } else {
            (TREE_WIDTH.1, N_NARROW_COLUMNS)
        };
        StripBuilder::new(ui)
            .size(Size::exact(tree_width))
            .size(Size::remainder())
            .horizontal(|mut strip| {
                strip.cell(|ui| self.tree.ui(ui, table, &self.index, state, commands));
                strip.cell(|ui| {
                    let detail = if state.selection.item.is_some() {
                        DETAIL_HEIGHT.min(height * 0.45)
                    } else {
                        0.0
                    };
                    self.table_ui(ui, table, state, commands, n_columns, height - detail);
                    if let Some(item_idx) = state.selection.item {
                        detail_ui(ui, table, item_idx, commands, detail);
                    }
                });
            });
    }

    fn table_ui(
        &mut self,
        ui: &mut Ui,
        table: &ItemTable,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        n_columns: usize,
        height: f32,
    ) {
        let row_of = |row: usize| &table.rows[self.found[row] as usize];
        let selected = state.selection.item;
        let action = DataTable {
            name: "Items",
            columns: &COLUMNS[..n_columns],
            n_rows: self.found.len(),
            selected: selected.and_then(|item| self.found.iter().position(|found| *found == item)),
            sort: Some(self.sort()),
            text: &|row, column| {
                let item = &row_of(row).item;
                match ItemColumn::ALL[column] {
                    ItemColumn::Id => item.external_id.clone(),
                    ItemColumn::Title => item.label().to_owned(),
                    ItemColumn::Categories => item.categories.join(", "),
                    ItemColumn::SemanticId => semantic_id_text(&row_of(row).codes),
                    ItemColumn::Popularity => count(u64::from(row_of(row).popularity)),
                    ItemColumn::Sharing => {
                        self.index.n_sharing[self.found[row] as usize].to_string()
                    }
                }
            },
            draw: Some(&|ui, row, column| {
                let is_chip = ItemColumn::ALL[column] == ItemColumn::SemanticId;
                if is_chip {
                    semantic_id_chip(ui, 0, &row_of(row).codes);
                }
                is_chip
            }),
            height,
        }
        .show(ui);
        if let Some(row) = action.selected {
            commands.push(UiCommand::SelectItem(self.found.get(row).copied()));
        }
        if action.sort.is_some() {
            self.sort = action.sort;
        }
    }
}

fn detail_ui(
    ui: &mut Ui,
    table: &ItemTable,
    item_idx: u32,
    commands: &mut Vec<UiCommand>,
    height: f32,
) {
    let Some(row) = table.rows.get(item_idx as usize) else {
        return;
    };
    ui.separator();
    ScrollArea::vertical()
        .id_salt("selected item")
        .max_height(height - 10.0)
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                semantic_id_chip(ui, 0, &row.codes);
                ui.add(Label::new(RichText::new(row.item.label()).strong()).truncate());
            });
            let author = row.item.author.as_deref().map(|name| format!("by {name}"));
            let length = row.item.duration_secs.map(|secs| format!("{} s", significant(f64::from(secs), 3)));
            let facts: Vec<String> = author.into_iter().chain(length).chain(row.item.categories.clone()).collect();
            if !facts.is_empty() {
                ui.weak(facts.join("  ·  "));
            }
            let near = neighbours(table, item_idx);
            if near.is_empty() {
                ui.weak("Nearest neighbours are not kept for catalogues of this size.");
                return;
            }
            ui.strong("Nearest items").on_hover_text(
                "Euclidean distance of the item vectors, and how many codes both semantic IDs share from the start.",
            );
            for neighbour in near {
                let other = &table.rows[neighbour.item_idx as usize];
                ui.horizontal(|ui| {
                    let distance = significant(f64::from(neighbour.distance), 3);
                    ui.monospace(format!("{distance:>7}  {} shared", neighbour.shared_prefix));
                    semantic_id_chip(ui, 0, &other.codes);
                    let title = RichText::new(other.item.label()).color(ui.visuals().hyperlink_color);
                    let link = Label::new(title).truncate().sense(egui::Sense::click());
                    if ui.add(link).on_hover_text(other.item.label()).clicked() {
                        commands.push(UiCommand::SelectItem(Some(neighbour.item_idx)));
                    }
                });
            }
        });
}
