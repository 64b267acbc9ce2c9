//! Draws the slates pane.

use egui::{Align, ComboBox, Grid, Key, Layout, ScrollArea, TextEdit, Ui, vec2};

use super::checkpoint_view::CheckpointView;
use super::spread::SpreadView;
use super::view_model::{self, ScoreRow};
use super::what_if_view::WhatIfView;
use crate::app::command::UiCommand;
use crate::app::panes::common::{TWO_COLUMNS_FROM, failure_ui, item_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme::tokens;
use crate::app::widgets::{empty_state, score_bar, text_table};
use crate::engine::event::{ScoredSlate, SlateComparison, Stage};
use crate::engine::seed::Seed;

/// Items of the history that are shown, the newest ones.
const MAX_HISTORY: usize = 12;

/// The pane: what is typed, which rank is shown, how often a user was drawn, and what is asked beyond that.
#[derive(Default)]
pub struct SlatesPane {
    user: String,
    rank: usize,
    n_drawn: u64,
    what_if: WhatIfView,
    checkpoints: CheckpointView,
    spread: SpreadView,
}

impl SlatesPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        if state.run.is_without_reward() {
            let text = "Its log has too few impressions with feedback for a reward model, so slates cannot be scored. \
                        The pane Overview has the held-out metrics.";
            empty_state(ui, "This run has no reward models", text, None);
            return;
        }
        let obstacle = UiCommand::InspectUser(String::new()).obstacle(state);
        let comparison = view_model::comparison(state);
        if obstacle.is_some() && comparison.is_none() {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Evaluate,
                "No slates yet",
                "For a user of your choice, the history, the slates before and after alignment and every score of \
                 them appear here. The reward models must be trained; the comparison needs alignment.",
            );
        }
        failure_ui(ui, state);
        self.choice_ui(ui, state, commands);
        ui.separator();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            // Room for the bar beside the content.
            ui.set_max_width(ui.available_width() - tokens::GAP);
            match comparison {
                Some(slates) => {
                    self.slates_ui(ui, slates, commands);
                    self.what_if.ui(ui, state, slates, self.rank, commands);
                }
                None => {
                    ui.weak("Type the identifier of a user as it is written in the dataset, then press Generate.");
                }
            }
            let user = comparison.map(|slates| slates.user.as_str());
            self.checkpoints.ui(ui, state, user, commands);
            if let Some(report) = &state.run.alignment {
                ui.add_space(10.0);
                ui.strong(format!("All {} users, before and after alignment", report.users));
                text_table(ui, "rewards", &view_model::rewards(report));
                for sentence in &report.verdict {
                    ui.label(sentence);
                }
                ui.add_space(6.0);
                let names = ["Before alignment", "After alignment"].map(str::to_owned);
                self.spread
                    .ui(ui, "score spread", &report.distributions, &names);
            }
            if let Some(report) = &state.run.evaluation {
                ui.add_space(10.0);
                ui.strong("Held-out items").on_hover_text(&report.protocol);
                text_table(ui, "evaluation", &view_model::evaluation(report));
                for sentence in &report.verdict {
                    ui.label(sentence);
                }
                ui.weak(&report.protocol);
            }
        });
    }

    fn choice_ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let known = view_model::known_users(state);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("User");
            let field = ui
                .add(
                    TextEdit::singleline(&mut self.user)
                        .desired_width(130.0)
                        .hint_text("identifier"),
                )
                .labelled_by(label.id);
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let command = UiCommand::InspectUser(self.user.trim().to_owned());
            let obstacle = command.obstacle(state);
            let can_ask = obstacle.is_none()
                && !self.user.trim().is_empty()
                && state.pending.slates.is_none();
            let button = ui
                .add_enabled(can_ask, egui::Button::new("Generate"))
                .on_disabled_hover_text(
                    obstacle.unwrap_or("Type a user first, or wait for the last answer."),
                );
            if button.clicked() || (is_entered && can_ask) {
                commands.push(command);
            }
            let users = view_model::candidates(state);
            let random = ui
                .add_enabled(
                    !users.is_empty() && obstacle.is_none(),
                    egui::Button::new("Random user"),
                )
                .on_disabled_hover_text("No users are known yet.");
            if random.clicked() {
                self.user = draw_user(&users, self.n_drawn);
                self.n_drawn += 1;
                commands.push(UiCommand::InspectUser(self.user.clone()));
            }
            if !known.is_empty() {
                let label = ui.label("Generated");
                let shown = view_model::comparison(state).map_or("", |slates| &slates.user);
                ComboBox::from_id_salt("known users")
                    .selected_text(shown)
                    .width(110.0)
                    .show_ui(ui, |ui| {
                        for user in known {
                            if ui.selectable_label(user == shown, user).clicked() {
                                self.user = user.to_owned();
                                commands.push(UiCommand::InspectUser(self.user.clone()));
                            }
                        }
                    })
                    .response
                    .labelled_by(label.id);
            }
            if let Some(user) = &state.pending.slates {
                ui.spinner();
                ui.weak(format!("Generating slates for user {user}"));
            }
        });
    }

    fn slates_ui(&mut self, ui: &mut Ui, slates: &SlateComparison, commands: &mut Vec<UiCommand>) {
        let n_ranks = slates.before.len().max(slates.after.len());
        self.rank = self.rank.min(n_ranks.saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.heading(format!("User {}", slates.user));
            if n_ranks > 1 {
                ui.label("Slate")
                    .on_hover_text("By log-probability; 1 is the one that would be shown.");
                for rank in 0..n_ranks.min(16) {
                    ui.selectable_value(&mut self.rank, rank, (rank + 1).to_string());
                }
            }
        });
        let width = ui.available_width();
        if width < TWO_COLUMNS_FROM {
            self.pair_ui(ui, slates, commands);
            history_ui(ui, slates, commands);
            return;
        }
        let top_down = Layout::top_down(Align::Min);
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(vec2(width * 0.32, 0.0), top_down, |ui| {
                ui.set_width(width * 0.32);
                history_ui(ui, slates, commands);
            });
            ui.add_space(8.0);
            ui.allocate_ui_with_layout(ui.available_size(), top_down, |ui| {
                self.pair_ui(ui, slates, commands);
            });
        });
    }

    /// The slates of the chosen rank side by side, and their scores.
    fn pair_ui(&self, ui: &mut Ui, slates: &SlateComparison, commands: &mut Vec<UiCommand>) {
        let (before, after) = (slates.before.get(self.rank), slates.after.get(self.rank));
        ui.columns(2, |columns| {
            slate_ui(
                &mut columns[0],
                "Before alignment",
                slates,
                before,
                commands,
            );
            slate_ui(&mut columns[1], "After alignment", slates, after, commands);
        });
        ui.add_space(6.0);
        scores_ui(ui, &view_model::scores(slates, self.rank));
        ui.add_space(6.0);
    }
}

