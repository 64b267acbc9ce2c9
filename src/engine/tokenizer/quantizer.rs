//! What maps vectors to codes and back, whatever method made it: an optional map to the space of the codewords,
//! the codewords of all levels, and a way back.
//!
//! Product quantisation is a residual quantiser whose codewords are zero outside their part of the vector, and
//! hashing one whose codewords are the sign patterns of projections: one rule (nearest codeword to what the
//! levels before left over) encodes for every method, and new items use it with everything frozen.

use std::borrow::Cow;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::codebook::{Codebooks, subtract};
use super::network::Network;
use super::{Code, health::mean_square};
use crate::engine::embedding::squared_distance;

/// Vectors to codes and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantizer {
    /// From vectors to the space of the codewords; none where they are one space.
    pub encoder: Option<Network>,
    /// The codewords of all levels.
    pub codebooks: Codebooks,
    /// From codes back to vectors.
    pub decoder: Decoder,
}

/// From codes back to vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoder {
    /// The sum of the codewords.
    Sum,
    /// A network behind the sum of the codewords.
    Network(Network),
    /// The sum of other codewords, which stand in the space of the vectors.
    Means(Codebooks),
}

impl Quantizer {
    /// Residual codewords in the space of the vectors.
    pub fn residual(codebooks: Codebooks) -> Self {
        Self {
            encoder: None,
            codebooks,
            decoder: Decoder::Sum,
        }
    }

    /// Levels, L.
    pub fn n_levels(&self) -> usize {
        self.codebooks.n_levels()
    }

    /// Codes per level, K.
    pub fn codebook_size(&self) -> usize {
        self.codebooks.codebook_size()
    }

    /// Dimensions of the vectors.
    pub fn dim(&self) -> usize {
        let encoder = self.encoder.as_ref();
        encoder.map_or(self.codebooks.dim(), Network::n_inputs)
    }

    /// Vectors `[n * dim]` in the space of the codewords `[n * codebooks.dim()]`.
    pub fn latents<'a>(&self, vectors: &'a [f32]) -> Cow<'a, [f32]> {
        match &self.encoder {
            None => Cow::Borrowed(vectors),
            Some(encoder) => Cow::Owned(encoder.apply(vectors)),
        }
    }

    /// The codes of new vectors, `[n * dim]` to `[n * n_levels]`, both row-major; nothing is changed by them.
    pub fn encode(&self, vectors: &[f32]) -> Vec<Code> {
        self.codebooks.encode(&self.latents(vectors))
    }

    /// The same; nothing if `pulse`, which hears the share that is done, breaks off.
    pub fn encode_watched(
        &self,
        vectors: &[f32],
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Vec<Code>> {
        self.codebooks.encode_watched(&self.latents(vectors), pulse)
    }

    /// The vectors of semantic IDs or of their first `n_levels` codes, `[n * n_levels]` to `[n * dim]`.
    ///
    /// # Panics
    /// If there are more levels than the quantiser has or a code is out of range.
    pub fn decode(&self, codes: &[Code], n_levels: usize) -> Vec<f32> {
        let books = match &self.decoder {
            Decoder::Means(means) => means,
            Decoder::Sum | Decoder::Network(_) => &self.codebooks,
        };
        let sums: Vec<f32> = codes
            .chunks_exact(n_levels)
            .flat_map(|sid| books.decode(sid))
            .collect();
        match &self.decoder {
            Decoder::Network(network) => network.apply(&sums),
            Decoder::Sum | Decoder::Means(_) => sums,
        }
    }

    /// Per level: the mean squared error per element of the vectors decoded from the codes so far.
    pub fn errors(&self, vectors: &[f32], codes: &[Code]) -> Vec<f64> {
        const ROWS: usize = 8192;
        let (dim, n_levels) = (self.dim(), self.n_levels());
        (1..=n_levels)
            .map(|n_used| {
                let parts = vectors
                    .par_chunks(ROWS * dim)
                    .zip(codes.par_chunks(ROWS * n_levels));
                let sums: Vec<f64> = parts
                    .map(|(vectors, codes)| {
                        let used: Vec<Code> = codes
                            .chunks_exact(n_levels)
                            .flat_map(|sid| &sid[..n_used])
                            .copied()
                            .collect();
                        let mut left = vectors.to_vec();
                        subtract(&mut left, &self.decode(&used, n_used));
                        mean_square(&left) * left.len() as f64
                    })
                    .collect();
                sums.iter().sum::<f64>() / vectors.len().max(1) as f64
            })
            .collect()
    }

    /// The squared distance of every codeword of the level that follows `prefix` to what the prefix leaves of a latent.
    pub fn costs(&self, latent: &[f32], prefix: &[Code]) -> Vec<f32> {
        let residual = self.residual_of(latent, prefix);
        (0..self.codebook_size())
            .map(|code| {
                let codeword = self.codebooks.codeword(prefix.len(), code as Code);
                squared_distance(&residual, codeword)
            })
            .collect()
    }

    /// One of the [`Quantizer::costs`].
    pub fn cost(&self, latent: &[f32], prefix: &[Code], code: Code) -> f32 {
        let residual = self.residual_of(latent, prefix);
        squared_distance(&residual, self.codebooks.codeword(prefix.len(), code))
    }

    fn residual_of(&self, latent: &[f32], prefix: &[Code]) -> Vec<f32> {
        let mut residual = latent.to_vec();
        for (level_idx, code) in prefix.iter().enumerate() {
            subtract(&mut residual, self.codebooks.codeword(level_idx, *code));
        }
        residual
    }
}

