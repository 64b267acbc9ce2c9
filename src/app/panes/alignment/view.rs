//! Draws the alignment pane.

use egui::{CollapsingHeader, ScrollArea, Ui};

use super::code_view::CodeView;
use super::courses::{self, Course};
use super::pair_view::PairView;
use super::spread_view::SpreadView;
use super::time;
use super::view_model::{self, RULES, Verdict};
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, in_columns, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{
    MetricPlot, PlotSeries, PlotView, Reference, empty_state, stat_grid, text_table,
};
use crate::engine::event::{RunId, Stage};

/// Height of a chart in points.
const CHART_HEIGHT: f32 = 180.0;

/// The pane, what is looked at in it, and the charts of the newest event.
#[derive(Default)]
pub struct AlignmentPane {
    pairs: PairView,
    spreads: SpreadView,
    codes: CodeView,
    probed: Vec<Course>,
    learned: Vec<Course>,
    made_of: Option<(RunId, u64)>,
}

impl AlignmentPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let run = &state.run;
        if run.is_without_reward() {
            let text = "Its log has too few impressions with feedback for a reward model, and without one there is \
                        nothing to align with. The pane Device and log has the warning.";
            empty_state(ui, "This run has no alignment", text, None);
            return;
        }
        if run.stage_series(Stage::Align).next().is_none() {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Align,
                "No alignment yet",
                "What alignment does to the reward, to its judge, to true utility and to hits appears here, with \
                 warnings in words and the pairs that it learns from.",
            );
        }
        self.refresh(state);
        failure_ui(ui, state);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            // Room for the bar beside the content.
            ui.set_max_width(ui.available_width() - tokens::GAP);
            verdict_ui(ui, &view_model::verdict(state));
            match view_model::probed_at(run) {
                Some(step) => {
                    let of = if step == 0 {
                        "before alignment".to_owned()
                    } else {
                        format!("after step {step}")
                    };
                    ui.strong(format!("Probe {of}"))
                        .on_hover_text("The small figures are the changes since before alignment");
                    stat_grid(ui, &view_model::figures(run));
                    courses_ui(ui, &self.probed);
                }
                None => {
                    ui.weak(view_model::no_probe(state));
                }
            }
            if let Some(sentence) = time::sentence(run) {
                ui.add_space(6.0);
                ui.label(sentence).on_hover_text(time::TIP);
            }
            ui.add_space(6.0);
            ui.strong("What each step learned")
                .on_hover_text("Over the same steps as the probes");
            courses_ui(ui, &self.learned);
            self.spreads.ui(ui, run);
            ui.add_space(6.0);
            self.pairs.ui(ui, state, commands);
            if let Some(report) = &run.alignment {
                ui.add_space(10.0);
                ui.strong("Before and after").on_hover_text(format!(
                    "Measured by the evaluation, on {} users",
                    report.users
                ));
                let marked = view_model::marked(report);
                if !marked.is_empty() {
                    ui.label(marked);
                }
                let evaluation = run.evaluation.as_ref();
                text_table(ui, "entropy", &view_model::entropy(report, evaluation));
                ui.add_space(6.0);
                self.codes.ui(ui, &report.codes);
                ui.strong("Best of K slates");
                text_table(ui, "pass at k", &view_model::pass_at_k(report));
                ui.add_space(6.0);
                text_table(ui, "diversity", &view_model::diversity(report));
            }
        });
    }

    /// Copies the series out of the state only when an event has arrived.
    fn refresh(&mut self, state: &AppState) {
        let made_of = (state.run.id.clone(), state.run.next_seq);
        if self.made_of.as_ref() != Some(&made_of) {
            self.probed = courses::probed(&state.run);
            self.learned = courses::learned(&state.run);
            self.made_of = Some(made_of);
        }
    }
}

/// Charts over the same steps.
fn courses_ui(ui: &mut Ui, courses: &[Course]) {
    in_columns(ui, courses, 4.0, course_ui);
}

fn verdict_ui(ui: &mut Ui, verdict: &Verdict) {
    let tokens = theme::of(ui);
    let color = match verdict.is_healthy {
        Some(true) => tokens.good,
        Some(false) => tokens.warning,
        None => tokens.weak_text,
    };
    ui.colored_label(color, &verdict.text);
    for (text, hint) in &verdict.warnings {
        ui.label(text);
        if !hint.is_empty() {
            ui.weak(format!("What to do: {hint}"));
        }
    }
    CollapsingHeader::new("The rules behind this")
        .id_salt("alignment rules")
        .show(ui, |ui| {
            ui.label(
                "Every few steps the policy writes slates for the same users, and everyone who can judge them does. \
                 There is a warning when:",
            );
            for rule in RULES {
                ui.label(format!("• {rule}"));
            }
        });
    ui.add_space(4.0);
}

fn course_ui(ui: &mut Ui, course: &Course) {
    MetricPlot {
        title: course.title,
        tip: course.tip,
        x_name: "step",
        series: course
            .lines
            .iter()
            .map(|line| PlotSeries {
                name: &line.name,
                points: &line.points,
                abandoned: &line.abandoned,
            })
            .collect(),
        references: course
            .references
            .iter()
            .map(|(name, value)| Reference {
                name,
                value: *value,
            })
            .collect(),
        goal: course.goal,
        exports: &[],
        is_from_zero: false,
        height: CHART_HEIGHT,
    }
    .show(ui, PlotView::default());
    if !course.note.is_empty() {
        ui.weak(course.note);
    }
}
