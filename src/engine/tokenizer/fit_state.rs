//! What a fit says while it goes on, and what a residual fit has so far: enough to go on from.

use super::Code;
use super::clustering::Clustering;
use super::report::CodebookLevel;

/// What a fit says while it goes on; whoever hears it may stop it.
#[derive(Clone, Copy, Debug)]
pub enum FitStep<'a> {
    /// Within a sweep of a level, several times a second.
    Within {
        /// Level, from 0.
        level_idx: usize,
        /// Sweep, from 1.
        sweep: usize,
        /// Share of the sweep that is done, 0 to 1.
        done_frac: f64,
    },
    /// What a residual fit has: after every sweep and every level, before their health is told.
    State(&'a FitState),
    /// Health of a level: after every sweep and once more when it is complete.
    Level(&'a CodebookLevel),
    /// All levels are fitted; what comes after them, several times a second.
    After {
        /// What is being done, in words.
        doing: &'static str,
        /// Share of it that is done, 0 to 1.
        done_frac: f64,
    },
}

/// What a residual fit has after some sweep. Going on from it gives what the fit would have given without a break.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FitState {
    /// The levels that are complete.
    pub levels: Vec<FittedLevel>,
    /// The level after them, if a sweep of it is done.
    pub at_hand: Option<Clustering>,
}

/// A complete level.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLevel {
    /// `[codebook_size * dim]`.
    pub codewords: Vec<f32>,
    /// One per item, by the configured assignment.
    pub codes: Vec<Code>,
    /// Sweeps done.
    pub n_sweeps: usize,
}
