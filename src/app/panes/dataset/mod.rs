//! What is in the data, whether or not a run has read it, and the check of files.

mod check_model;
mod check_view;
mod view;
mod view_model;

pub use view::DatasetPane;
pub(super) use view::{counts_ui, histograms_ui};
pub(super) use view_model::{DatasetModel, dataset};
