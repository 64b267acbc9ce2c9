//! Hashing: every level reads the signs of random projections of the vector. A floor: nothing is learned.

use rand::RngExt as _;

use super::codebook::Codebooks;
use super::network::Network;
use super::quantizer::{Decoder, Quantizer, residual_means};
use super::{Code, TokenizerConfig};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::seed::Seed;

/// Draws ceil(log2 K) hyperplanes through the mean vector per level; a code is the pattern of sides.
///
/// Where K is no power of two, the nearest of the first K patterns is taken. The way back is the mean of what
/// each code's items leave over, level by level.
pub fn fit_hash(embeddings: &ItemEmbeddings, config: &TokenizerConfig, seed: Seed) -> Quantizer {
    let (n_levels, codebook_size) = (config.n_levels, config.codebook_size);
    let n_bits = (codebook_size.max(2) - 1).ilog2() as usize + 1;
    let n_planes = n_levels * n_bits;
    let mean = mean_of_rows(embeddings);
    let mut rng = seed.rng("tokenizer.hyperplanes", 0);
    let mut weights: Vec<f32> = (0..embeddings.dim * n_planes)
        .map(|_| rng.random_range(-1.0..1.0_f32))
        .collect();
    let bias: Vec<f32> = (0..n_planes)
        .map(|plane_idx| {
            let column = weights.iter().skip(plane_idx).step_by(n_planes);
            -column.zip(&mean).map(|(a, b)| a * b).sum::<f32>()
        })
        .collect();
    weights.extend(bias);
    let encoder = Network::from_parts(vec![embeddings.dim, n_planes], false, weights);
    let mut patterns = vec![0.0; n_levels * codebook_size * n_planes];
    for (row_idx, row) in patterns.chunks_exact_mut(n_planes).enumerate() {
        let (level_idx, code) = (row_idx / codebook_size, row_idx % codebook_size);
        for (bit, value) in row[level_idx * n_bits..][..n_bits].iter_mut().enumerate() {
            *value = if code >> bit & 1 == 1 { 1.0 } else { -1.0 };
        }
    }
    let codebooks = Codebooks::new(n_levels, codebook_size, n_planes, patterns);
    let codes: Vec<Code> = codebooks.encode(&encoder.apply(&embeddings.values));
    let means = residual_means(
        &embeddings.values,
        embeddings.dim,
        &codes,
        n_levels,
        codebook_size,
    );
    Quantizer {
        encoder: Some(encoder),
        codebooks,
        decoder: Decoder::Means(means),
    }
}

fn mean_of_rows(embeddings: &ItemEmbeddings) -> Vec<f32> {
    let mut sums = vec![0_f64; embeddings.dim];
    for row in embeddings.values.chunks_exact(embeddings.dim) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let n_items = embeddings.n_items().max(1) as f64;
    sums.into_iter().map(|sum| (sum / n_items) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_pattern_of_sides_of_the_hyperplanes() {
        let mut rng = Seed(3).rng("test.items", 0);
        let embeddings = ItemEmbeddings {
            values: (0..60 * 5).map(|_| rng.random_range(-1.0..1.0)).collect(),
            dim: 5,
        };
        let config = TokenizerConfig {
            n_levels: 2,
            codebook_size: 8,
            ..TokenizerConfig::default()
        };
        let quantizer = fit_hash(&embeddings, &config, Seed(9));
        let sides = quantizer.latents(&embeddings.values).into_owned();
        let expected: Vec<Code> = sides
            .chunks_exact(3)
            .map(|sides| {
                (0..3_u32).fold(0, |code, bit| {
                    code | u16::from(sides[bit as usize] > 0.0) << bit
                })
            })
            .collect();
        assert_eq!(quantizer.encode(&embeddings.values), expected);
    }
}
