//! The points that no cluster has taken yet, and which of them are nearest to some centroids. [A Alg. 1]
//!
//! Nothing is sorted and all distances are never held: a sample tells how near a point has to be to matter, one pass
//! over the others keeps those that are as near. Coarse distances, |x|^2 - 2 x.c from a matrix product, tell who is
//! clearly among the nearest; at the border exact ones decide. Where the points that were kept are too few to
//! be certain, there is no answer, so what the sample says never changes a result.

use std::ops::{ControlFlow, Range};

use faer::linalg::matmul::matmul;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::clustering::Points;
use super::nearest::{Tile, coarse_error, power};
use crate::engine::embedding::squared_distance;

/// Rows of one task.
const TASK: usize = 8192;
/// Distances that a task holds at the same time: with their rows they stay in L2.
const BLOCK_DISTANCES: usize = 32_768;
/// Multiplications between two looks at a wish to stop.
const WORK_PER_PULSE: usize = 8_000_000_000;
/// Points of the sample, at most: they are looked at for every centroid.
const SAMPLE: usize = 2048;
/// The sample has at most one of so many points.
const POINTS_PER_SAMPLED: usize = 8;
/// Centroids of one task with the sample.
const SAMPLE_CENTROIDS: usize = 32;

/// A distance and the row it belongs to.
type Near = (f32, u32);

/// The points that are free, in rows, together with some that are not any more.
pub(super) struct FreePoints<'a> {
    points: Points<'a>,
    /// |x|^2 of every point.
    powers: Vec<f32>,
    largest_power: f32,
    /// The same, but infinite, so farther than any limit, once the point is taken.
    free_powers: Vec<f32>,
    n_free: usize,
    /// The point of each row, ascending.
    ids: Vec<u32>,
    /// `[n_rows, dim]`; unused while every point has its row.
    gathered: Vec<f32>,
    /// What `free_powers` says, by row.
    row_powers: Vec<f32>,
    /// Some of the points.
    sample: Vec<u32>,
    /// `[dim, n_sample]`.
    sampled: Vec<f32>,
}

/// How many points a centroid may need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) at_least: usize,
    pub(super) at_most: usize,
    /// Between the two, all within this squared distance.
    pub(super) reach: f32,
}

/// The points near to each of some centroids.
pub(super) struct Candidates {
    /// `[width]`: |c|^2.
    powers: Vec<f32>,
    /// `[width]`: every free point whose coarse distance is not larger is on the list.
    limits: Vec<f32>,
    /// `[n_tasks][n_centroids]`: coarse distances, in no order.
    near: Vec<Vec<Vec<Near>>>,
}

/// The nearest points of a centroid.
pub(super) struct Nearest {
    pub(super) rows: Vec<u32>,
    /// The squared distance of the last of them, about.
    pub(super) reach: f32,
}

impl<'a> FreePoints<'a> {
    /// All of them.
    pub(super) fn new(points: Points<'a>) -> Self {
        let powers: Vec<f32> = (0..points.len())
            .into_par_iter()
            .with_min_len(TASK)
            // Finite, as infinity has a meaning here.
            .map(|idx| power(points.row(idx)).min(f32::MAX))
            .collect();
        let n_sample = SAMPLE.min(points.len() / POINTS_PER_SAMPLED);
        // Steps by the golden ratio: even, and in no rhythm with any order of the points.
        let steps = (0..n_sample as u32).map(|step| u64::from(step.wrapping_mul(0x9E37_79B9)));
        let sample: Vec<u32> = steps
            .map(|step| ((step * points.len() as u64) >> 32) as u32)
            .collect();
        let sampled = (0..points.dim)
            .flat_map(|column| {
                sample
                    .iter()
                    .map(move |idx| points.row(*idx as usize)[column])
            })
            .collect();
        let mut free = Self {
            points,
            largest_power: powers.iter().copied().fold(0.0, f32::max),
            powers,
            free_powers: Vec::new(),
            n_free: 0,
            ids: Vec::new(),
            gathered: Vec::new(),
            row_powers: Vec::new(),
            sample,
            sampled,
        };
        free.free_all();
        free
    }

