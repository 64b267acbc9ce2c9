//! What alignment does while it goes on: everyone's judgement on one axis, warnings, what it learns from, and what has
//! changed in the end.

mod code_view;
mod courses;
mod mark_view;
mod pair_view;
mod pairs;
mod spread_view;
mod time;
mod view;
mod view_model;

pub use view::AlignmentPane;
