//! Draws the prefix tree: one Tab stop, arrow keys inside, only visible rows are drawn.

use std::collections::BTreeSet;
use std::ops::Range;

use egui::{
    Align, EventFilter, Id, Key, Layout, Modifiers, Role, ScrollArea, Sense, StrokeKind, TextStyle,
    Ui, WidgetInfo,
};

use super::index::ItemIndex;
use super::tree::Tree;
use super::tree_row::tree_row_ui;
use crate::app::command::UiCommand;
use crate::app::state::AppState;
use crate::app::theme;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;

/// The tree: what is open, the rows that follow from it, and where the keyboard is.
#[derive(Default)]
pub(super) struct TreeView {
    open: BTreeSet<Vec<Code>>,
    tree: Tree,
    cursor: usize,
    visible: Range<usize>,
    /// After how many frames the cursor is to be brought into view.
    reveal_after: Option<u8>,
}

/// What the keys asked for.
#[derive(Default)]
struct KeyAction {
    /// Open or close this row.
    toggled: Option<usize>,
    /// Select this row.
    chosen: Option<usize>,
    /// The cursor is somewhere else now.
    has_moved: bool,
}

impl TreeView {
    /// Makes the rows anew, after the table has changed or a node was opened or closed.
    pub(super) fn refresh(&mut self, table: &ItemTable, index: &ItemIndex) {
        self.tree = Tree::new(table, index, &self.open);
        self.cursor = self.cursor.min(self.tree.n_rows().saturating_sub(1));
    }

    /// Opens the nodes above an item and brings it into view.
    pub(super) fn reveal(&mut self, table: &ItemTable, index: &ItemIndex, item_idx: u32) {
        let codes = table.codes(item_idx as usize);
        // The last level has no nodes, except where it is the only one.
        for depth in 1..codes.len().max(2) {
            self.open.insert(codes[..depth].to_vec());
        }
        self.refresh(table, index);
        if let Some(row_idx) = self.tree.row_of_item(index, item_idx) {
            self.cursor = row_idx;
            // egui pulls an offset back that lies outside of what it drew last: the opened nodes come first.
            self.reveal_after = Some(1);
        }
    }

    /// Draws the tree.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        table: &ItemTable,
        index: &ItemIndex,
        state: &AppState,
        commands: &mut Vec<UiCommand>,
    ) {
        header_ui(ui);
        let id = ui.make_persistent_id("prefix tree");
        let has_focus = ui.memory(|memory| memory.has_focus(id));
        let KeyAction {
            mut toggled,
            mut chosen,
            has_moved,
        } = if has_focus {
            self.keys(ui, id, table, index)
        } else {
            KeyAction::default()
        };
        let row_height = ui.text_style_height(&TextStyle::Body) + 4.0;
        let mut area = ScrollArea::vertical()
            .id_salt("prefix tree rows")
            .auto_shrink(false);
        let is_revealing = self.reveal_after == Some(0);
        self.reveal_after = self
            .reveal_after
            .and_then(|n_frames| n_frames.checked_sub(1));
        if self.reveal_after.is_some() {
            ui.request_repaint();
        }
        if (has_moved || is_revealing) && !self.visible.contains(&self.cursor) {
            let step = row_height + ui.spacing().item_spacing.y;
            let above = 0.5 * ui.available_height();
            area = area.vertical_scroll_offset((self.cursor as f32 * step - above).max(0.0));
        }
        let selected = state.selection.pattern.codes();
        let shown = area.show_rows(ui, row_height, self.tree.n_rows(), |ui, range| {
            for row_idx in range.clone() {
                let row = &self.tree.row(table, index, row_idx);
                let is_selected = match row.item_idx {
                    Some(item_idx) => state.selection.item == Some(item_idx),
                    None => selected.as_ref() == Some(&row.prefix),
                };
                let is_at_cursor = has_focus && self.cursor == row_idx;
                let response = tree_row_ui(ui, table, row, is_selected, is_at_cursor, row_height);
                if response.clicked() {
                    chosen = Some(row_idx);
                    toggled = row.item_idx.is_none().then_some(row_idx);
                }
            }
            range
        });
        // The rows at both edges may be cut off.
        self.visible = (shown.inner.start + 1)..shown.inner.end.saturating_sub(2);
        let focus = ui.interact(shown.inner_rect, id, Sense::FOCUSABLE);
        let summary = format!("Prefix tree, {} rows", self.tree.n_rows());
        focus.widget_info(|| WidgetInfo::labeled(Role::Tree, true, &summary));
        if has_focus {
            let ring = (1.0, theme::of(ui).accent);
            ui.painter()
                .rect_stroke(focus.rect, 2.0, ring, StrokeKind::Inside);
        }
        if let Some(row_idx) = chosen {
            focus.request_focus();
            self.cursor = row_idx;
            let row = self.tree.row(table, index, row_idx);
            commands.push(if row.item_idx.is_some() {
                UiCommand::SelectItem(row.item_idx)
            } else {
                UiCommand::SelectPrefix(row.prefix)
            });
        }
        if let Some(row_idx) = toggled {
            let prefix = self.tree.row(table, index, row_idx).prefix;
            if !self.open.remove(&prefix) {
                self.open.insert(prefix);
            }
            self.refresh(table, index);
        }
    }

    /// Up, down, Page Up, Page Down, Home and End move; right opens; left closes or goes to the parent; Enter selects.
    fn keys(&mut self, ui: &Ui, id: Id, table: &ItemTable, index: &ItemIndex) -> KeyAction {
        let mut action = KeyAction::default();
        let Some(last) = self.tree.n_rows().checked_sub(1) else {
            return action;
        };
        let filter = EventFilter {
            vertical_arrows: true,
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
        let here = self.cursor;
        let page = self.visible.len().max(1);
        let row = self.tree.row(table, index, here);
        let is_node = row.item_idx.is_none();
        ui.input_mut(|input| {
            let mut is_pressed = |key| input.consume_key(Modifiers::NONE, key);
            if is_pressed(Key::ArrowDown) {
                self.cursor = (here + 1).min(last);
            } else if is_pressed(Key::ArrowUp) {
                self.cursor = here.saturating_sub(1);
            } else if is_pressed(Key::PageDown) {
                self.cursor = (here + page).min(last);
            } else if is_pressed(Key::PageUp) {
                self.cursor = here.saturating_sub(page);
            } else if is_pressed(Key::Home) {
                self.cursor = 0;
            } else if is_pressed(Key::End) {
                self.cursor = last;
            } else if is_pressed(Key::ArrowRight) {
                action.toggled = (is_node && !row.is_open).then_some(here);
            } else if is_pressed(Key::ArrowLeft) {
                if is_node && row.is_open {
                    action.toggled = Some(here);
                } else {
                    self.cursor = self.tree.parent(here).unwrap_or(here);
                }
            } else if is_pressed(Key::Enter) {
                action.chosen = Some(here);
            }
        });
        action.has_moved = self.cursor != here;
        action
    }
}

fn header_ui(ui: &mut Ui) {
    let header = ui.horizontal(|ui| {
        ui.strong("Prefix tree");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(10.0);
            ui.weak("events");
            ui.weak("items");
        });
    });
    header.response.on_hover_text(
        "Level by level: code, items at or below it, their positive events. Sorted by code.",
    );
}