    /// All points, free or not.
    pub(super) fn points(&self) -> Points<'a> {
        self.points
    }

    /// All points are free again.
    pub(super) fn free_all(&mut self) {
        self.n_free = self.points.len();
        self.ids.clear();
        self.ids.extend(0..self.n_free as u32);
        self.row_powers.clone_from(&self.powers);
        self.free_powers.clone_from(&self.powers);
    }

    /// Takes the point of a row and says which it is.
    pub(super) fn take(&mut self, row: u32) -> usize {
        let idx = self.ids[row as usize] as usize;
        self.row_powers[row as usize] = f32::INFINITY;
        self.free_powers[idx] = f32::INFINITY;
        self.n_free -= 1;
        idx
    }

    /// The points near to each centroid `[n * dim]`, about as many as it needs.
    /// `None` if `pulse`, which hears the share that is done, breaks off.
    pub(super) fn near(
        &mut self,
        centroids: &[f32],
        needs: &[Need],
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Candidates> {
        if self.n_free * 2 < self.ids.len() {
            self.close_up();
        }
        let tile = Tile::new(centroids, self.points.dim);
        let limits = self.limits(&tile, needs);
        let n_rows = self.ids.len();
        let n_tasks = (WORK_PER_PULSE / (TASK * tile.transposed.len())).max(4);
        let mut near = Vec::with_capacity(n_rows.div_ceil(TASK));
        for first in (0..n_rows).step_by(n_tasks * TASK) {
            let after = (first + n_tasks * TASK).min(n_rows);
            near.par_extend(
                (0..(after - first).div_ceil(TASK))
                    .into_par_iter()
                    .map_init(Vec::new, |dots, task| {
                        let first = first + task * TASK;
                        let rows = first..(first + TASK).min(after);
                        self.sift(&tile, &limits, needs.len(), rows, dots)
                    }),
            );
            if pulse(after as f64 / n_rows as f64).is_break() {
                return None;
            }
        }
        Some(Candidates {
            powers: tile.powers,
            limits,
            near,
        })
    }

    /// The `size` free points nearest to a centroid, the lowest of equals. Nothing if that is not certain.
    pub(super) fn nearest(
        &self,
        candidates: &Candidates,
        column: usize,
        centroid: &[f32],
        size: usize,
    ) -> Option<Nearest> {
        let near = candidates.near.iter().flat_map(|near| &near[column]);
        let mut near: Vec<Near> = near
            .filter(|(_, row)| self.is_free(*row))
            .copied()
            .collect();
        if near.len() < size {
            return None;
        }
        let power = candidates.powers[column];
        let error = coarse_error(self.points.dim, power + self.largest_power);
        let by_distance = |a: &Near, b: &Near| a.0.total_cmp(&b.0);
        let (_, (last, _), _) = near.select_nth_unstable_by(size - 1, by_distance);
        let last = *last;
        let is_complete = last + error <= candidates.limits[column];
        if !is_complete {
            return None;
        }
        let mut rows = Vec::with_capacity(size);
        let mut border = Vec::new();
        for (distance, row) in near {
            if distance < last - error {
                rows.push(row);
            } else if distance <= last + error {
                border.push((self.distance(row, centroid), row));
            }
        }
        keep_nearest(&mut border, size - rows.len());
        rows.extend(border.into_iter().map(|(_, row)| row));
        Some(Nearest {
            rows,
            reach: last + power,
        })
    }

    /// The same from the exact distances of all points that are free.
    pub(super) fn nearest_of_all(&self, centroid: &[f32], size: usize) -> Nearest {
        let mut all: Vec<Near> = (0..self.ids.len() as u32)
            .into_par_iter()
            .with_min_len(2048)
            .filter(|row| self.is_free(*row))
            .map(|row| (self.distance(row, centroid), row))
            .collect();
        keep_nearest(&mut all, size);
        Nearest {
            reach: all.iter().map(|near| near.0).fold(0.0, f32::max),
            rows: all.into_iter().map(|(_, row)| row).collect(),
        }
    }

    /// Leaves out the rows whose points are taken.
    fn close_up(&mut self) {
        let dim = self.points.dim;
        let free_powers = &self.free_powers;
        self.ids
            .retain(|idx| free_powers[*idx as usize] < f32::INFINITY);
        self.row_powers.retain(|power| *power < f32::INFINITY);
        self.gathered.resize(self.ids.len() * dim, 0.0);
        self.gathered
            .par_chunks_mut(dim * TASK / 8)
            .zip(self.ids.par_chunks(TASK / 8))
            .for_each(|(rows, ids)| {
                for (row, idx) in rows.chunks_exact_mut(dim).zip(ids) {
                    row.copy_from_slice(self.points.row(*idx as usize));
                }
            });
    }

    /// How near a row has to be to each centroid of a tile; nothing is as near to those that fill it up.
    fn limits(&self, tile: &Tile, needs: &[Need]) -> Vec<f32> {
        let (n_sample, dim, width) = (self.sample.len(), self.points.dim, tile.powers.len());
        let sampled = MatRef::from_column_major_slice(&self.sampled, n_sample, dim);
        let centroids = MatRef::from_row_major_slice(&tile.transposed, dim, width);
        let powers_of = |idx: &u32| self.free_powers[*idx as usize];
        let sample_powers: Vec<f32> = self.sample.iter().map(powers_of).collect();
        let share = n_sample as f64 / self.points.len() as f64;
        let mut limits = vec![f32::NEG_INFINITY; width];
        limits
            .par_chunks_mut(SAMPLE_CENTROIDS)
            .zip(needs.par_chunks(SAMPLE_CENTROIDS))
            .zip(tile.powers.par_chunks(SAMPLE_CENTROIDS))
            .enumerate()
            .for_each_init(Vec::new, |distances, (task, ((limits, needs), powers))| {
                distances.resize(n_sample * needs.len(), 0.0);
                matmul(
                    MatMut::from_column_major_slice_mut(distances, n_sample, needs.len()),
                    Accum::Replace,
                    sampled,
                    centroids.subcols(task * SAMPLE_CENTROIDS, needs.len()),
                    1.0,
                    Par::Seq,
                );
                for (column, (limit, need)) in limits.iter_mut().zip(needs).enumerate() {
                    let distances = &mut distances[column * n_sample..(column + 1) * n_sample];
                    for (distance, power) in distances.iter_mut().zip(&sample_powers) {
                        *distance = power - 2.0 * *distance;
                    }
                    let reach = need.reach - powers[column];
                    let n_reached = distances.iter().filter(|it| **it <= reach).count() as f64;
                    let expected =
                        n_reached.clamp(need.at_least as f64 * share, need.at_most as f64 * share);
                    let place = (expected + 2.0 * expected.sqrt()) as usize + 2;
                    *limit = if place < n_sample {
                        let (_, limit, _) = distances.select_nth_unstable_by(place, f32::total_cmp);
                        limit.min(f32::MAX)
                    } else {
                        f32::MAX
                    };
                }
            });
        limits
    }

    /// The rows that are within the limits, for each of the first `n` centroids of a tile.
    fn sift(
        &self,
        tile: &Tile,
        limits: &[f32],
        n: usize,
        rows: Range<usize>,
        dots: &mut Vec<f32>,
    ) -> Vec<Vec<Near>> {
        let (width, dim) = (limits.len(), self.points.dim);
        let values = if self.ids.len() == self.points.len() {
            self.points.values
        } else {
            &self.gathered
        };
        let block = (BLOCK_DISTANCES / width).max(1);
        let mut near = vec![Vec::new(); n];
        for first in rows.clone().step_by(block) {
            let after = (first + block).min(rows.end);
            dots.resize(width * (after - first), 0.0);
            matmul(
                MatMut::from_column_major_slice_mut(dots, width, after - first),
                Accum::Replace,
                MatRef::from_column_major_slice(&tile.transposed, width, dim),
                MatRef::from_column_major_slice(
                    &values[first * dim..after * dim],
                    dim,
                    after - first,
                ),
                1.0,
                Par::Seq,
            );
            Arch::new().dispatch(Sift {
                dots,
                powers: &self.row_powers[first..after],
                limits,
                first: first as u32,
                near: &mut near,
            });
        }
        near
    }

    fn is_free(&self, row: u32) -> bool {
        self.row_powers[row as usize] < f32::INFINITY
    }

    fn distance(&self, row: u32, centroid: &[f32]) -> f32 {
        squared_distance(self.points.row(self.ids[row as usize] as usize), centroid)
    }
}

