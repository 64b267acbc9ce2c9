//! Everything around the panes.

pub mod dialogs;
pub mod drop_zone;
pub mod font_check;
pub mod menu;
pub mod menu_bar;
pub mod palette;
pub mod path_dialog;
pub mod pipeline_strip;
pub mod shortcuts;
pub mod status_bar;
pub mod toasts;
