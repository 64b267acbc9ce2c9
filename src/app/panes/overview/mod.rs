//! The dataset as the run sees it, and what the run came to.

mod view;
mod view_model;

pub use view::OverviewPane;
