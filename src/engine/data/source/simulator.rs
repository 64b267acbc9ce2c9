//! Simulator.

/// True utility of any slate for any user of a simulated dataset.
#[derive(Clone, Debug)]
pub struct Oracle {}
