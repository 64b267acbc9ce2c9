//! The nearest codeword of many vectors, by blocked matrix products. [A 3.1]
//!
//! Distances are |c|^2 - 2 x.c for a block of vectors times a tile of codewords at a time, searched while the
//! tile is in the cache; the matrix of all distances never exists. That difference of large numbers is coarse,
//! so where the best two are close the exact distances decide: the answer is that of a search with
//! [`squared_distance`], the lowest code of equals, on any number of threads.

use std::ops::ControlFlow;

use faer::linalg::matmul::matmul;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::Code;
use super::clustering::Points;
use crate::engine::embedding::squared_distance;

/// Vectors per block.
pub(super) const BLOCK: usize = 256;
/// Codewords per tile: a multiple of faer's tile and of every register's width; with a block it stays in L2.
const TILE: usize = 384;
/// Multiplications between two looks at a wish to stop: about a tenth of a second of two cores.
const WORK_PER_PULSE: usize = 8_000_000_000;

/// The codeword nearest to a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The lowest code of the nearest codewords.
    pub(super) code: Code,
    /// Its squared distance.
    pub(super) distance: f32,
}

/// Codewords made ready for the search.
pub(super) struct Index<'a> {
    codewords: Points<'a>,
    tiles: Vec<Tile>,
    largest_power: f32,
}

/// Some codewords, column by column, filled up with ones that are infinitely far.
pub(super) struct Tile {
    /// `[dim, width]`.
    pub(super) transposed: Vec<f32>,
    /// `[width]`: |c|^2.
    pub(super) powers: Vec<f32>,
}

impl Tile {
    /// From `[n * dim]`.
    pub(super) fn new(rows: &[f32], dim: usize) -> Self {
        let width = (rows.len() / dim).next_multiple_of(32);
        let mut transposed = vec![0.0; dim * width];
        let mut powers = vec![f32::INFINITY; width];
        for (place, row) in rows.chunks_exact(dim).enumerate() {
            powers[place] = power(row);
            for (column, value) in row.iter().enumerate() {
                transposed[column * width + place] = *value;
            }
        }
        Self { transposed, powers }
    }
}

impl<'a> Index<'a> {
    pub(super) fn new(codewords: Points<'a>) -> Self {
        let dim = codewords.dim;
        let tiles: Vec<Tile> = codewords
            .values
            .par_chunks(TILE * dim)
            .map(|rows| Tile::new(rows, dim))
            .collect();
        let largest_power = codewords
            .values
            .chunks_exact(dim)
            .map(power)
            .fold(0.0, f32::max);
        Self {
            codewords,
            tiles,
            largest_power,
        }
    }

    /// The nearest codeword of every point. `None` if `pulse`, which hears the share that is done several times a
    /// second, breaks off.
    pub(super) fn find(
        &self,
        points: Points<'_>,
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Vec<Found>> {
        let mut found = vec![Found::default(); points.len()];
        let rows_per_pulse = self.rows_per_pulse();
        let mut n_done = 0;
        for (part, rows) in found
            .chunks_mut(rows_per_pulse)
            .zip(points.values.chunks(rows_per_pulse * points.dim))
        {
            n_done += part.len();
            part.par_chunks_mut(BLOCK)
                .zip(rows.par_chunks(BLOCK * points.dim))
                .for_each_init(Scratch::default, |scratch, (found, rows)| {
                    self.find_block(rows, scratch, found);
                });
            if pulse(n_done as f64 / points.len() as f64).is_break() {
                return None;
            }
        }
        Some(found)
    }

    /// Vectors to search for between two looks at a wish to stop, a multiple of [`BLOCK`].
    pub(super) fn rows_per_pulse(&self) -> usize {
        let n_blocks = WORK_PER_PULSE / (BLOCK * self.codewords.values.len()).max(1);
        BLOCK * n_blocks.max(16)
    }

    /// The same for at most [`BLOCK`] vectors, `[n, dim]`, on this thread.
    pub(super) fn find_block(&self, rows: &[f32], scratch: &mut Scratch, found: &mut [Found]) {
        let dim = self.codewords.dim;
        let n_rows = found.len();
        let vectors = MatRef::from_column_major_slice(rows, dim, n_rows);
        scratch.best.clear();
        scratch.best.resize(n_rows, Best::default());
        let mut first_code = 0;
        for tile in &self.tiles {
            let width = tile.powers.len();
            scratch.dots.resize(width * n_rows, 0.0);
            matmul(
                MatMut::from_column_major_slice_mut(&mut scratch.dots, width, n_rows),
                Accum::Replace,
                MatRef::from_column_major_slice(&tile.transposed, width, dim),
                vectors,
                1.0,
                Par::Seq,
            );
            Arch::new().dispatch(SearchTile {
                dots: &scratch.dots,
                powers: &tile.powers,
                first_code,
                best: &mut scratch.best,
            });
            first_code += width as u32;
        }
        for ((row, best), found) in rows.chunks_exact(dim).zip(&scratch.best).zip(found) {
            let error = coarse_error(dim, power(row) + self.largest_power);
            let is_clear = best.second - best.value > error;
            *found = if is_clear {
                let code = best.code as usize;
                Found {
                    code: code as Code,
                    distance: squared_distance(row, self.codewords.row(code)),
                }
            } else {
                self.find_exactly(row)
            };
        }
    }

    fn find_exactly(&self, row: &[f32]) -> Found {
        let mut found = Found {
            code: 0,
            distance: f32::INFINITY,
        };
        for (code, codeword) in self
            .codewords
            .values
            .chunks_exact(self.codewords.dim)
            .enumerate()
        {
            let distance = squared_distance(row, codeword);
            if distance < found.distance {
                found = Found {
                    code: code as Code,
                    distance,
                };
            }
        }
        found
    }
}

/// Memory of one thread.
#[derive(Default)]
pub(super) struct Scratch {
    dots: Vec<f32>,
    best: Vec<Best>,
}

#[derive(Clone, Copy)]
struct Best {
    value: f32,
    second: f32,
    code: u32,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            value: f32::INFINITY,
            second: f32::INFINITY,
            code: 0,
        }
    }
}

