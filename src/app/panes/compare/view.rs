//! Draws the comparison of tokenizers.

use std::collections::BTreeSet;

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{PopupCloseBehavior, RichText, ScrollArea, Ui};

use super::view_model::{self, Shown};
use crate::app::command::UiCommand;
use crate::app::panes::common::{button_unless, capitalised, failure_ui, waiting_ui};
use crate::app::state::{AppState, ComparisonState};
use crate::app::theme;
use crate::app::widgets::{DataTable, TableColumn, TableSort, empty_state, progress_bar};
use crate::engine::event::Stage;
use crate::engine::text_table::TableFormat;
use crate::engine::tokenizer::comparison::TokenizerComparison;
use crate::engine::tokenizer::comparison_table::{compact, table};
use crate::engine::tokenizer::variants::VARIANTS;

/// The order in which the tokenizers were fitted: sorted by no column.
const AS_FITTED: TableSort = TableSort {
    column_idx: usize::MAX,
    is_descending: false,
};

/// Height below which the table would show nothing, points.
const LEAST_TABLE: f32 = 120.0;

/// The pane and which tokenizers are left out of the next comparison.
#[derive(Default)]
pub struct ComparePane {
    left_out: BTreeSet<&'static str>,
    selected: Option<usize>,
    sort: Option<TableSort>,
}

impl ComparePane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        if state.run.tokenizer.is_none() {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Tokenize,
                "Nothing to compare yet",
                "Once a run has item vectors and semantic IDs, other tokenizers can be fitted to the same vectors and \
                 set beside them here.",
            );
        }
        failure_ui(ui, state);
        self.controls_ui(ui, state, commands);
        let comparison = &state.run.comparison;
        progress_ui(ui, comparison);
        if comparison.result.rows.is_empty() {
            if !comparison.is_going {
                empty_state(
                    ui,
                    "No comparison yet",
                    "Every tokenizer chosen above is fitted to the item vectors of this run: the same levels and codes, \
                     so that the figures can be set side by side. The run itself is not changed.",
                    None,
                );
            }
            return;
        }
        if let Some(verdict) = view_model::verdict(&comparison.result) {
            ui.label(RichText::new(verdict).strong());
            ui.weak(view_model::rule());
        }
        if comparison.result.n_items > 0 {
            ui.weak(comparison.result.subject());
        }
        ui.add_space(4.0);
        self.table_ui(ui, &comparison.result);
    }

    fn controls_ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        ui.horizontal_wrapped(|ui| {
            // The exported tables have the same names in lower case.
            let names: Vec<String> = VARIANTS
                .iter()
                .filter(|variant| !self.left_out.contains(variant.name))
                .map(|variant| variant.name.to_owned())
                .collect();
            let n_chosen = names.len();
            // Several are chosen at a time: a click inside does not close it.
            let menu = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
            MenuButton::new(format!("{n_chosen} of {} tokenizers", VARIANTS.len()))
                .config(menu)
                .ui(ui, |ui| self.choice_ui(ui))
                .0
                .on_hover_text("Which tokenizers the next comparison fits.");
            // Without names the engine would fit all of them.
            let nothing = (n_chosen == 0).then_some("Choose at least one tokenizer.");
            let compare = UiCommand::CompareTokenizers {
                names: names.clone(),
                tables: Vec::new(),
            };
            for command in [compare, UiCommand::CompareTableDialog { names }] {
                let obstacle = nothing.or_else(|| command.obstacle(state));
                if button_unless(ui, command.text(), obstacle) {
                    commands.push(command);
                }
            }
            if state.run.comparison.is_going && ui.button("Stop").clicked() {
                commands.push(UiCommand::Stop);
            }
            let result = &state.run.comparison.result;
            if !result.rows.is_empty() {
                ui.separator();
                export_ui(ui, result, commands);
            }
        });
        ui.add_space(4.0);
    }

    fn choice_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            if ui.button("All").clicked() {
                self.left_out.clear();
            }
            if ui.button("None").clicked() {
                self.left_out = VARIANTS.iter().map(|variant| variant.name).collect();
            }
        });
        ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
            for variant in &VARIANTS {
                let mut is_chosen = !self.left_out.contains(variant.name);
                let response = ui
                    .checkbox(&mut is_chosen, variant.name)
                    .on_hover_text(variant.description);
                if response.changed() && is_chosen {
                    self.left_out.remove(variant.name);
                } else if response.changed() {
                    self.left_out.insert(variant.name);
                }
            }
        });
    }

    fn table_ui(&mut self, ui: &mut Ui, comparison: &TokenizerComparison) {
        let shown = Shown::new(comparison);
        let order = match self.sort {
            Some(sort) => shown.order(sort.column_idx, sort.is_descending),
            None => (0..comparison.rows.len()).collect(),
        };
        let names: Vec<String> = shown
            .table
            .header
            .iter()
            .map(|it| capitalised(it))
            .collect();
        let last = names.len().saturating_sub(1);
        let columns: Vec<TableColumn<'_>> = names
            .iter()
            .zip(&shown.tips)
            .enumerate()
            .map(|(column_idx, (name, tip))| TableColumn {
                name,
                tip,
                width: width(&shown, column_idx),
                is_number: column_idx > 0 && column_idx < last,
            })
            .collect();
        let good = theme::of(ui).good;
        let height = ui.available_height().max(LEAST_TABLE);
        let width: f32 = columns.iter().map(|column| column.width + 10.0).sum();
        // A table keeps its columns' widths: one whose cells have grown is another table.
        let salt = format!("comparison {width}");
        ui.push_id(salt, |ui| {
            let action = DataTable {
                name: "Comparison of tokenizers",
                columns: &columns,
                n_rows: comparison.rows.len(),
                selected: order.iter().position(|row| Some(*row) == self.selected),
                sort: Some(self.sort.unwrap_or(AS_FITTED)),
                text: &|row, column| shown.table.rows[order[row]][column].clone(),
                draw: Some(&|ui, row, column| {
                    let row = order[row];
                    let text = &shown.table.rows[row][column];
                    if column == 0 {
                        ui.label(text)
                            .on_hover_text(&comparison.rows[row].description);
                        return true;
                    }
                    if shown.best[column] == Some(row) {
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            ui.add_space(8.0);
                            ui.label(RichText::new(text).monospace().strong().color(good))
                                .on_hover_text("The best of this column.");
                        });
                        return true;
                    }
                    false
                }),
                height,
            }
            .show_frozen(ui, 1, None);
            if let Some(row) = action.selected {
                self.selected = order.get(row).copied();
            }
            if action.sort.is_some() {
                self.sort = action.sort;
            }
        });
    }
}

