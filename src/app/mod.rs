//! The window: one client of the engine.
//!
//! ```text
//! engine -> event -> state -> panes and chrome -> UiCommand -> command handling -> engine
//! ```

pub mod command;
pub mod pane;
pub mod panes;
pub mod samples;
pub mod state;
pub mod theme;
pub mod widgets;
