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
    /// Takes in a level after a sweep. A sweep before the newest known one means that the codes are being fitted again, so
    /// what was known from there on and of deeper levels is forgotten. A fit that goes on after a stop keeps its course.
    pub(super) fn update(&mut self, level: &CodebookLevel) {
        let depth = level.level_idx + 1;
        let is_known =
            |known: &LevelHistory| known.latest.iteration > level.iteration && !level.is_final;
        if self.levels.len() < depth || self.levels.get(level.level_idx).is_some_and(is_known) {
            self.levels.resize_with(depth, LevelHistory::default);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(level_idx: usize, iteration: usize) -> CodebookLevel {
        CodebookLevel {
            level_idx,
            iteration,
            load: vec![1, 2],
            ..CodebookLevel::default()
        }
    }

    fn course(history: &CodebookHistory, level_idx: usize) -> Vec<usize> {
        let sweeps = &history.levels[level_idx].sweeps;
        sweeps.iter().map(|sweep| sweep.iteration).collect()
    }

    #[test]
    fn levels_that_are_fitted_together_keep_their_courses() {
        let mut history = CodebookHistory::default();
        for iteration in [50, 100] {
            for level_idx in 0..3 {
                history.update(&sweep(level_idx, iteration));
            }
        }
        assert_eq!(course(&history, 2), [50, 100]);
    }

    #[test]
    fn a_resumed_fit_goes_on_and_one_that_begins_again_forgets_deeper_levels() {
        let mut history = CodebookHistory::default();
        for (level_idx, iteration) in [(0, 1), (0, 2), (1, 1), /* resumed */ (1, 1), (1, 2)] {
            history.update(&sweep(level_idx, iteration));
        }
        assert_eq!(course(&history, 0), [1, 2]);
        assert_eq!(course(&history, 1), [1, 2]);
        history.update(&sweep(0, 1));
        assert_eq!(history.levels.len(), 1);
        assert_eq!(course(&history, 0), [1]);
    }
}
