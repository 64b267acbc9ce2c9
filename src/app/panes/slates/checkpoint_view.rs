//! Draws what several checkpoints show the same users.

use egui::{CollapsingHeader, ComboBox, DragValue, Ui};

use super::comparison;
use super::spread::SpreadView;
use crate::app::command::UiCommand;
use crate::app::panes::common::{command_button, item_ui};
use crate::app::state::AppState;
use crate::app::widgets::number::significant;
use crate::app::widgets::text_table;
use crate::engine::command::UserSet;
use crate::engine::event::{CheckpointComparison, ScoredSlate, UserSlates};

/// Users that are drawn where nothing else is asked for.
const DEFAULT_USERS: usize = 50;
/// Most users that are drawn.
const MOST_USERS: usize = 1000;
/// Width that a slate needs, points.
const SLATE_WIDTH: f32 = 165.0;

/// What is asked and looked at.
pub(super) struct CheckpointView {
    is_one_user: bool,
    n_users: usize,
    user: Option<String>,
    spread: SpreadView,
}

impl Default for CheckpointView {
    fn default() -> Self {
        Self {
            is_one_user: false,
            n_users: DEFAULT_USERS,
            user: None,
            spread: SpreadView::default(),
        }
    }
}

impl CheckpointView {
    /// `user` is the one whose slates are in view.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        user: Option<&str>,
        commands: &mut Vec<UiCommand>,
    ) {
        CollapsingHeader::new("Checkpoints side by side")
            .id_salt("checkpoints")
            .show(ui, |ui| {
                self.question_ui(ui, state, user, commands);
                if let Some(comparison) = &state.run.answers.checkpoints {
                    self.answer_ui(ui, comparison, commands);
                }
            });
    }

    fn question_ui(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        user: Option<&str>,
        commands: &mut Vec<UiCommand>,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.label("The slates of").on_hover_text(
                "Eight slates per user, written by every checkpoint of pretraining and alignment that the run has kept, on \
                 the CPU",
            );
            ui.radio_value(&mut self.is_one_user, false, "users drawn at random:")
                .on_hover_text("Users with a held-out item; the same ones each time");
            let n_users = DragValue::new(&mut self.n_users).range(1..=MOST_USERS);
            ui.add_enabled(!self.is_one_user, n_users)
                .on_hover_text("Users; twice as many take twice as long");
            self.is_one_user &= user.is_some();
            if let Some(user) = user {
                ui.radio_value(&mut self.is_one_user, true, format!("user {user}"));
            }
            let users = match user {
                Some(user) if self.is_one_user => UserSet::Named(vec![user.to_owned()]),
                _ => UserSet::Drawn(self.n_users),
            };
            command_button(ui, state, commands, UiCommand::CompareCheckpoints(users));
            if state.pending.checkpoints {
                ui.spinner();
                command_button(ui, state, commands, UiCommand::StopComparing);
            }
        });
    }

    fn answer_ui(
        &mut self,
        ui: &mut Ui,
        comparison: &CheckpointComparison,
        commands: &mut Vec<UiCommand>,
    ) {
        let CheckpointComparison {
            n_users, n_slates, ..
        } = comparison;
        let of = match n_users {
            1 => "one user".to_owned(),
            n => format!("{n} users"),
        };
        ui.weak(format!("{n_slates} slates for {of}"));
        text_table(ui, "checkpoint scores", &comparison::table(comparison));
        ui.add_space(6.0);
        let names: Vec<String> = comparison
            .checkpoints
            .iter()
            .map(comparison::name)
            .collect();
        self.spread
            .ui(ui, "checkpoint spread", &comparison.scores, &names);
        let Some(shown) = self.shown(comparison) else {
            return;
        };
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            let label = ui
                .strong("First slate of user")
                .on_hover_text("The likeliest slate under each checkpoint, which would be shown");
            ComboBox::from_id_salt("checkpoint user")
                .selected_text(&shown.user)
                .show_ui(ui, |ui| {
                    for user in &comparison.users {
                        let is_shown = user.user == shown.user;
                        if ui.selectable_label(is_shown, &user.user).clicked() {
                            self.user = Some(user.user.clone());
                        }
                    }
                })
                .response
                .labelled_by(label.id);
        });
        slates_ui(ui, shown, &names, commands);
    }

    fn shown<'a>(&self, comparison: &'a CheckpointComparison) -> Option<&'a UserSlates> {
        let wanted = |user: &&UserSlates| Some(&user.user) == self.user.as_ref();
        comparison
            .users
            .iter()
            .find(wanted)
            .or(comparison.users.first())
    }
}

/// The slates of the checkpoints, as many beside each other as fit.
fn slates_ui(ui: &mut Ui, shown: &UserSlates, names: &[String], commands: &mut Vec<UiCommand>) {
    let n_columns = ((ui.available_width() / SLATE_WIDTH) as usize).clamp(1, names.len().max(1));
    let slates: Vec<(&ScoredSlate, &String)> = shown.slates.iter().zip(names).collect();
    for row in slates.chunks(n_columns) {
        ui.columns(n_columns, |columns| {
            for (ui, (slate, name)) in columns.iter_mut().zip(row) {
                ui.vertical(|ui| {
                    ui.strong(name.as_str());
                    for item in &slate.items {
                        item_ui(ui, item, false, commands);
                    }
                    let mut scores = format!(
                        "Reward {}, judge {}",
                        significant(slate.reward, 3),
                        significant(slate.judge_reward, 3)
                    );
                    if let Some(oracle) = slate.oracle {
                        scores.push_str(&format!(", utility {}", significant(oracle, 3)));
                    }
                    ui.weak(scores);
                });
            }
        });
        ui.add_space(4.0);
    }
}
