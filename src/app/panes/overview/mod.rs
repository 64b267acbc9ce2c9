//! What the run came to, and the dataset in short.

mod view;
mod view_model;

pub use view::OverviewPane;
