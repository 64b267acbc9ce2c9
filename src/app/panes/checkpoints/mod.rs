//! The checkpoints of the run: list, comparison, export.

mod view;
mod view_model;

pub use view::CheckpointsPane;
