//! Held-out evaluation.

pub mod config;
pub mod report;
