//! Draws the training curves.

use egui::{ComboBox, ScrollArea, Ui};

use super::export;
use super::view_model::{ChartModel, XAxis, charts, stage_title};
use crate::app::command::UiCommand;
use crate::app::panes::common::{failure_ui, in_columns, waiting_ui};
use crate::app::state::AppState;
use crate::app::widgets::{
    ExportFormat, MetricPlot, PlotSeries, PlotView, Reference, plot_controls,
};
use crate::engine::event::{RunId, Stage};

/// Least and greatest height of a chart in points.
const CHART_HEIGHT: (f32, f32) = (150.0, 230.0);

/// The pane, how its charts are drawn, and the charts of the newest event.
#[derive(Default)]
pub struct TrainingPane {
    view: PlotView,
    x_axis: XAxis,
    stage: Option<Stage>,
    charts: Vec<ChartModel>,
    made_of: Option<(RunId, u64, XAxis)>,
}

impl TrainingPane {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
        self.refresh(state);
        if self.charts.is_empty() {
            return waiting_ui(
                ui,
                state,
                commands,
                Stage::Pretrain,
                "No training steps yet",
                "Loss, learning rate and speed of pretraining, the reward models' loss and the course of \
                 alignment appear here, step by step.",
            );
        }
        failure_ui(ui, state);
        self.controls_ui(ui);
        ui.separator();
        let height = (ui.available_height() - 8.0).clamp(CHART_HEIGHT.0, CHART_HEIGHT.1);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            self.charts_ui(ui, height, commands);
        });
    }

    /// Copies the series out of the state only when an event has arrived.
    fn refresh(&mut self, state: &AppState) {
        let made_of = (state.run.id.clone(), state.run.next_seq, self.x_axis);
        if self.made_of.as_ref() != Some(&made_of) {
            self.charts = charts(&state.run, self.x_axis);
            self.made_of = Some(made_of);
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.stage, None, "All stages");
            for stage in Stage::ALL {
                if self.charts.iter().any(|chart| chart.stage == stage) {
                    ui.selectable_value(&mut self.stage, Some(stage), stage_title(stage));
                }
            }
        });
        ui.horizontal_wrapped(|ui| {
            plot_controls(ui, &mut self.view);
            self.x_axis_ui(ui);
        });
    }

    fn x_axis_ui(&mut self, ui: &mut Ui) {
        let label = ui.label("Over").on_hover_text("What the x axis counts.");
        let choice = ComboBox::from_id_salt("x axis")
            .selected_text(format!("{}s", self.x_axis.name()))
            .width(80.0)
            .show_ui(ui, |ui| {
                for x_axis in XAxis::ALL {
                    ui.selectable_value(&mut self.x_axis, x_axis, format!("{}s", x_axis.name()));
                }
            });
        choice.response.labelled_by(label.id);
    }

    fn charts_ui(&self, ui: &mut Ui, height: f32, commands: &mut Vec<UiCommand>) {
        let shown: Vec<&ChartModel> = self
            .charts
            .iter()
            .filter(|chart| self.stage.is_none_or(|stage| stage == chart.stage))
            .collect();
        in_columns(ui, &shown, 6.0, |ui, chart| {
            self.chart_ui(ui, chart, height, commands);
        });
    }

    fn chart_ui(
        &self,
        ui: &mut Ui,
        chart: &ChartModel,
        height: f32,
        commands: &mut Vec<UiCommand>,
    ) {
        let export = MetricPlot {
            title: &chart.title,
            tip: chart.tip,
            x_name: self.x_axis.name(),
            series: chart
                .lines
                .iter()
                .map(|line| PlotSeries {
                    name: &line.name,
                    points: &line.points,
                    abandoned: &line.abandoned,
                })
                .collect(),
            references: chart
                .references
                .iter()
                .map(|(name, value)| Reference {
                    name,
                    value: *value,
                })
                .collect(),
            goal: chart.goal,
            exports: &ExportFormat::ALL,
            is_from_zero: false,
            height,
        }
        .show(ui, self.view);
        if !chart.note.is_empty() {
            ui.weak(chart.note);
        }
        if let Some(format) = export {
            commands.push(self.export(chart, format));
        }
    }

    fn export(&self, chart: &ChartModel, format: ExportFormat) -> UiCommand {
        let extension = match format {
            ExportFormat::Png => "png",
            ExportFormat::Svg => "svg",
            ExportFormat::Csv => "csv",
        };
        let PlotView { smoothing, is_log } = self.view;
        UiCommand::SaveChartDialog {
            name: format!("{}.{extension}", export::file_stem(&chart.title)),
            chart: Box::new(export::chart(chart, self.x_axis, smoothing, is_log)),
        }
    }
}
