//! Memory that training takes, counted from the size.

use serde::Serialize;

use super::{ModelSize, words};

/// Bytes of a value: training keeps 32-bit floats.
const VALUE_BYTES: u64 = 4;

/// Memory that training takes, bytes. Data, item vectors and the program itself come on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryNeed {
    /// The weights.
    pub weights_bytes: u64,
    /// Their gradients.
    pub gradients_bytes: u64,
    /// Both moments of the optimiser.
    pub moments_bytes: u64,
    /// What the backward pass of one step needs. An estimate: layers keep their inputs, and how often depends on the
    /// kernels.
    pub activations_bytes: u64,
}

impl MemoryNeed {
    pub(super) fn new(size: &ModelSize, batch_size: usize) -> Self {
        let weights_bytes = VALUE_BYTES * size.n_parameters();
        let n_kept: u64 = size.parts.iter().map(|part| part.n_kept).sum();
        Self {
            weights_bytes,
            gradients_bytes: weights_bytes,
            moments_bytes: 2 * weights_bytes,
            activations_bytes: VALUE_BYTES * n_kept * batch_size as u64,
        }
    }

    /// What is there between two steps: certain, not estimated.
    pub fn state_bytes(&self) -> u64 {
        self.weights_bytes + self.moments_bytes
    }

    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        self.state_bytes() + self.gradients_bytes + self.activations_bytes
    }

    /// Whether a machine with so much memory can train this; an unknown amount, 0, is enough.
    pub fn fits(&self, machine_bytes: u64) -> bool {
        machine_bytes == 0 || self.total_bytes() <= machine_bytes
    }

    /// The same in a word or two.
    pub fn word(&self, machine_bytes: u64) -> &'static str {
        if self.fits(machine_bytes) {
            "fits"
        } else if self.state_bytes() > machine_bytes {
            "counted only"
        } else {
            "smaller batches"
        }
    }

    /// What that means on a machine with so much memory, in words.
    pub fn verdict(&self, machine_bytes: u64) -> String {
        let machine = words::bytes(machine_bytes);
        if machine_bytes == 0 {
            "How much memory this machine has is not known.".to_owned()
        } else if self.state_bytes() > machine_bytes {
            format!(
                "Counted, not run: weights and moments alone take {} of the {machine} of this machine.",
                words::bytes(self.state_bytes())
            )
        } else if self.fits(machine_bytes) {
            format!("Fits into the {machine} of this machine.")
        } else {
            format!(
                "May not fit into the {machine} of this machine; a smaller batch needs fewer activations."
            )
        }
    }
}
