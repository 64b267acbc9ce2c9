//! Which columns the table shows, what each is filtered by and which one orders it: a menu with a search of its own.

use std::collections::{BTreeMap, BTreeSet};

use egui::{Align2, Grid, ScrollArea, TextEdit, Ui};

use super::column::ItemColumn;
use super::filter::Filter;
use super::search::ItemSort;
use crate::app::theme;
use crate::engine::run::items::ItemTable;

/// Height of the list of columns, points.
const LIST_HEIGHT: f32 = 320.0;
/// Width of a column's filter, points.
const FIELD_WIDTH: f32 = 130.0;

/// What the user chose of the columns.
#[derive(Default)]
pub(super) struct ColumnMenu {
    /// The columns that there are; follows the table.
    all: Vec<ItemColumn>,
    shown: BTreeSet<ItemColumn>,
    /// What is typed for each column.
    texts: BTreeMap<ItemColumn, String>,
    /// The part of a column's name that is looked for.
    wanted: String,
    sort: Option<ItemSort>,
}

impl ColumnMenu {
    /// Takes in another table.
    pub(super) fn refresh(&mut self, table: &ItemTable) {
        self.all = ItemColumn::all(table);
        let at_first = self.all.iter().filter(|column| column.is_shown_at_first());
        self.shown = at_first.copied().collect();
        self.texts
            .retain(|column, _| !matches!(column, ItemColumn::Feature(_)));
        self.texts.retain(|column, _| self.all.contains(column));
        if self
            .sort
            .is_some_and(|sort| !self.all.contains(&sort.column))
        {
            self.sort = None;
        }
    }

    /// The columns that there are.
    pub(super) fn all(&self) -> &[ItemColumn] {
        &self.all
    }

    /// The columns to show, in order.
    pub(super) fn shown(&self) -> Vec<ItemColumn> {
        let mut shown = self.all.clone();
        shown.retain(|column| self.shown.contains(column));
        shown
    }

    /// The order.
    pub(super) fn sort(&self) -> ItemSort {
        self.sort.unwrap_or(ItemSort {
            column: ItemColumn::Popularity,
            is_descending: true,
        })
    }

    /// Takes another order.
    pub(super) fn sort_by(&mut self, sort: ItemSort) {
        self.sort = Some(sort);
    }

    /// What columns are filtered by; those that are empty or cannot be understood are left out.
    pub(super) fn filters(&self) -> BTreeMap<ItemColumn, String> {
        let mut filters = self.texts.clone();
        filters.retain(|column, text| {
            !text.trim().is_empty() && Filter::problem(*column, text).is_none()
        });
        filters
    }

    /// The button that opens the menu.
    pub(super) fn button_ui(&mut self, ui: &mut Ui, table: &ItemTable) {
        let words = format!("Columns {} of {}", self.shown.len(), self.all.len());
        let menu = egui::containers::menu::MenuConfig::new()
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
        egui::containers::menu::MenuButton::new(words)
            .config(menu)
            .ui(ui, |ui| self.menu_ui(ui, table))
            .0
            .on_hover_text("Choose, filter and order the columns");
    }

    /// The filters at work, each with a button that takes it off.
    pub(super) fn filters_ui(&mut self, ui: &mut Ui, table: &ItemTable) {
        let filters = self.filters();
        for (column, text) in &filters {
            let words = format!("{}: {}", column.name(table), text.trim());
            if ui
                .small_button(format!("{words}  ✖"))
                .on_hover_text("Take this filter off")
                .clicked()
            {
                self.texts.remove(column);
            }
        }
    }

