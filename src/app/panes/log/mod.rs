//! Devices, memory and speed, and everything the run and the window have said.

mod view;
mod view_model;

pub use view::LogPane;
