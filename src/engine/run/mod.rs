//! A run folder: its paths, its journal, its report.

pub mod items;
pub mod report;
