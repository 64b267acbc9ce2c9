//! Attention's scores: products of queries and keys, turned into weights and back.

use super::mask::Mask;
use super::simd::{dot, exp, largest, sum, vectorised};

/// What turns products into scores.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    pub n_keys: usize,
    /// What products are multiplied by.
    pub scale: f32,
    pub mask: Option<Mask>,
}

/// The weight of score `s` is `e^(s - largest) * share`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Softmax {
    largest: f32,
    share: f32,
}

impl Scores {
    /// Turns products into scores: scaled, and masked.
    #[inline(always)]
    fn mask(&self, products: &mut [f32], row_idx: usize, query_idx: usize) {
        let scale = self.scale;
        match &self.mask {
            Some(mask) => {
                let mask = mask.of_query(row_idx, query_idx, self.n_keys);
                for (x, mask) in products.iter_mut().zip(mask) {
                    *x = *x * scale + mask;
                }
            }
            None => {
                for x in products {
                    *x *= scale;
                }
            }
        }
    }

    /// Turns the products of neighbouring queries of a row, from `first` on, into weights.
    pub(super) fn normalise(
        &self,
        products: &mut [f32],
        (row_idx, first): (usize, usize),
        softmax: &mut [Softmax],
    ) {
        let rows = products.chunks_exact_mut(self.n_keys).zip(softmax);
        vectorised(
            #[inline(always)]
            || {
                for (query_idx, (row, softmax)) in rows.enumerate() {
                    self.mask(row, row_idx, first + query_idx);
                    let largest = largest(row);
                    for x in &mut *row {
                        *x = exp(*x - largest);
                    }
                    let share = sum(row).recip();
                    for x in &mut *row {
                        *x *= share;
                    }
                    *softmax = Softmax { largest, share };
                }
            },
        );
    }

    /// Turns their products into weights again, and gradients of the weights into those of the products.
    pub(super) fn slopes(
        &self,
        products: &mut [f32],
        slopes: &mut [f32],
        (row_idx, first): (usize, usize),
        softmax: &[Softmax],
    ) {
        let scale = self.scale;
        let rows = products
            .chunks_exact_mut(self.n_keys)
            .zip(slopes.chunks_exact_mut(self.n_keys));
        vectorised(
            #[inline(always)]
            || {
                for (query_idx, ((weights, slopes), softmax)) in rows.zip(softmax).enumerate() {
                    self.mask(weights, row_idx, first + query_idx);
                    for x in &mut *weights {
                        *x = exp(*x - softmax.largest) * softmax.share;
                    }
                    let mean = dot(weights, slopes);
                    for (slope, weight) in slopes.iter_mut().zip(&*weights) {
                        *slope = weight * (*slope - mean) * scale;
                    }
                }
            },
        );
    }
}
