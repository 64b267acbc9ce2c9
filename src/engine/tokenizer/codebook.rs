//! The codewords of all levels: vectors to codes and back. [A 3.1; B 2.1.2]

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Code;
use super::clustering::Points;
use super::nearest::{BLOCK, Found, Index, Scratch};

/// The codewords of a residual quantiser.
#[derive(Clone, Debug, PartialEq)]
pub struct Codebooks {
    n_levels: usize,
    codebook_size: usize,
    dim: usize,
    /// `[n_levels * codebook_size * dim]`, row-major.
    values: Vec<f32>,
}

impl Codebooks {
    /// Wraps codewords `[n_levels * codebook_size * dim]`, row-major.
    ///
    /// # Panics
    /// If the length does not fit the sizes: a bug of the caller.
    pub fn new(n_levels: usize, codebook_size: usize, dim: usize, values: Vec<f32>) -> Self {
        assert!(
            codebook_size > 0 && values.len() == n_levels * codebook_size * dim,
            "{} values for {n_levels} levels of {codebook_size} codewords of {dim} dimensions",
            values.len()
        );
        Self {
            n_levels,
            codebook_size,
            dim,
            values,
        }
    }

    /// Levels, L.
    pub fn n_levels(&self) -> usize {
        self.n_levels
    }

    /// Codes per level, K.
    pub fn codebook_size(&self) -> usize {
        self.codebook_size
    }

    /// Dimensions of a codeword.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All codewords, `[n_levels * codebook_size * dim]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One codeword.
    pub fn codeword(&self, level_idx: usize, code: Code) -> &[f32] {
        let start = (level_idx * self.codebook_size + usize::from(code)) * self.dim;
        &self.values[start..start + self.dim]
    }

    /// The codes of new vectors: the nearest codeword of each level to what the levels before left over,
    /// the lowest code of several.
    ///
    /// # Shapes
    /// `[n * dim]` to `[n * n_levels]`, both row-major.
    pub fn encode(&self, vectors: &[f32]) -> Vec<Code> {
        let whole = self.encode_watched(vectors, &mut |_| ControlFlow::Continue(()));
        // Nobody breaks it off.
        whole.unwrap_or_default()
    }

    /// The same; nothing if `pulse`, which hears the share that is done several times a second, breaks off.
    pub fn encode_watched(
        &self,
        vectors: &[f32],
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Vec<Code>> {
        let levels: Vec<Index<'_>> = self
            .values
            .chunks_exact(self.codebook_size * self.dim)
            .map(|values| {
                Index::new(Points {
                    values,
                    dim: self.dim,
                })
            })
            .collect();
        let rows_per_pulse = levels.first().map_or(BLOCK, Index::rows_per_pulse);
        let mut codes = vec![0; vectors.len() / self.dim * self.n_levels];
        let n_codes = codes.len();
        let mut n_done = 0;
        for (codes, vectors) in codes
            .chunks_mut(rows_per_pulse * self.n_levels)
            .zip(vectors.chunks(rows_per_pulse * self.dim))
        {
            n_done += codes.len();
            codes
                .par_chunks_mut(BLOCK * self.n_levels)
                .zip(vectors.par_chunks(BLOCK * self.dim))
                .for_each_init(Scratch::default, |scratch, (codes, vectors)| {
                    self.encode_block(&levels, vectors, scratch, codes);
                });
            if pulse(n_done as f64 / n_codes as f64).is_break() {
                return None;
            }
        }
        Some(codes)
    }

    fn encode_block(
        &self,
        levels: &[Index<'_>],
        vectors: &[f32],
        scratch: &mut Scratch,
        codes: &mut [Code],
    ) {
        let mut residuals = vectors.to_vec();
        let mut found = vec![Found::default(); codes.len() / self.n_levels];
        for (level_idx, level) in levels.iter().enumerate() {
            level.find_block(&residuals, scratch, &mut found);
            for (row_idx, row) in residuals.chunks_exact_mut(self.dim).enumerate() {
                let code = found[row_idx].code;
                codes[row_idx * self.n_levels + level_idx] = code;
                subtract(row, self.codeword(level_idx, code));
            }
        }
    }

    /// The vector of a semantic ID, or of its beginning: the sum of the codewords.
    ///
    /// # Panics
    /// If there are more codes than levels or a code is out of range.
    pub fn decode(&self, sid: &[Code]) -> Vec<f32> {
        assert!(
            sid.len() <= self.n_levels,
            "{sid:?} for {} levels",
            self.n_levels
        );
        let mut sum = vec![0.0; self.dim];
        for (level_idx, code) in sid.iter().enumerate() {
            for (sum, value) in sum.iter_mut().zip(self.codeword(level_idx, *code)) {
                *sum += value;
            }
        }
        sum
    }
}

/// `residual -= codeword`: what the next level has to describe.
pub(super) fn subtract(residual: &mut [f32], codeword: &[f32]) {
    for (value, part) in residual.iter_mut().zip(codeword) {
        *value -= part;
    }
}
