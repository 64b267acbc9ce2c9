//! Draws the pane: what is asked for, the tree, and beside it the table, the collisions or the map.

use std::sync::Arc;

use egui::{Key, Modifiers, TextEdit, Ui};
use egui_extras::{Size, StripBuilder};

use super::collision_view::CollisionView;
use super::column_menu::ColumnMenu;
use super::detail;
use super::exporter::Exporter;
use super::finder::{Finder, Found};
use super::index::ItemIndex;
use super::lookup::{NearId, absent_id, nearest_ids};
use super::map::ItemMap;
use super::search::Query;
use super::table_view::TableView;
use super::tree_view::TreeView;
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, waiting_ui};
use crate::app::state::{AppState, ItemsState};
use crate::app::widgets::number::count;
use crate::app::widgets::{empty_state, failure_box, level_letter};
use crate::engine::event::Stage;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::{Code, SidPattern};

/// Width of the tree in points, in a wide and in a narrow pane.
const TREE_WIDTH: (f32, f32) = (250.0, 190.0);
/// Width from which a pane is wide, points.
const WIDE_FROM: f32 = 900.0;

/// What stands beside the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Table,
    Collisions,
    Map,
}

/// What was searched for without a result.
struct Absent {
    text: String,
    /// The codes and the IDs near to them, where it is an ID.
    id: Option<(Vec<Code>, Vec<NearId>)>,
}

/// The pane: what is open and asked for, and the rows that follow from it.
#[derive(Default)]
pub struct SemanticIdsPane {
    text: String,
    is_shared: bool,
    side: Side,
    columns: ColumnMenu,
    /// The table whose columns are known, and the index whose tree is known.
    table: Option<Arc<ItemTable>>,
    index: Option<Arc<ItemIndex>>,
    finder: Finder,
    tree: TreeView,
    rows: TableView,
    collisions: CollisionView,
    map: ItemMap,
    exporter: Exporter,
    absent: Option<Absent>,
}

