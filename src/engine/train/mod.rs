//! Training stages: one stage, one file, read from top to bottom.

pub mod config;
