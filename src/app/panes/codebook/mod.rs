//! Codebook health per level, live while it is being fitted, and of the whole table.

mod chart_model;
mod charts;
mod view;
mod view_model;

pub use view::CodebookPane;
