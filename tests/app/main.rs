//! The window, driven by name through its accessibility tree, with a scripted engine in place of a real one.

mod common;
mod compare;
mod cost;
mod dataset;
mod flows;
mod item_map;
mod items;
mod panes;
mod states;
