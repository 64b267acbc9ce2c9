//! How values are spread: counts in bins of equal width.

use serde::{Deserialize, Serialize};

/// Counts of values in bins of equal width.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last bin.
    pub high: f64,
    /// Values per bin; the first and the last also hold what lies beyond them.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts the values; those that are not numbers are left out.
    pub fn of(values: impl IntoIterator<Item = f64>, low: f64, high: f64, n_bins: usize) -> Self {
        let mut counts = vec![0; n_bins.max(1)];
        let last = counts.len() - 1;
        let width = (high - low) / counts.len() as f64;
        for value in values.into_iter().filter(|value| !value.is_nan()) {
            // A cast from a float ends at the bounds of the integer.
            let bin = if width > 0.0 {
                ((value - low) / width).floor() as usize
            } else {
                0
            };
            counts[bin.min(last)] += 1;
        }
        Self { low, high, counts }
    }

    /// The ends of a bin.
    pub fn bin(&self, bin_idx: usize) -> (f64, f64) {
        let width = (self.high - self.low) / self.counts.len().max(1) as f64;
        let start = self.low + bin_idx as f64 * width;
        (start, start + width)
    }

    /// Values counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What a step of a policy gradient learned from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupSpread {
    /// Optimiser steps done, counting this one.
    pub step: u64,
    /// Of each slate, how much better it is than its group.
    pub advantages: Histogram,
    /// Of each code or slate, its probability under the policy over that under the frozen copy, as the objective takes it.
    pub ratios: Histogram,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_falls_into_one_bin() {
        let values = [-9.0, 0.0, 0.24, 0.25, 0.99, 1.0, f64::INFINITY, f64::NAN];
        let histogram = Histogram::of(values, 0.0, 1.0, 4);
        assert_eq!(histogram.counts, [3, 1, 0, 3]);
        assert_eq!(histogram.total(), 7);
        assert_eq!(histogram.bin(1), (0.25, 0.5));
        let flat = Histogram::of([2.0, 2.0], 2.0, 2.0, 3);
        assert_eq!(flat.counts, [2, 0, 0]);
        assert_eq!(Histogram::default().bin(0), (0.0, 0.0));
    }
}
