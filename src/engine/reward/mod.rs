//! Session reward models. [A 3.3.1]

pub mod config;
