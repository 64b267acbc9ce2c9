//! Draws the alignment pane.

use egui::{ScrollArea, Ui};

use super::pair_view::PairView;
use super::time;
use super::view_model::{self, Course, RULES, Verdict};
use crate::app::command::UiCommand;
use crate::app::panes::common::{TWO_COLUMNS_FROM, failure_ui, waiting_ui};
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::{MetricPlot, PlotSeries, PlotView, stat_grid, text_table};
use crate::engine::event::{RunId, Stage};

/// Height of a chart in points.
const CHART_HEIGHT: f32 = 150.0;

/// The pane, the pair that is looked at, and the charts of the newest event.
#[derive(Default)]
pub struct AlignmentPane {
    pairs: PairView,
    courses: Vec<Course>,
    made_of: Option<(RunId, u64)>,
}

impl AlignmentPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        let run = &state.run;
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
            verdict_ui(ui, &view_model::verdict(state));
            let figures = view_model::figures(run);
            if figures.is_empty() {
                ui.weak(if view_model::is_under_way(state) {
                    "The first probe comes after align.probe_every_steps steps."
                } else {
                    "This run was aligned without probes (align.probe_every_steps)."
                });
            } else {
                ui.strong("The newest probe");
                stat_grid(ui, &figures);
                self.courses_ui(ui);
            }
            if let Some(sentence) = time::sentence(run) {
                ui.add_space(6.0);
                ui.label(sentence).on_hover_text(time::TIP);
            }
            ui.add_space(6.0);
            self.pairs.ui(ui, run, commands);
            if let Some(report) = &run.alignment {
                ui.add_space(8.0);
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
            self.courses = view_model::courses(&state.run);
            self.made_of = Some(made_of);
        }
    }

    /// All charts over the same steps.
    fn courses_ui(&self, ui: &mut Ui) {
        let n_columns = if ui.available_width() >= TWO_COLUMNS_FROM {
            2
        } else {
            1
        };
        for row in self.courses.chunks(n_columns) {
            ui.columns(n_columns, |columns| {
                for (ui, course) in columns.iter_mut().zip(row) {
                    course_ui(ui, course);
                }
            });
            ui.add_space(4.0);
        }
    }
}

fn verdict_ui(ui: &mut Ui, verdict: &Verdict) {
    let tokens = theme::of(ui);
    let color = match verdict.is_healthy {
        Some(true) => tokens.good,
        Some(false) => tokens.warning,
        None => tokens.weak_text,
    };
    ui.colored_label(color, &verdict.text).on_hover_text(RULES);
    for (text, hint) in &verdict.warnings {
        ui.label(text);
        if !hint.is_empty() {
            ui.weak(format!("What to do: {hint}"));
        }
    }
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
            .map(|(name, points)| PlotSeries {
                name,
                points,
                abandoned: &[],
            })
            .collect(),
        references: Vec::new(),
        goal: course.goal,
        exports: &[],
        is_from_zero: false,
        height: CHART_HEIGHT,
    }
    .show(ui, PlotView::default());
}
