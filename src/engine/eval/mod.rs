//! Held-out evaluation.

pub mod config;
pub mod floors;
pub mod metrics;
pub mod report;
