//! Readers.

pub mod simulator;