/// How far two coarse distances may be off together, for the largest |x|^2 + |c|^2.
///
/// The bound for the worst case grows with the dimensions; errors of either sign grow with their root.
pub(super) fn coarse_error(dim: usize, power: f32) -> f32 {
    0.5 * f32::EPSILON * (4.0 * (dim as f32).sqrt() + 8.0) * power
}

/// |x|^2.
pub(super) fn power(row: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (chunks, rest) = row.as_chunks::<8>();
    for chunk in chunks {
        for lane in 0..8 {
            sums[lane] += chunk[lane] * chunk[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|value| value * value).sum::<f32>()
}

/// Lowers the best two values of each vector by those of a tile.
struct SearchTile<'a> {
    /// `[n_rows, width]`.
    dots: &'a [f32],
    powers: &'a [f32],
    first_code: u32,
    best: &'a mut [Best],
}

impl WithSimd for SearchTile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (powers, _) = S::as_simd_f32s(self.powers);
        let (power_pairs, _) = powers.as_chunks::<2>();
        let minus_two = simd.splat_f32s(-2.0);
        let infinity = simd.splat_f32s(f32::INFINITY);
        let zero = simd.splat_u32s(0);
        let one = simd.splat_u32s(1);
        for (dots, best) in self
            .dots
            .chunks_exact(self.powers.len())
            .zip(self.best.iter_mut())
        {
            let (dots, _) = S::as_simd_f32s(dots);
            let (dot_pairs, _) = dots.as_chunks::<2>();
            // Two chains: one would wait for its own results.
            let mut values = [infinity; 2];
            let mut seconds = [infinity; 2];
            let mut steps = [zero; 2];
            let mut step = zero;
            for (dots, powers) in dot_pairs.iter().zip(power_pairs) {
                for chain in 0..2 {
                    let value = simd.mul_add_e_f32s(dots[chain], minus_two, powers[chain]);
                    let is_less = simd.less_than_f32s(value, values[chain]);
                    let larger = simd.max_f32s(value, values[chain]);
                    seconds[chain] = simd.min_f32s(seconds[chain], larger);
                    values[chain] = simd.min_f32s(values[chain], value);
                    steps[chain] = simd.select_u32s(is_less, step, steps[chain]);
                }
                step = simd.add_u32s(step, one);
            }
            for chain in 0..2 {
                let lanes = S::F32_LANES;
                let values: &[f32] =
                    faer::traits::pulp::bytemuck::cast_slice(std::slice::from_ref(&values[chain]));
                let seconds: &[f32] =
                    faer::traits::pulp::bytemuck::cast_slice(std::slice::from_ref(&seconds[chain]));
                let steps: &[u32] =
                    faer::traits::pulp::bytemuck::cast_slice(std::slice::from_ref(&steps[chain]));
                for lane in 0..lanes {
                    let place = (steps[lane] as usize * 2 + chain) * lanes + lane;
                    best.lower(values[lane], self.first_code + place as u32);
                    best.second = best.second.min(seconds[lane]);
                }
            }
        }
    }
}

impl Best {
    #[inline(always)]
    fn lower(&mut self, value: f32, code: u32) {
        // Which of two equal ones wins is settled with exact distances later.
        if value < self.value {
            self.second = self.value.min(self.second);
            self.value = value;
            self.code = code;
        } else {
            self.second = self.second.min(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::seed::Seed;

    fn go_on(_: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn many_codewords_in_many_tiles_are_found_as_one_by_one() {
        let mut rng = Seed(9).rng("test.nearest", 0);
        for (n, n_codes, dim) in [(700, 1000, 7), (40, 385, 64), (3, 1, 1)] {
            let mut random =
                |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
            let (values, codewords) = (random(n * dim), random(n_codes * dim));
            let points = Points {
                values: &values,
                dim,
            };
            let index = Index::new(Points {
                values: &codewords,
                dim,
            });
            let found = index.find(points, &mut go_on).unwrap();
            for (idx, found) in found.iter().enumerate() {
                assert_eq!(*found, index.find_exactly(points.row(idx)), "point {idx}");
            }
        }
    }

    proptest! {
        #[test]
        fn ties_go_to_the_lowest_code_and_large_offsets_do_not_matter(
            codes in prop::collection::vec(0_u8..4, 2..60),
            point in 0_u8..4,
            offset in prop_oneof![Just(0.0_f32), Just(4096.0)],
        ) {
            // Equal codewords far from the origin: coarse distances cannot tell them apart.
            let codewords: Vec<f32> = codes.iter().map(|code| f32::from(*code) + offset).collect();
            let value = [f32::from(point) + offset];
            let index = Index::new(Points { values: &codewords, dim: 1 });
            let found = index.find(Points { values: &value, dim: 1 }, &mut go_on).unwrap();
            prop_assert_eq!(found[0], index.find_exactly(&value));
        }
    }
}