impl SemanticIdsPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        match &state.items {
            ItemsState::Ready(table) => {
                let table = Arc::clone(table);
                failure_ui(ui, state);
                self.items_ui(ui, &table, state, commands);
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
                "Every item with its semantic ID, the tree of their prefixes, items that share an ID, the \
                 nearest neighbours and a map appear here once the tokenizer has run.",
            ),
        }
    }

    fn items_ui(
        &mut self,
        ui: &mut Ui,
        table: &Arc<ItemTable>,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        let is_known = |known: &Arc<ItemTable>| Arc::ptr_eq(known, table);
        if !self.table.as_ref().is_some_and(is_known) {
            self.columns.refresh(table);
            self.table = Some(Arc::clone(table));
            self.index = None;
            self.map.show_all();
        }
        let query = Query {
            text: self.text.trim().to_owned(),
            is_shared: self.is_shared,
            pattern: state.selection.pattern.clone(),
            filters: self.columns.filters(),
            sort: self.columns.sort(),
        };
        self.finder.ask(ui.ctx(), table, query);
        let Some(found) = self.finder.found().cloned() else {
            empty_state(
                ui,
                "Sorting the items",
                "This takes a moment for large catalogues.",
                None,
            );
            ui.vertical_centered(|ui| ui.spinner());
            return;
        };
        if !self
            .index
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &found.index))
        {
            self.tree.refresh(table, &found.index);
            self.index = Some(Arc::clone(&found.index));
            self.absent = None;
        }
        self.search_ui(ui, &found, state, commands);
        self.body_ui(ui, &found, state, commands);
    }

    fn search_ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        let table = &found.table;
        ui.horizontal_wrapped(|ui| {
            for (side, words, tip) in [
                (Side::Table, "Table", "All items, searched, filtered and ordered"),
                (Side::Collisions, "Collisions", "Semantic IDs with more than one item"),
                (Side::Map, "Map", "All items on a plane by their vectors"),
            ] {
                ui.selectable_value(&mut self.side, side, words)
                    .on_hover_text(tip);
            }
            ui.separator();
            let label = ui.label("Search");
            let field = ui
                .add(
                    TextEdit::singleline(&mut self.text)
                        .desired_width(180.0)
                        .hint_text("title, item or 12.*.5"),
                )
                .labelled_by(label.id)
                .on_hover_text(
                    "Words of the title, the item's identifier or a category; or codes with * for any: 12.*.5, 12, \
                     <a_12><b_3>",
                );
            // egui lets go of a field at Escape, before the field is drawn.
            if field.lost_focus()
                && !self.text.is_empty()
                && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
            {
                self.text.clear();
                field.request_focus();
            }
            ui.checkbox(&mut self.is_shared, "Shares an ID")
                .on_hover_text("Only items whose semantic ID another item has as well");
            self.columns.button_ui(ui, table);
            self.exporter.ui(ui, found, &self.columns.shown(), commands);
            self.columns.filters_ui(ui, table);
            let pattern = &state.selection.pattern;
            if !pattern.is_open()
                && ui
                    .small_button(format!("{}  ✖", pattern_text(pattern)))
                    .on_hover_text("Show the items of all codes again")
                    .clicked()
            {
                commands.push(UiCommand::SelectPrefix(Vec::new()));
            }
            ui.weak(format!(
                "{} of {} items",
                count(found.items.len() as u64),
                count(table.len() as u64)
            ));
            if self.finder.is_busy() {
                ui.spinner();
            }
        });
    }

    fn body_ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        let height = ui.available_height();
        let tree_width = if ui.available_width() >= WIDE_FROM {
            TREE_WIDTH.0
        } else {
            TREE_WIDTH.1
        };
        StripBuilder::new(ui)
            .size(Size::exact(tree_width))
            .size(Size::remainder())
            .horizontal(|mut strip| {
                strip.cell(|ui| {
                    self.tree
                        .ui(ui, &found.table, &found.index, state, commands);
                });
                strip.cell(|ui| {
                    let detail = detail::height(&found.table, state, height);
                    let side_height = height - detail;
                    ui.scope(|ui| {
                        // The details stay at the bottom, however little stands above them.
                        ui.set_height(side_height);
                        self.side_ui(ui, found, state, commands, side_height);
                    });
                    if let Some(item_idx) = state.selection.item {
                        let (table, index) = (&found.table, &found.index);
                        let tree = &mut self.tree;
                        detail::item_ui(ui, table, index, tree, item_idx, state, commands, detail);
                    }
                });
            });
    }

    fn side_ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        height: f32,
    ) {
        match self.side {
            Side::Table => self.table_ui(ui, found, state, commands, height),
            Side::Collisions => self.collisions.ui(ui, found, state, commands, height),
            Side::Map => {
                let columns = self.columns.all();
                self.map.ui(ui, found, columns, state, commands, height);
            }
        }
    }

    fn table_ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        height: f32,
    ) {
        if found.items.is_empty() {
            self.refresh_absent(found);
            if let Some((codes, near)) = self.absent.as_ref().and_then(|absent| absent.id.as_ref())
            {
                detail::absent_ui(ui, &found.table, codes, near, state, commands, height);
                return;
            }
        }
        let shown = self.columns.shown();
        let sort = self.rows.ui(ui, found, &shown, state, commands, height);
        if let Some(sort) = sort {
            self.columns.sort_by(sort);
        }
    }

    fn refresh_absent(&mut self, found: &Found) {
        let text = &found.query.text;
        if self
            .absent
            .as_ref()
            .is_some_and(|absent| absent.text == *text)
        {
            return;
        }
        let (table, index) = (&found.table, &found.index);
        let id = absent_id(table, index, text).map(|codes| {
            let near = nearest_ids(table, index, &codes);
            (codes, near)
        });
        self.absent = Some(Absent {
            text: text.clone(),
            id,
        });
    }
}

/// A selection of codes as the papers write them, with a star for any code.
fn pattern_text(pattern: &SidPattern) -> String {
    pattern
        .levels
        .iter()
        .enumerate()
        .map(|(level_idx, code)| {
            let letter = level_letter(level_idx);
            match code {
                Some(code) => format!("<{letter}_{code}>"),
                None => format!("<{letter}_*>"),
            }
        })
        .collect()
}
