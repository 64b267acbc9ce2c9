//! Parts that panes are made of. They know egui and the theme, never the state of the window.

pub mod bar_chart;
pub mod data_table;
pub mod decimate;
pub mod empty_state;
mod frozen_table;
pub mod heat_map;
pub mod heat_strip;
pub mod log_axis;
pub mod metric_plot;
pub mod number;
mod plot_grid;
mod plot_marks;
mod plot_text;
pub mod progress_bar;
pub mod reliability_plot;
mod round_step;
pub mod score_bar;
pub mod semantic_id_chip;
pub mod smooth;
pub mod stat_grid;
pub mod text_table;

pub use bar_chart::BarChart;
pub use data_table::{DataTable, TableAction, TableColumn, TableSort};
pub use empty_state::{empty_state, failure_box};
pub use heat_map::HeatMap;
pub use heat_strip::heat_strip;
pub use metric_plot::{ExportFormat, MetricPlot, PlotSeries, PlotView, Reference, plot_controls};
pub use plot_text::Goal;
pub use progress_bar::progress_bar;
pub use reliability_plot::{ReliabilityCurve, ReliabilityPlot};
pub use score_bar::{score_bar, share_bar};
pub use semantic_id_chip::{level_letter, semantic_id_chip, semantic_id_text};
pub use stat_grid::{Stat, stat_grid};
pub use text_table::{TextTable, text_table};
