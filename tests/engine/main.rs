//! The engine driven as a client drives it: without a window, on the CPU, on simulated data.

mod common;
mod pathways;
mod pipeline;
mod resume;
