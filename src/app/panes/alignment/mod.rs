//! What alignment does while it goes on: everyone's judgement on one axis, warnings, and the pairs it learns from.

mod pair_view;
mod pairs;
mod time;
mod view;
mod view_model;

pub use view::AlignmentPane;
