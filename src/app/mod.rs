//! The window: one client of the engine.
//!
//! ```text
//! engine -> event -> state -> panes and chrome -> UiCommand -> command handling -> engine
//! ```

pub mod background;
pub mod chrome;
pub mod command;
mod command_handling;
mod data_handling;
pub mod dialog_kind;
pub mod engine_link;
mod event_handling;
mod latest;
mod launch;
pub mod layout;
mod obstacle;
pub mod pane;
pub mod panes;
pub mod persist;
pub mod settings;
pub mod state;
pub mod theme;
pub mod welcome;
pub mod widgets;
pub mod workbench;

pub use launch::{AppError, AppOptions, run};
