//! Training stages: one stage, one file, read from top to bottom.

pub mod config;
pub mod optim;
pub mod schedule;