/// The n-th user of a sequence that looks random and is the same every time.
fn draw_user(users: &[&str], n_drawn: u64) -> String {
    use rand::RngExt as _;
    let mut rng = Seed(0).rng("window.random_user", n_drawn);
    users[rng.random_range(0..users.len())].to_owned()
}

fn history_ui(ui: &mut Ui, slates: &SlateComparison, commands: &mut Vec<UiCommand>) {
    let skipped = slates.history.len().saturating_sub(MAX_HISTORY);
    ui.strong("History")
        .on_hover_text("Positive items before the held-out one; the newest is last.");
    if slates.history.is_empty() {
        ui.weak("No items before the held-out one.");
    }
    if skipped > 0 {
        ui.weak(format!("{skipped} older items are not shown."));
    }
    for item in &slates.history[skipped..] {
        item_ui(ui, item, false, commands);
    }
    if !slates.held_out.is_empty() {
        ui.add_space(4.0);
        ui.strong("Really went on to")
            .on_hover_text("Held out: no stage has learned from it.");
        for item in &slates.held_out {
            item_ui(ui, item, true, commands);
        }
    }
}

fn slate_ui(
    ui: &mut Ui,
    title: &str,
    slates: &SlateComparison,
    slate: Option<&ScoredSlate>,
    commands: &mut Vec<UiCommand>,
) {
    ui.strong(title);
    let Some(slate) = slate else {
        ui.weak("None. Run alignment to compare.");
        return;
    };
    for item in &slate.items {
        let is_hit = slates
            .held_out
            .iter()
            .any(|held| held.item_idx == item.item_idx);
        item_ui(ui, item, is_hit, commands);
    }
    let n_hits = view_model::n_hits(slates, slate);
    ui.weak(format!(
        "{n_hits} of {} held-out items",
        slates.held_out.len()
    ));
}

fn scores_ui(ui: &mut Ui, rows: &[ScoreRow]) {
    let width = ((ui.available_width() - 150.0) / 2.0).clamp(110.0, 260.0);
    Grid::new("scores")
        .num_columns(3)
        .spacing([16.0, 3.0])
        .show(ui, |ui| {
            ui.strong("Score");
            ui.strong("Before");
            ui.strong("After");
            ui.end_row();
            for row in rows {
                ui.label(&row.name).on_hover_text(row.tip);
                for (when, value) in [("before", row.before), ("after", row.after)] {
                    match value {
                        Some(value) => {
                            score_bar(ui, &format!("{} {when}", row.name), value, row.range, width);
                        }
                        None => {
                            ui.weak("-");
                        }
                    }
                }
                ui.end_row();
            }
        });
}