/// Keeps the `n` nearest, the lowest rows of equals, so that duplicates are split the same way every time.
fn keep_nearest(all: &mut Vec<Near>, n: usize) {
    if 0 < n && n < all.len() {
        all.select_nth_unstable_by(n - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }
    all.truncate(n);
}

/// Appends the rows whose coarse distances are within the limits.
struct Sift<'a> {
    /// `[n_rows, width]`.
    dots: &'a [f32],
    /// `[n_rows]`.
    powers: &'a [f32],
    /// `[width]`.
    limits: &'a [f32],
    first: u32,
    near: &'a mut [Vec<Near>],
}

impl WithSimd for Sift<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (limit_parts, _) = S::as_simd_f32s(self.limits);
        let minus_two = simd.splat_f32s(-2.0);
        let rows = self.dots.chunks_exact(self.limits.len()).zip(self.powers);
        for (row, (dots, power)) in (self.first..).zip(rows) {
            let powers = simd.splat_f32s(*power);
            let (parts, _) = S::as_simd_f32s(dots);
            for (place, (dots, limits)) in parts.iter().zip(limit_parts).enumerate() {
                let distances = simd.mul_add_e_f32s(*dots, minus_two, powers);
                let is_near = simd.less_than_or_equal_f32s(distances, *limits);
                if simd.first_true_m32s(is_near) == S::F32_LANES {
                    continue;
                }
                let distances: &[f32] =
                    faer::traits::pulp::bytemuck::cast_slice(std::slice::from_ref(&distances));
                for (column, distance) in (place * S::F32_LANES..).zip(distances) {
                    if *distance <= self.limits[column] {
                        self.near[column].push((*distance, row));
                    }
                }
            }
        }
    }
}
