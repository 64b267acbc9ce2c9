//! Held-out evaluation: rankings against floors, rewards before and after alignment.

pub mod calibration;
pub mod cases;
mod change;
pub mod config;
pub mod distribution;
pub mod diversity;
pub mod evaluator;
pub mod floors;
pub mod generate;
pub mod held_out;
pub mod metrics;
pub mod objective_comparison;
pub mod objective_table;
pub mod oracle_auc;
pub mod report;
pub mod rewards;
pub mod shown_codes;
pub mod slates;
#[cfg(test)]
pub(in crate::engine) mod toy;

pub use cases::{moments, sample_cases};
pub use evaluator::{Evaluator, GeneratorScore};
pub use generate::{GeneratedSlate, SlateGenerator};
pub use held_out::{HeldOut, HeldOutInput, held_out};
pub use rewards::{Measurement, Scorers, SlateScores, compare};
pub use slates::compare_slates;
