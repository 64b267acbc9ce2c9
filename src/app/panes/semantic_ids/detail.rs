//! Draws what is known of the selected item, and what is nearest to it or to an ID that no item has.

use egui::{Label, RichText, ScrollArea, Sense, Ui};

use super::column::positive_events;
use super::index::ItemIndex;
use super::lookup::NearId;
use super::tree_view::TreeView;
use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::widgets::number::{count, significant};
use crate::app::widgets::{semantic_id_chip, semantic_id_text};
use crate::engine::command::NearTo;
use crate::engine::run::items::{ItemTable, shared_prefix};
use crate::engine::tokenizer::Code;

/// What the figures of a near item mean.
const NEAR_TIP: &str = "Euclidean distance of the item vectors, and how many codes both semantic IDs share from the start";

/// Height of what is known of an item in points, without and with the list of what is nearest to it.
const HEIGHT: (f32, f32) = (150.0, 250.0);
/// Share of the pane that it may take.
const MOST_HEIGHT: f32 = 0.45;

/// The height that the selected item needs in a pane of that height; none where nothing is selected.
pub(super) fn height(table: &ItemTable, state: &AppState, pane_height: f32) -> f32 {
    let Some(item_idx) = state.selection.item else {
        return 0.0;
    };
    let has_near = near_item(table, item_idx, state).is_some();
    let wanted = if has_near { HEIGHT.1 } else { HEIGHT.0 };
    wanted.min(pane_height * MOST_HEIGHT)
}

/// What is known of an item.
pub(super) fn item_ui(
    ui: &mut Ui,
    table: &ItemTable,
    index: &ItemIndex,
    tree: &mut TreeView,
    item_idx: u32,
    state: &AppState,
    commands: &mut Vec<UiCommand>,
    height: f32,
) {
    let row = item_idx as usize;
    if row >= table.len() {
        return;
    }
    ui.separator();
    ScrollArea::vertical()
        .id_salt("selected item")
        .max_height(height - 10.0)
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                semantic_id_chip(ui, 0, table.codes(row));
                buttons_ui(ui, table, index, tree, item_idx, commands);
                ui.add(Label::new(RichText::new(table.label(row)).strong()).truncate())
                    .on_hover_text(table.label(row));
            });
            let facts = facts(table, index, row);
            ui.add(Label::new(RichText::new(&facts).weak()).truncate())
                .on_hover_text(&facts);
            near_item_ui(ui, table, item_idx, state, commands);
        });
}

fn buttons_ui(
    ui: &mut Ui,
    table: &ItemTable,
    index: &ItemIndex,
    tree: &mut TreeView,
    item_idx: u32,
    commands: &mut Vec<UiCommand>,
) {
    let codes = table.codes(item_idx as usize);
    if ui
        .small_button("Show in tree")
        .on_hover_text("Opens the nodes above this item")
        .clicked()
    {
        tree.reveal(table, index, item_idx);
    }
    if ui.small_button("Copy ID").clicked() {
        commands.push(UiCommand::CopyText(semantic_id_text(codes)));
    }
    let n_sharing = index.n_sharing[item_idx as usize];
    if n_sharing > 1
        && ui
            .small_button(format!("Shared by {}", count(u64::from(n_sharing))))
            .on_hover_text("Selects all items with this ID")
            .clicked()
    {
        commands.push(UiCommand::SelectPrefix(codes.to_vec()));
    }
}

/// What the dataset says of an item, in one line.
fn facts(table: &ItemTable, index: &ItemIndex, row: usize) -> String {
    let mut facts = vec![format!("item {}", table.external_id(row))];
    facts.extend(table.author(row).map(|author| format!("by {author}")));
    let length = table.duration_secs(row);
    facts.extend(length.map(|secs| format!("{} s", significant(f64::from(secs), 3))));
    facts.extend(table.categories(row).map(str::to_owned));
    facts.push(positive_events(table.popularity(row)));
    let n_sharing = index.n_sharing[row];
    if n_sharing == 1 {
        facts.push("an ID of its own".to_owned());
    }
    for (feature_idx, name) in table.feature_names().enumerate() {
        let value = table.feature(feature_idx, row);
        facts.extend(value.map(|value| format!("{name} {value}")));
    }
    facts.join("  ·  ")
}

