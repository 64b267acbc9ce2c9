//! The codewords of all levels: vectors to codes and back. [A 3.1; B 2.1.2]

use rayon::prelude::*;

use super::Code;
use crate::engine::embedding::squared_distance;

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

    /// The codes of new vectors: the nearest codeword of each level to what the levels before left over.
    ///
    /// # Shapes
    /// `[n * dim]` to `[n * n_levels]`, both row-major.
    pub fn encode(&self, vectors: &[f32]) -> Vec<Code> {
        vectors
            .par_chunks_exact(self.dim)
            .flat_map_iter(|vector| {
                let mut residual = vector.to_vec();
                (0..self.n_levels)
                    .map(|level_idx| {
                        let code = self.nearest_code(level_idx, &residual);
                        subtract(&mut residual, self.codeword(level_idx, code));
                        code
                    })
                    .collect::<Vec<_>>()
            })
            .collect()
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

    /// The nearest codeword of a level; the lowest code of several.
    pub fn nearest_code(&self, level_idx: usize, residual: &[f32]) -> Code {
        let start = level_idx * self.codebook_size * self.dim;
        let mut best = (f32::INFINITY, 0);
        let level = &self.values[start..start + self.codebook_size * self.dim];
        for (code, codeword) in level.chunks_exact(self.dim).enumerate() {
            let distance = squared_distance(residual, codeword);
            if distance < best.0 {
                best = (distance, code);
            }
        }
        best.1 as Code
    }
}

/// `residual -= codeword`: what the next level has to describe.
pub(super) fn subtract(residual: &mut [f32], codeword: &[f32]) {
    for (value, part) in residual.iter_mut().zip(codeword) {
        *value -= part;
    }
}
