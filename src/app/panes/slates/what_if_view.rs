//! Draws a slate that is changed by hand, with what each item adds before and after.

use egui::{CollapsingHeader, Grid, TextEdit, Ui};

use super::what_if::{self, WhatIf};
use crate::app::command::UiCommand;
use crate::app::panes::common::{button_unless, command_button, item_ui};
use crate::app::state::AppState;
use crate::app::widgets::text_table;
use crate::engine::event::{ScoredSlate, SlateComparison, SlateItem, Stage};

/// The slate at hand and what is typed.
#[derive(Default)]
pub(super) struct WhatIfView {
    what_if: WhatIf,
    is_before: bool,
    wanted: String,
    /// The identifier that was looked for without success.
    missing: Option<String>,
}

impl WhatIfView {
    /// Draws it for the slate of that rank.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        slates: &SlateComparison,
        rank: usize,
        commands: &mut Vec<UiCommand>,
    ) {
        CollapsingHeader::new("What if: other items in this slate")
            .id_salt("what if")
            .show(ui, |ui| self.body_ui(ui, state, slates, rank, commands));
    }

    fn body_ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        slates: &SlateComparison,
        rank: usize,
        commands: &mut Vec<UiCommand>,
    ) {
        let (before, after) = (slates.before.get(rank), slates.after.get(rank));
        if after.is_some() && before.is_some() {
            ui.horizontal_wrapped(|ui| {
                ui.label("Slate");
                ui.selectable_value(&mut self.is_before, true, "before alignment");
                ui.selectable_value(&mut self.is_before, false, "after alignment");
            });
        }
        let (stage, written) = match (before, after) {
            (_, Some(after)) if !self.is_before => (Stage::Align, after),
            (Some(before), _) => (Stage::Pretrain, before),
            _ => return,
        };
        self.what_if.follow(&slates.user, stage, rank, written);
        let answers = &state.run.answers;
        let original: Vec<u32> = written.items.iter().map(|item| item.item_idx).collect();
        // Journals of earlier versions do not say what each item adds; an answer does.
        let written = answers
            .rescored(&slates.user, stage, &original)
            .unwrap_or(written);
        let now = if self.what_if.is_changed() {
            answers.rescored(&slates.user, stage, self.what_if.items())
        } else {
            Some(written)
        };
        let ask = |items: &[u32]| UiCommand::RescoreSlate {
            user: slates.user.clone(),
            items: items.to_vec(),
            stage,
        };
        self.places_ui(ui, state, written, now, commands);
        if self.actions_ui(ui, state, commands) && self.what_if.is_changed() {
            commands.push(ask(self.what_if.items()));
        } else if state.pending.rescored {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.weak("Scoring");
            });
        } else if now.is_none() {
            let command = ask(self.what_if.items());
            command_button(ui, state, commands, command);
        } else if written.shares.is_empty() && written.items.len() > 1 {
            ui.horizontal_wrapped(|ui| {
                ui.weak("The run does not say what each item adds.");
                command_button(ui, state, commands, ask(&original));
            });
        }
        if let Some(now) = now
            && self.what_if.is_changed()
        {
            text_table(ui, "what if scores", &what_if::scores(written, now));
            if self.what_if.is_reordered() {
                ui.weak(
                    "Reward model and judge see the items of a slate without their order, so an exchange alone does not \
                     move them; true utility and the log-probability depend on it.",
                );
            }
        }
    }

    /// The items with what each adds, as written and as changed.
    fn places_ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        written: &ScoredSlate,
        now: Option<&ScoredSlate>,
        commands: &mut Vec<UiCommand>,
    ) {
        let has_oracle = written.oracle.is_some();
        let tip = "What the item adds: the slate's score - that of the slate without it";
        let mut times = vec![("as written", "in the slate as the generator wrote it")];
        if self.what_if.is_changed() {
            times.push(("now", "in the slate as it is now"));
        }
        ui.weak("What each item adds: the slate's score less that of the slate without it");
        let known: Vec<&ScoredSlate> = now.into_iter().chain([written]).collect();
        Grid::new("what if places")
            .num_columns(9)
            .striped(true)
            .spacing([14.0, 3.0])
            .show(ui, |ui| {
                ui.strong("Place")
                    .on_hover_text("Choose two to exchange, or one to replace");
                ui.strong("Item");
                for (when, of) in &times {
                    for (what, who) in [
                        ("Reward", "reward"),
                        ("Judge", "judge"),
                        ("Utility", "true utility"),
                    ] {
                        if what != "Utility" || has_oracle {
                            ui.strong(format!("{what} {when}"))
                                .on_hover_text(format!("{tip}, by the {who}, {of}"));
                        }
                    }
                }
                ui.end_row();
                for place in 0..self.what_if.items().len() {
                    let item_idx = self.what_if.items()[place];
                    let is_chosen = self.what_if.is_chosen(place);
                    let button = ui.selectable_label(is_chosen, format!(" {} ", place + 1));
                    button.widget_info(|| {
                        let name = format!("Place {}", place + 1);
                        egui::WidgetInfo::selected(egui::Role::Button, true, is_chosen, name)
                    });
                    if button.clicked() {
                        self.what_if.choose(place);
                    }
                    match what_if::item_of(&known, item_idx).or_else(|| table_item(state, item_idx))
                    {
                        Some(item) => {
                            ui.scope(|ui| {
                                ui.set_max_width(300.0);
                                item_ui(ui, &item, false, commands);
                            });
                        }
                        None => {
                            ui.weak(format!("item {item_idx}"));
                        }
                    }
                    let dash = || ["-"; 3].map(str::to_owned);
                    let before = what_if::share(written, item_idx);
                    let after = now.map_or_else(dash, |now| what_if::share(now, item_idx));
                    for shares in [before, after].iter().take(times.len()) {
                        let n_shown = if has_oracle { 3 } else { 2 };
                        for text in shares.iter().take(n_shown) {
                            ui.monospace(format!("{text:>9}"));
                        }
                    }
                    ui.end_row();
                }
            });
    }

    /// Whether an item was moved or replaced.
    fn actions_ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) -> bool {
        let mut is_moved = false;
        ui.horizontal_wrapped(|ui| {
            if button_unless(ui, "Exchange the two", self.what_if.swap_obstacle()) {
                self.what_if.swap();
                is_moved = true;
            }
            let selected = state.selection.item;
            let name = match selected.and_then(|item| table_item(state, item)) {
                Some(item) => format!("Replace by {}", shortened(&item.title)),
                None => "Replace by the selected item".to_owned(),
            };
            let obstacle = self.what_if.replace_obstacle(selected);
            if button_unless(ui, name, obstacle)
                && let Some(item) = selected
            {
                self.what_if.replace(item);
                is_moved = true;
            }
            let obstacle = (!self.what_if.is_changed()).then_some("Nothing was changed.");
            if button_unless(ui, "As written", obstacle) {
                self.what_if.reset();
            }
            let label = ui.label("Select item");
            let field = ui
                .add(
                    TextEdit::singleline(&mut self.wanted)
                        .desired_width(90.0)
                        .hint_text("identifier"),
                )
                .labelled_by(label.id);
            if field.lost_focus() && !self.wanted.trim().is_empty() {
                let wanted = self.wanted.trim();
                match item_named(state, wanted) {
                    Some(item) => {
                        commands.push(UiCommand::SelectItem(Some(item)));
                        self.missing = None;
                        self.wanted.clear();
                    }
                    None => self.missing = Some(wanted.to_owned()),
                }
            }
            if let Some(missing) = &self.missing {
                ui.weak(format!("No item is named {missing:?}."));
            }
        });
        is_moved
    }
}

/// An item from the item table.
fn table_item(state: &AppState, item_idx: u32) -> Option<SlateItem> {
    let table = state.items.table()?;
    let row = item_idx as usize;
    (row < table.len()).then(|| SlateItem {
        item_idx,
        external_id: table.external_id(row).to_owned(),
        title: table.label(row).to_owned(),
        codes: table.codes(row).to_vec(),
    })
}

fn item_named(state: &AppState, name: &str) -> Option<u32> {
    let table = state.items.table()?;
    let row = (0..table.len()).find(|row| table.external_id(*row) == name)?;
    Some(row as u32)
}

/// A title that fits a button.
fn shortened(title: &str) -> String {
    const MOST: usize = 24;
    if title.chars().count() <= MOST {
        return title.to_owned();
    }
    let start: String = title.chars().take(MOST - 1).collect();
    format!("{start}…")
}
