//! The measurement of what training costs, as the window knows it.

use crate::engine::config::ExperimentConfig;
use crate::engine::event::CostProbe;

/// The newest measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostState {
    /// Steps done of how many, while one is being made.
    pub progress: Option<(u64, u64)>,
    /// What the last one gave.
    pub probe: Option<CostProbe>,
}

impl CostState {
    /// Whether the engine is at work on one.
    pub fn is_going(&self) -> bool {
        self.progress.is_some()
    }

    /// Begins a new one.
    pub fn start(&mut self) {
        self.progress = Some((0, 0));
    }

    /// Takes in the whole.
    pub fn finish(&mut self, probe: CostProbe) {
        self.probe = Some(probe);
        self.progress = None;
    }

    /// The measurement, where it is one of these settings.
    pub fn of(&self, config: &ExperimentConfig) -> Option<&CostProbe> {
        self.probe.as_ref().filter(|probe| *probe.config == *config)
    }
}
