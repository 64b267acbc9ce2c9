//! The engine driven as a client drives it: without a window, on the CPU, on simulated data.

mod common;
mod item_questions;
mod lazy;
mod pathways;
mod pipeline;
mod resume;
mod reward_hack;
mod slates;
