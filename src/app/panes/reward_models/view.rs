//! Draws the pane of reward models.

use egui::{Grid, RichText, Ui};

use super::view_model::{self, Finding};
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, in_columns, scrolled, side_by_side, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::number::count;
use crate::app::widgets::{ReliabilityPlot, Stat, empty_state, stat_grid};
use crate::engine::event::Stage;
use crate::engine::run::report::{RewardHead, RewardReport};

/// Height of a chart in points.
const CHART_HEIGHT: f32 = 200.0;

/// The pane.
#[derive(Default)]
pub struct RewardModelsPane;

impl RewardModelsPane {
    /// Draws the pane.
    pub fn ui(&self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        if state.run.is_without_reward() {
            failure_ui(ui, state);
            let text = "Its log has too few impressions with feedback for a reward model. The pane Device and log has the \
                        warning.";
            empty_state(ui, "This run has no reward models", text, None);
            return;
        }
        let Some(report) = &state.run.reward else {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Reward,
                "No reward models yet",
                "How well the reward model and its judge rank what users do later, head by head, and whether their \
                 probabilities can be taken at their word, appears here.",
            );
        };
        failure_ui(ui, state);
        scrolled(ui, |ui| {
            for finding in view_model::findings(report) {
                finding_ui(ui, &finding);
            }
            ui.add_space(6.0);
            stat_grid(ui, &slates(report));
            ui.add_space(6.0);
            side_by_side(
                ui,
                |ui| {
                    let tip = "What alignment maximises";
                    figures_ui(ui, "Reward model", tip, &report.heads);
                },
                |ui| {
                    let tip = "The same kind of model, trained on the other half of the users; alignment never sees it";
                    figures_ui(ui, "Judge", tip, &report.judge_heads);
                },
            );
            in_columns(ui, &view_model::curves(report), 6.0, |ui, head| {
                ReliabilityPlot {
                    title: &head.title,
                    curves: &head.curves,
                    height: CHART_HEIGHT,
                }
                .show(ui);
            });
            ui.weak(&report.rule);
            ui.weak("The losses of both models are among the training curves.");
        });
    }
}

fn finding_ui(ui: &mut Ui, finding: &Finding) {
    let Some(remedy) = &finding.remedy else {
        ui.label(&finding.text);
        return;
    };
    ui.label(RichText::new(&finding.text).color(theme::of(ui).warning));
    ui.weak(format!("What to do: {remedy}"));
}

fn slates(report: &RewardReport) -> Vec<Stat> {
    vec![
        Stat::new(
            "Slates learned from",
            count(report.train_slates),
            "Logged slates that trained the reward model, of one half of the users, before the cut in time.",
        ),
        Stat::new(
            "Judge's slates",
            count(report.judge_train_slates),
            "Those that trained the judge, of the other half of the users.",
        ),
        Stat::new(
            "Later slates",
            count(report.test_slates),
            "Slates of all users after the cut in time, on which both models are measured.",
        ),
    ]
}

/// The figures of one model: a column per head.
fn figures_ui(ui: &mut Ui, title: &str, tip: &str, heads: &[RewardHead]) {
    ui.strong(title).on_hover_text(tip);
    let rows = view_model::figures(heads);
    Grid::new(title)
        .num_columns(heads.len() + 1)
        .spacing([18.0, 3.0])
        .striped(true)
        .show(ui, |ui| {
            ui.label("");
            for name in view_model::head_names(heads) {
                ui.strong(name);
            }
            ui.end_row();
            for row in rows {
                ui.label(row.name).on_hover_text(row.tip);
                for value in &row.values {
                    ui.monospace(value);
                }
                ui.end_row();
            }
        });
    ui.add_space(6.0);
}
