//! The points nearest to each of some centroids, many more than needed, in one pass over all points.
//!
//! Not a decision: coarse distances choose the list, exact ones stand on it, and the list says below which
//! distance it is complete.

use std::ops::ControlFlow;

use faer::linalg::matmul::matmul;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::clustering::Points;
use super::nearest::power;
use crate::engine::embedding::squared_distance;

/// Points whose distances are held at the same time.
const BLOCK: usize = 768;
/// Values that are compared with the limit together.
const GROUP: usize = 32;
/// Centroids of one task, at most: with a block of points they stay in L2.
const CENTROIDS: usize = 64;
/// Multiplications between two looks at a wish to stop.
const WORK_PER_PULSE: usize = 8_000_000_000;

/// The points to look at.
pub(super) struct Candidates<'a> {
    pub(super) points: Points<'a>,
    /// Which of them, ascending.
    pub(super) left: &'a [u32],
}

/// Candidates of one centroid.
pub(super) struct Shortlist {
    /// (squared distance, point), in no order.
    pub(super) nearest: Vec<(f32, u32)>,
    /// Every point that is left and nearer than this is on the list.
    pub(super) complete_below: f32,
}

/// A list while it is collected: the coarse distances of the nearest points so far.
struct Column<'a> {
    centroid: &'a [f32],
    power: f32,
    /// |x|^2 - 2 x.c, point.
    nearest: Vec<(f32, u32)>,
    /// Points with larger values are not among the nearest.
    limit: f32,
}

impl Candidates<'_> {
    /// The `wanted` nearest points of every centroid `[n * dim]`, or all that are left.
    /// `None` if `pulse`, which hears the share that is done, breaks off.
    pub(super) fn collect(
        &self,
        centroids: &[f32],
        wanted: usize,
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Vec<Shortlist>> {
        let dim = self.points.dim;
        let mut columns: Vec<Column<'_>> = centroids
            .chunks_exact(dim)
            .map(|centroid| Column {
                centroid,
                power: power(centroid),
                nearest: Vec::with_capacity((2 * wanted + BLOCK).min(self.left.len())),
                limit: f32::INFINITY,
            })
            .collect();
        let per_task = columns
            .len()
            .div_ceil(rayon::current_num_threads().max(2))
            .clamp(4, CENTROIDS);
        let n_blocks = (WORK_PER_PULSE / (centroids.len() * BLOCK).max(1)).max(16);
        let mut largest_power = 0.0_f32;
        let mut n_seen = 0;
        for left in self.left.chunks(n_blocks * BLOCK) {
            let powers: Vec<f32> = left
                .par_iter()
                .with_min_len(2048)
                .map(|idx| power(self.points.row(*idx as usize)))
                .collect();
            largest_power = powers.iter().copied().fold(largest_power, f32::max);
            columns.par_chunks_mut(per_task).for_each(|columns| {
                self.pass(left, &powers, columns, wanted);
            });
            n_seen += left.len();
            if pulse(n_seen as f64 / self.left.len() as f64).is_break() {
                return None;
            }
        }
        let shortlists = columns
            .into_par_iter()
            .map(|column| self.shortlist(column, largest_power))
            .collect();
        Some(shortlists)
    }

    /// Adds points to the lists of some centroids.
    fn pass(&self, left: &[u32], powers: &[f32], columns: &mut [Column<'_>], wanted: usize) {
        let dim = self.points.dim;
        let centroids: Vec<f32> = columns
            .iter()
            .flat_map(|column| column.centroid)
            .copied()
            .collect();
        let centroids = MatRef::from_column_major_slice(&centroids, dim, columns.len());
        let mut rows = Vec::with_capacity(BLOCK * dim);
        let mut dots = vec![0.0; BLOCK * columns.len()];
        for (left, powers) in left.chunks(BLOCK).zip(powers.chunks(BLOCK)) {
            rows.clear();
            for idx in left {
                rows.extend_from_slice(self.points.row(*idx as usize));
            }
            let dots = &mut dots[..left.len() * columns.len()];
            matmul(
                MatMut::from_column_major_slice_mut(dots, left.len(), columns.len()),
                Accum::Replace,
                MatRef::from_row_major_slice(&rows, left.len(), dim),
                centroids,
                1.0,
                Par::Seq,
            );
            for (column, dots) in columns.iter_mut().zip(dots.chunks_exact(left.len())) {
                Arch::new().dispatch(Sift {
                    dots,
                    powers,
                    left,
                    column,
                });
                if column.nearest.len() >= 2 * wanted {
                    column.keep(wanted);
                }
            }
        }
    }

    /// Exact distances instead of coarse ones.
    fn shortlist(&self, column: Column<'_>, largest_power: f32) -> Shortlist {
        let scale = 4.0 * (self.points.dim as f32).sqrt() + 8.0;
        let tolerance = 0.5 * f32::EPSILON * scale * (column.power + largest_power);
        let mut nearest = column.nearest;
        for (distance, idx) in &mut nearest {
            *distance = squared_distance(self.points.row(*idx as usize), column.centroid);
        }
        Shortlist {
            nearest,
            complete_below: column.limit + column.power - tolerance,
        }
    }
}

impl Column<'_> {
    /// Keeps the `wanted` nearest.
    fn keep(&mut self, wanted: usize) {
        let (_, last, _) = self
            .nearest
            .select_nth_unstable_by(wanted - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.limit = last.0;
        self.nearest.truncate(wanted);
    }
}

/// Appends the points whose value is below the limit of a column.
struct Sift<'a, 'b> {
    dots: &'a [f32],
    powers: &'a [f32],
    left: &'a [u32],
    column: &'a mut Column<'b>,
}

impl WithSimd for Sift<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            dots,
            powers,
            left,
            column,
        } = self;
        let limit = simd.splat_f32s(column.limit);
        let minus_two = simd.splat_f32s(-2.0);
        for ((dots, powers), left) in dots
            .chunks(GROUP)
            .zip(powers.chunks(GROUP))
            .zip(left.chunks(GROUP))
        {
            if dots.len() == GROUP && column.limit < f32::INFINITY {
                let (dots, _) = S::as_simd_f32s(dots);
                let (powers, _) = S::as_simd_f32s(powers);
                let mut smallest = simd.splat_f32s(f32::INFINITY);
                for (dots, powers) in dots.iter().zip(powers) {
                    let value = simd.mul_add_e_f32s(*dots, minus_two, *powers);
                    smallest = simd.min_f32s(smallest, value);
                }
                let is_any = simd.less_than_or_equal_f32s(smallest, limit);
                if simd.first_true_m32s(is_any) == S::F32_LANES {
                    continue;
                }
            }
            for ((dot, power), idx) in dots.iter().zip(powers).zip(left) {
                let value = power - 2.0 * dot;
                if value <= column.limit {
                    column.nearest.push((value, *idx));
                }
            }
        }
    }
}