    fn menu_ui(&mut self, ui: &mut Ui, table: &ItemTable) {
        ui.set_min_width(340.0);
        ui.horizontal(|ui| {
            let label = ui.label("Find column");
            ui.add(TextEdit::singleline(&mut self.wanted).desired_width(150.0))
                .labelled_by(label.id);
            if ui.button("All").clicked() {
                self.shown = self.all.iter().copied().collect();
            }
            if ui.button("Reset").clicked() {
                self.refresh(table);
                self.texts.clear();
                self.sort = None;
            }
        });
        ui.separator();
        let wanted = self.wanted.trim().to_lowercase();
        ScrollArea::vertical()
            .max_height(LIST_HEIGHT)
            .show(ui, |ui| {
                Grid::new("item columns")
                    .num_columns(3)
                    .striped(true)
                    .show(ui, |ui| {
                        ui.strong("Column");
                        ui.strong("Filter");
                        ui.strong("Order");
                        ui.end_row();
                        for column in self.all.clone() {
                            if column.name(table).to_lowercase().contains(&wanted) {
                                self.column_ui(ui, table, column);
                                ui.end_row();
                            }
                        }
                    });
            });
    }

    fn column_ui(&mut self, ui: &mut Ui, table: &ItemTable, column: ItemColumn) {
        let name = column.name(table);
        let mut is_shown = self.shown.contains(&column);
        // The table has something to hold on to: its title stays.
        let is_free = column != ItemColumn::Title;
        let check = ui
            .add_enabled(is_free, egui::Checkbox::new(&mut is_shown, name))
            .on_hover_text(column.tip())
            .on_disabled_hover_text("The title is always shown");
        if check.changed() {
            if is_shown {
                self.shown.insert(column);
            } else {
                self.shown.remove(&column);
            }
        }
        let text = self.texts.entry(column).or_default();
        let problem = (!text.trim().is_empty())
            .then(|| Filter::problem(column, text))
            .flatten();
        let hint = match column {
            ItemColumn::SemanticId => "12.*.5",
            column if column.is_number() => ">5 or 2-10",
            _ => "part of the text",
        };
        let mut field = TextEdit::singleline(text)
            .hint_text(hint)
            .align(Align2::LEFT_CENTER);
        if problem.is_some() {
            field = field.text_color(theme::of(ui).bad);
        }
        let size = [FIELD_WIDTH, ui.spacing().interact_size.y];
        let response = ui.add_sized(size, field).labelled_by(check.id);
        if let Some(problem) = problem {
            response.on_hover_text(problem);
        }
        ui.horizontal(|ui| {
            for (is_descending, sign, words) in
                [(false, "⏶", "smallest first"), (true, "⏷", "largest first")]
            {
                let sort = ItemSort {
                    column,
                    is_descending,
                };
                let button = ui.selectable_label(self.sort() == sort, sign);
                button.widget_info(|| {
                    let words = format!("Order by {name}, {words}");
                    egui::WidgetInfo::labeled(egui::Role::Button, true, words)
                });
                if button.on_hover_text(words).clicked() {
                    self.sort = Some(sort);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    #[test]
    fn columns_are_shown_and_filtered_as_chosen() {
        let table = table();
        let mut menu = ColumnMenu::default();
        menu.refresh(&table);
        assert_eq!(
            menu.shown(),
            [
                ItemColumn::Title,
                ItemColumn::SemanticId,
                ItemColumn::Popularity,
                ItemColumn::Sharing,
                ItemColumn::Id,
                ItemColumn::Categories
            ]
        );
        menu.shown.insert(ItemColumn::Feature(0));
        menu.shown.remove(&ItemColumn::Id);
        assert_eq!(menu.shown().last(), Some(&ItemColumn::Feature(0)));
        for (column, text) in [
            (ItemColumn::Title, " re "),
            (ItemColumn::Popularity, "many"),
            (ItemColumn::Sharing, ""),
        ] {
            menu.texts.insert(column, text.to_owned());
        }
        let filters: Vec<ItemColumn> = menu.filters().into_keys().collect();
        assert_eq!(filters, [ItemColumn::Title]);
        assert_eq!(menu.sort().column, ItemColumn::Popularity);
    }
}