/// Codewords for codes that came from elsewhere: level by level, the mean of what the levels before left over
/// of the vectors that have the code; zero where none has it.
pub fn residual_means(
    vectors: &[f32],
    dim: usize,
    codes: &[Code],
    n_levels: usize,
    codebook_size: usize,
) -> Codebooks {
    let mut residuals = vectors.to_vec();
    let mut values = Vec::with_capacity(n_levels * codebook_size * dim);
    for level_idx in 0..n_levels {
        let mut sums = vec![0_f64; codebook_size * dim];
        let mut counts = vec![0_u32; codebook_size];
        let level = || codes.iter().skip(level_idx).step_by(n_levels);
        for (row, code) in residuals.chunks_exact(dim).zip(level()) {
            let code = usize::from(*code);
            counts[code] += 1;
            for (sum, value) in sums[code * dim..].iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        let means: Vec<f32> = sums
            .chunks_exact(dim)
            .zip(&counts)
            .flat_map(|(sum, count)| {
                sum.iter()
                    .map(move |value| (value / f64::from((*count).max(1))) as f32)
            })
            .collect();
        for (row, code) in residuals.chunks_exact_mut(dim).zip(level()) {
            subtract(row, &means[usize::from(*code) * dim..][..dim]);
        }
        values.extend(means);
    }
    Codebooks::new(n_levels, codebook_size, dim, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_given_codes_are_the_centres_of_what_is_left() {
        // Four one-dimensional items: code 0 holds 1 and 3, code 1 holds 10 and 14, each told apart by level 2.
        let means = residual_means(&[1.0, 3.0, 10.0, 14.0], 1, &[0, 0, 0, 1, 1, 0, 1, 1], 2, 3);
        assert_eq!(means.values(), [2.0, 12.0, 0.0, -1.5, 1.5, 0.0]);
        let quantizer = Quantizer::residual(means);
        assert_eq!(quantizer.decode(&[0, 1, 1, 0], 2), [3.5, 10.5]);
        // What is left: -1, 1, -2, 2 after level 1, then 0.5, -0.5, -0.5, 0.5.
        let errors = quantizer.errors(&[1.0, 3.0, 10.0, 14.0], &[0, 0, 0, 1, 1, 0, 1, 1]);
        assert_eq!(errors, [2.5, 0.25]);
    }

    #[test]
    fn costs_are_distances_to_what_the_prefix_leaves() {
        let quantizer = Quantizer::residual(Codebooks::new(2, 2, 1, vec![0.0, 10.0, -1.0, 2.0]));
        assert_eq!(quantizer.costs(&[11.0], &[1]), [4.0, 1.0]);
        assert_eq!(quantizer.costs(&[11.0], &[]), [121.0, 1.0]);
        assert_eq!(quantizer.cost(&[11.0], &[1], 1), 1.0);
    }
}
