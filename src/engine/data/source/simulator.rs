//! Simulator.

use super::super::{ItemIdx, UserIdx};

/// True utility of any slate for any user of a simulated dataset.
#[derive(Clone, Debug)]
pub struct Oracle {}

impl Oracle {
    /// The expected total utility of a slate for a user's next request.
    pub fn utility(&self, _user: UserIdx, _slate: &[ItemIdx]) -> f64 {
        0.0
    }
}
