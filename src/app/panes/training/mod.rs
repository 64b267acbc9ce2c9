//! Training curves of all stages that learn.

mod export;
mod item_vectors;
mod spec;
mod view;
mod view_model;

pub(in crate::app::panes) use spec::SPECS;
pub use view::TrainingPane;
