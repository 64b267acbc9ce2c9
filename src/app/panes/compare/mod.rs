//! Several tokenizers on the item vectors of one run, side by side.

mod view;
mod view_model;

pub use view::ComparePane;