/// Width that the widest text of a column needs, points.
fn width(shown: &Shown, column_idx: usize) -> f32 {
    let cells = shown.table.rows.iter().map(|row| &row[column_idx]);
    let header = &shown.table.header[column_idx];
    let n_letters = cells.chain([header]).map(|text| text.chars().count()).max();
    let widest = 8.0 * n_letters.unwrap_or(0) as f32 + 20.0;
    widest.clamp(60.0, 340.0)
}

fn progress_ui(ui: &mut Ui, comparison: &ComparisonState) {
    if !comparison.is_going {
        return;
    }
    let (done, all) = (comparison.result.rows.len(), comparison.names.len().max(1));
    let fraction = done as f32 / all as f32;
    let doing = match &comparison.doing {
        Some((name, doing)) => format!("{name}: {doing}"),
        None => "preparing".to_owned(),
    };
    progress_bar(
        ui,
        "Comparison of tokenizers",
        fraction,
        &format!("{done} of {all}"),
    );
    ui.weak(doing);
    ui.add_space(4.0);
}

fn export_ui(ui: &mut Ui, comparison: &TokenizerComparison, commands: &mut Vec<UiCommand>) {
    ui.menu_button("Export", |ui| {
        for (words, format, table) in [
            (
                "CSV, one figure per cell…",
                TableFormat::Csv,
                table(comparison),
            ),
            ("Markdown…", TableFormat::Markdown, compact(comparison)),
            ("LaTeX…", TableFormat::Latex, compact(comparison)),
        ] {
            if ui.button(words).clicked() {
                commands.push(UiCommand::SaveTextDialog {
                    name: format!("tokenizers.{}", format.extension()),
                    text: table.render(format).into(),
                });
                ui.close();
            }
        }
        if ui.button("Copy as Markdown").clicked() {
            let text = compact(comparison).render(TableFormat::Markdown);
            commands.push(UiCommand::CopyText(text));
            ui.close();
        }
    });
}
