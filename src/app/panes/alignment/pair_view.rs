//! Draws the pair viewer: the list of pairs, and one pair with both slates beside each other.

use egui::{ComboBox, Grid, TextEdit, Ui};

use super::mark_view::MarkView;
use super::pairs::{self, MarkFilter, PairFilter, PairRow};
use crate::app::command::UiCommand;
use crate::app::panes::common::item_ui;
use crate::app::state::{AppState, RunStore};
use crate::app::theme;
use crate::app::widgets::number::signed;
use crate::app::widgets::{DataTable, TableColumn};
use crate::engine::event::PairSlate;

/// Height of the list of pairs, points.
const LIST_HEIGHT: f32 = 170.0;

/// Width of that list, points: its columns, and no more, so that the wheel turns the pane beside it.
const LIST_WIDTH: f32 = 680.0;

const COLUMNS: [TableColumn<'_>; 6] = [
    TableColumn {
        name: "Step",
        tip: "The step that learned from the pair.",
        width: 60.0,
        is_number: true,
    },
    TableColumn {
        name: "User",
        tip: "By the dataset's own identifier.",
        width: 110.0,
        is_number: false,
    },
    TableColumn {
        name: "Mark",
        tip: "What you marked the pair with: left out, or turned round.",
        width: 96.0,
        is_number: false,
    },
    TableColumn {
        name: "Reward gap",
        tip: "Reward of the chosen slate - reward of the worst one.",
        width: 100.0,
        is_number: true,
    },
    TableColumn {
        name: "Judge gap",
        tip: "The same by the judge; negative where it sees the pair the other way round.",
        width: 100.0,
        is_number: true,
    },
    TableColumn {
        name: "Gained preference",
        tip: "[ln p - ln p_ref] of the chosen slate - the same of the worst one, before the step, in nats; times beta it is \
              DPO's margin.",
        width: 150.0,
        is_number: true,
    },
];

/// What is typed and chosen in the pair viewer.
#[derive(Default)]
pub(super) struct PairView {
    filter: PairFilter,
    selected: Option<usize>,
    mark: MarkView,
}

impl PairView {
    pub(super) fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let run = &state.run;
        ui.strong("Preference pairs").on_hover_text(
            "Up to four pairs of each logged step; objectives that learn from groups have none",
        );
        if run.pairs.is_empty() {
            ui.weak(pairs::absence(run));
            return;
        }
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Find");
            ui.add(
                TextEdit::singleline(&mut self.filter.text)
                    .desired_width(160.0)
                    .hint_text("user or item"),
            )
            .labelled_by(label.id);
            ui.checkbox(&mut self.filter.is_disputed, "Disputed by the judge")
                .on_hover_text("Only pairs whose rejected slate the judge prefers");
            let label = ui.label("Marks");
            ComboBox::from_id_salt("marked pairs")
                .selected_text(self.filter.marks.name())
                .width(110.0)
                .show_ui(ui, |ui| {
                    for choice in MarkFilter::ALL {
                        ui.selectable_value(&mut self.filter.marks, choice, choice.name());
                    }
                })
                .response
                .labelled_by(label.id);
        });
        let rows = pairs::rows(run, &self.filter);
        if rows.is_empty() {
            ui.weak("No pair fits.");
            return;
        }
        let selected = self.selected.unwrap_or(0).min(rows.len() - 1);
        let list = DataTable {
            name: "Preference pairs",
            columns: &COLUMNS,
            n_rows: rows.len(),
            selected: Some(selected),
            sort: None,
            text: &|row_idx, column_idx| {
                let mut cells = rows[row_idx].cells();
                std::mem::take(&mut cells[column_idx])
            },
            draw: None,
            height: LIST_HEIGHT,
        };
        let action = ui
            .scope(|ui| {
                ui.set_max_width(LIST_WIDTH);
                list.show(ui)
            })
            .inner;
        if action.selected.is_some() {
            self.selected = action.selected;
        }
        let selected = self.selected.unwrap_or(0).min(rows.len() - 1);
        let row = rows[selected];
        head_ui(ui, row, beta(run));
        self.mark.ui(ui, state, row, commands);
        pair_ui(ui, row, commands);
    }
}

/// The strength of the preference, for objectives whose margin is beta times what was gained.
fn beta(run: &RunStore) -> Option<f64> {
    let settings = &run.config.as_ref()?.align;
    settings.objective.has_dpo_margin().then_some(settings.beta)
}

fn head_ui(ui: &mut Ui, row: PairRow<'_>, beta: Option<f64>) {
    let pair = row.pair;
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("User {}, step {}", pair.user, row.step));
        if row.judge_gap() < 0.0 {
            ui.colored_label(
                theme::of(ui).warning,
                "The judge prefers the rejected slate",
            );
        }
        if pair.is_turned {
            ui.colored_label(theme::of(ui).warning, "Learned the other way round, as marked");
        }
        if let Some(beta) = beta {
            let margin = beta * row.gained_preference();
            ui.weak(format!("Margin {}", signed(margin, 3)))
                .on_hover_text(
                    "beta x the gained preference, before the step; the loss of the pair is -ln sigmoid(margin)",
                );
        }
    });
}

fn pair_ui(ui: &mut Ui, row: PairRow<'_>, commands: &mut Vec<UiCommand>) {
    let pair = row.pair;
    if !pair.history.is_empty() {
        egui::CollapsingHeader::new(format!("Last {} items of the history", pair.history.len()))
            .id_salt("pair history")
            .show(ui, |ui| {
                for item in &pair.history {
                    item_ui(ui, item, false, commands);
                }
            });
    }
    ui.columns(2, |columns| {
        slate_ui(&mut columns[0], "Chosen", &pair.chosen, commands);
        for (place, slate) in pair.rejected.iter().enumerate() {
            let title = match (place, pair.rejected.len()) {
                (_, 1) => "Rejected".to_owned(),
                _ => format!("Rejected {}", place + 1),
            };
            slate_ui(&mut columns[1], &title, slate, commands);
        }
    });
}

fn slate_ui(ui: &mut Ui, title: &str, slate: &PairSlate, commands: &mut Vec<UiCommand>) {
    ui.strong(title);
    for item in &slate.items {
        item_ui(ui, item, false, commands);
    }
    Grid::new(title)
        .num_columns(2)
        .spacing([12.0, 2.0])
        .show(ui, |ui| {
            for (name, value, tip) in pairs::scores(slate) {
                ui.label(name).on_hover_text(tip);
                ui.monospace(format!("{value:>9}"));
                ui.end_row();
            }
        });
    ui.add_space(4.0);
}
