//! Draws the collision explorer: how many IDs are shared by how many items, the IDs, and the items of one ID beside
//! each other.

use std::sync::Arc;

use egui::Ui;

use super::collision::{Sizes, group_of, summary};
use super::column::{ItemColumn, headers};
use super::finder::Found;
use super::index::ItemIndex;
use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::widgets::number::count;
use crate::app::widgets::{
    BarChart, DataTable, TableColumn, empty_state, semantic_id_chip, semantic_id_text,
};
use crate::engine::tokenizer::Code;

/// Share of the width for the list of IDs, where both lists stand side by side.
const LIST_SHARE: f32 = 0.42;
/// Width from which they do, points.
const SIDE_BY_SIDE_FROM: f32 = 620.0;
/// Height of the histogram, points.
const CHART_HEIGHT: f32 = 96.0;

/// The explorer.
#[derive(Default)]
pub(super) struct CollisionView {
    /// The sizes of one index.
    sizes: Option<(Arc<ItemIndex>, Sizes)>,
    /// Where in the list the selected ID stands: what was selected, and its row.
    chosen: Option<(Vec<Code>, Option<usize>)>,
}

impl CollisionView {
    /// Draws the explorer.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        height: f32,
    ) {
        let index = &found.index;
        if index.collisions.is_empty() {
            empty_state(
                ui,
                "No collisions",
                "Every item has a semantic ID of its own.",
                None,
            );
            return;
        }
        let bottom = ui.cursor().top() + height;
        ui.label(summary(index)).on_hover_text(
            "A generator that writes a shared ID has not yet said which of its items it means",
        );
        let is_new = |known: &(Arc<ItemIndex>, Sizes)| !Arc::ptr_eq(&known.0, index);
        if self.sizes.as_ref().is_none_or(is_new) {
            self.sizes = Some((Arc::clone(index), Sizes::new(index)));
            self.chosen = None;
        }
        if let Some((_, sizes)) = &self.sizes {
            chart_ui(ui, sizes);
        }
        let codes = state.selection.pattern.codes().unwrap_or_default();
        if self
            .chosen
            .as_ref()
            .is_none_or(|(known, _)| *known != codes)
        {
            let group = group_of(&found.table, index, &codes);
            self.chosen = Some((codes, group));
        }
        let chosen = self.chosen.as_ref().and_then(|(_, group)| *group);
        let height = (bottom - ui.cursor().top() - ui.spacing().item_spacing.y).max(120.0);
        if ui.available_width() < SIDE_BY_SIDE_FROM {
            list_ui(ui, found, chosen, commands, height * 0.5);
            group_ui(ui, found, chosen, state, commands, height * 0.5);
            return;
        }
        let width = ui.available_width();
        ui.horizontal_top(|ui| {
            let top_down = egui::Layout::top_down(egui::Align::Min);
            ui.allocate_ui_with_layout(egui::vec2(width * LIST_SHARE, height), top_down, |ui| {
                list_ui(ui, found, chosen, commands, height);
            });
            ui.allocate_ui_with_layout(ui.available_size(), top_down, |ui| {
                group_ui(ui, found, chosen, state, commands, height);
            });
        });
    }
}

fn chart_ui(ui: &mut Ui, sizes: &Sizes) {
    let values: Vec<f64> = sizes
        .counts
        .iter()
        .map(|(_, n_ids)| *n_ids as f64)
        .collect();
    BarChart {
        title: "Shared IDs by number of items",
        values: &values,
        bar_name: &|idx| format!("{} items", sizes.counts[idx].0),
        reference: None,
        color_idx: 0,
        height: CHART_HEIGHT,
    }
    .show(ui);
}

fn list_ui(
    ui: &mut Ui,
    found: &Found,
    chosen: Option<usize>,
    commands: &mut Vec<UiCommand>,
    height: f32,
) {
    let (table, index) = (&found.table, &found.index);
    let columns = [
        TableColumn {
            name: "Shared ID",
            tip: "A semantic ID with more than one item; the most crowded first",
            width: 0.0,
            is_number: false,
        },
        TableColumn {
            name: "Items",
            tip: "Items with this ID",
            width: 64.0,
            is_number: true,
        },
        TableColumn {
            name: "Events",
            tip: "Positive events of those items in the training part",
            width: 84.0,
            is_number: true,
        },
    ];
    let codes = |row: usize| {
        let place = index.collisions[row].start as usize;
        table.codes(index.order[place] as usize)
    };
    let action = DataTable {
        name: "Shared IDs",
        columns: &columns,
        n_rows: index.collisions.len(),
        selected: chosen,
        sort: None,
        text: &|row, column| {
            let range = index.collisions[row].clone();
            match column {
                0 => semantic_id_text(codes(row)),
                1 => count(range.len() as u64),
                _ => count(index.popularity(range)),
            }
        },
        draw: Some(&|ui, row, column| {
            if column == 0 {
                semantic_id_chip(ui, 0, codes(row));
            }
            column == 0
        }),
        height,
    }
    .show_frozen(ui, 0, None);
    if let Some(row) = action.selected {
        commands.push(UiCommand::SelectPrefix(codes(row).to_vec()));
    }
}

/// The items of the chosen ID beside each other.
fn group_ui(
    ui: &mut Ui,
    found: &Found,
    chosen: Option<usize>,
    state: &AppState,
    commands: &mut Vec<UiCommand>,
    height: f32,
) {
    let (table, index) = (&found.table, &found.index);
    let Some(range) = chosen.and_then(|group| index.collisions.get(group)) else {
        empty_state(
            ui,
            "No shared ID chosen",
            "Choose an ID of the list to see its items beside each other.",
            None,
        );
        return;
    };
    let items = &index.order[range.start as usize..range.end as usize];
    let mut shown = vec![ItemColumn::Title, ItemColumn::Popularity, ItemColumn::Id];
    if !table.category_names().is_empty() {
        shown.insert(1, ItemColumn::Categories);
    }
    let columns = headers(&shown, table);
    let selected = state.selection.item;
    let action = DataTable {
        name: "Items of the shared ID",
        columns: &columns,
        n_rows: items.len(),
        selected: selected.and_then(|item| items.iter().position(|known| *known == item)),
        sort: None,
        text: &|row, column| shown[column].text(table, index, items[row]),
        draw: None,
        height,
    }
    .show_frozen(ui, 1, None);
    if let Some(row) = action.selected {
        commands.push(UiCommand::SelectItem(items.get(row).copied()));
    }
}
