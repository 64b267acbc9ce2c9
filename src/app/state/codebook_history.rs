//! Codebook health while it is being fitted: the newest state of each level and its course over the sweeps.

use super::load_history::LoadHistory;
use crate::engine::tokenizer::report::CodebookLevel;

/// All levels seen so far, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodebookHistory {
    /// One entry per level, from level 0.
    pub levels: Vec<LevelHistory>,
}

/// One level.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LevelHistory {
    /// Its newest state.
    pub latest: CodebookLevel,
    /// One point per sweep, in order.
    pub sweeps: Vec<SweepPoint>,
    /// How the load spread.
    pub loads: LoadHistory,
}

/// A level after one sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepPoint {
    /// Sweeps done.
    pub iteration: usize,
    /// Codes in use / codes.
    pub utilization: f64,
    /// Entropy of the load, nats.
    pub entropy_nats: f64,
    /// Gini coefficient of the load.
    pub gini: f64,
    /// Codes without an item.
    pub dead_codes: u64,
    /// Mean squared residual.
    pub residual_error: f64,
}

impl CodebookHistory {
    pub(super) fn update(&mut self, level: &CodebookLevel) {
        if self.levels.len() <= level.level_idx {
            self.levels
                .resize_with(level.level_idx + 1, LevelHistory::default);
        }
        let known = &mut self.levels[level.level_idx];
        known
            .sweeps
            .retain(|sweep| sweep.iteration < level.iteration);
        known.sweeps.push(SweepPoint {
            iteration: level.iteration,
            utilization: level.utilization,
            entropy_nats: level.entropy_nats,
            gini: level.gini,
            dead_codes: level.dead_codes,
            residual_error: level.residual_error,
        });
        known.loads.push(level.iteration, &level.load);
        known.latest = level.clone();
    }
}
