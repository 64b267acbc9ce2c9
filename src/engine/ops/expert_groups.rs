//! Which tokens each expert sees: choices sorted by expert.

use rayon::prelude::*;

use super::buffer;
use super::simd::{BLOCK_ROWS, vectorised};

/// Choices sorted by expert: each has a slot, those of an expert stand together in the order of their tokens.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) n_active: usize,
    /// The choice in each slot, token * n_active + its place among the token's choices.
    pub(super) choices: Vec<usize>,
    /// The slot of each choice.
    pub(super) slots: Vec<usize>,
    /// Where the slots of each expert begin, and the end.
    pub(super) starts: Vec<usize>,
}

impl Groups {
    pub(super) fn new(chosen: &[i64], n_experts: usize, n_active: usize) -> Self {
        let mut starts = vec![0; n_experts + 1];
        for expert in chosen {
            starts[*expert as usize + 1] += 1;
        }
        for expert in 0..n_experts {
            starts[expert + 1] += starts[expert];
        }
        let mut next = starts.clone();
        let mut choices = vec![0; chosen.len()];
        let mut slots = Vec::with_capacity(chosen.len());
        for (choice, expert) in chosen.iter().enumerate() {
            let slot = &mut next[*expert as usize];
            choices[*slot] = choice;
            slots.push(*slot);
            *slot += 1;
        }
        Self {
            n_active,
            choices,
            slots,
            starts,
        }
    }

    /// The choices of an expert.
    pub(super) fn of_expert(&self, expert: usize) -> &[usize] {
        &self.choices[self.starts[expert]..self.starts[expert + 1]]
    }

    /// Parts of `rows`, `width` values per slot, one part per expert.
    pub(super) fn split<'a>(&self, mut rows: &'a mut [f32], width: usize) -> Vec<&'a mut [f32]> {
        self.starts
            .windows(2)
            .map(|ends| {
                let (part, rest) =
                    std::mem::take(&mut rows).split_at_mut((ends[1] - ends[0]) * width);
                rows = rest;
                part
            })
            .collect()
    }

    /// The rows of an expert's tokens, below each other.
    pub(super) fn gather(&self, expert: usize, rows: &[f32], width: usize) -> Vec<f32> {
        let choices = self.of_expert(expert);
        let mut gathered = buffer::take(choices.len() * width);
        for (row, choice) in gathered.chunks_exact_mut(width).zip(choices) {
            let start = choice / self.n_active * width;
            row.copy_from_slice(&rows[start..start + width]);
        }
        gathered
    }

    /// For each token the sum over its slots' rows times `factor(choice)`.
    pub(super) fn combine(
        &self,
        rows: &[f32],
        width: usize,
        factor: impl Fn(usize) -> f32 + Sync,
    ) -> Vec<f32> {
        let mut sums = buffer::take(self.choices.len() / self.n_active * width);
        sums.par_chunks_mut(BLOCK_ROWS * width)
            .enumerate()
            .for_each(|(block_idx, sums)| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (row_idx, sum) in sums.chunks_exact_mut(width).enumerate() {
                            sum.fill(0.0);
                            let first = (block_idx * BLOCK_ROWS + row_idx) * self.n_active;
                            for choice in first..first + self.n_active {
                                let row = &rows[self.slots[choice] * width..][..width];
                                let factor = factor(choice);
                                for (sum, value) in sum.iter_mut().zip(row) {
                                    *sum += factor * value;
                                }
                            }
                        }
                    },
                );
            });
        sums
    }
}