fn near_item_ui(
    ui: &mut Ui,
    table: &ItemTable,
    item_idx: u32,
    state: &AppState,
    commands: &mut Vec<UiCommand>,
) {
    let Some(found) = near_item(table, item_idx, state) else {
        let asked = NearTo::Item(item_idx);
        return ask_ui(ui, state, commands, asked, "Find nearest items");
    };
    ui.strong("Nearest items").on_hover_text(NEAR_TIP);
    near_list_ui(ui, table, table.codes(item_idx as usize), found, commands);
}

/// What is nearest to an item, where it was asked for or came with the table.
fn near_item<'a>(
    table: &'a ItemTable,
    item_idx: u32,
    state: &'a AppState,
) -> Option<&'a [(u32, f32)]> {
    match &state.nearest {
        Some((NearTo::Item(asked), found)) if *asked == item_idx => Some(found),
        _ => {
            let kept =
                ((item_idx as usize) < table.len()).then(|| table.neighbours(item_idx as usize));
            kept.filter(|kept| !kept.is_empty())
        }
    }
}

/// A button that asks the engine, or how its answer is awaited.
fn ask_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>, to: NearTo, words: &str) {
    if state.pending.nearest.as_ref() == Some(&to) {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.weak("Looking through all item vectors");
        });
        return;
    }
    let command = UiCommand::FindNearest(to);
    let obstacle = command.obstacle(state);
    let button = ui.add_enabled(obstacle.is_none(), egui::Button::new(words));
    let button = match obstacle {
        Some(reason) => button.on_disabled_hover_text(reason),
        None => button.on_hover_text("Compares the vectors of all items"),
    };
    if button.clicked() {
        commands.push(command);
    }
}

fn near_list_ui(
    ui: &mut Ui,
    table: &ItemTable,
    codes: &[Code],
    found: &[(u32, f32)],
    commands: &mut Vec<UiCommand>,
) {
    let known = |(item_idx, _): &&(u32, f32)| (*item_idx as usize) < table.len();
    for (item_idx, distance) in found.iter().filter(known) {
        let row = *item_idx as usize;
        let shared = shared_prefix(codes, table.codes(row));
        ui.horizontal(|ui| {
            let distance = significant(f64::from(*distance), 3);
            ui.monospace(format!("{distance:>7}  {shared} shared"))
                .on_hover_text(NEAR_TIP);
            semantic_id_chip(ui, 0, table.codes(row));
            link_ui(ui, table, *item_idx, commands);
        });
    }
}

fn link_ui(ui: &mut Ui, table: &ItemTable, item_idx: u32, commands: &mut Vec<UiCommand>) {
    let label = table.label(item_idx as usize);
    let title = RichText::new(label).color(ui.visuals().hyperlink_color);
    let link = Label::new(title).truncate().sense(Sense::click());
    if ui.add(link).on_hover_text(label).clicked() {
        commands.push(UiCommand::SelectItem(Some(item_idx)));
    }
}

/// An ID that no item has: the IDs that begin like it, and the items nearest to the vector that it stands for.
pub(super) fn absent_ui(
    ui: &mut Ui,
    table: &ItemTable,
    codes: &[Code],
    near: &[NearId],
    state: &AppState,
    commands: &mut Vec<UiCommand>,
    height: f32,
) {
    ScrollArea::vertical()
        .id_salt("absent ID")
        .max_height(height)
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.strong("No item has the ID");
                semantic_id_chip(ui, 0, codes);
            });
            ui.add_space(6.0);
            match near.first() {
                None => {
                    ui.weak("Not even its first code is used by an item.");
                }
                Some(first) => {
                    let codes = if first.shared_prefix == 1 { "code" } else { "codes" };
                    ui.strong(format!("Nearest IDs: {} shared {codes}", first.shared_prefix))
                        .on_hover_text("IDs with the longest beginning in common, the most popular first");
                }
            }
            for near in near {
                ui.horizontal(|ui| {
                    semantic_id_chip(ui, 0, &near.codes);
                    ui.weak(match near.n_items {
                        1 => "1 item".to_owned(),
                        n_items => format!("{} items", count(n_items as u64)),
                    });
                    link_ui(ui, table, near.item_idx, commands);
                });
            }
            ui.add_space(8.0);
            let asked = NearTo::SemanticId(codes.to_vec());
            match &state.nearest {
                Some((to, found)) if *to == asked => {
                    ui.strong("Nearest items by vector").on_hover_text(
                        "Euclidean distance to the vector that the codes stand for, and how many codes are shared \
                         from the start",
                    );
                    near_list_ui(ui, table, codes, found, commands);
                }
                _ => ask_ui(ui, state, commands, asked, "Find nearest items by vector"),
            }
        });
}
