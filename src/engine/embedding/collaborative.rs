//! Item vectors from what users did: which items stand near each other in the same histories.
//!
//! Positive pointwise mutual information, decomposed, is what skip-gram with negative sampling
//! approximates. [Levy, Goldberg 2014, "Neural word embedding as implicit matrix factorization"]

use std::collections::HashMap;

use super::sparse::SparseMatrix;
use super::svd::truncated_svd;
use super::{EmbeddingConfig, EmbeddingError};
use crate::engine::data::ItemIdx;
use crate::engine::seed::Seed;

/// Vectors `[n_items * dim]` with their dimension, which is lower than configured for tiny catalogues.
/// Items without a neighbour in any sequence get a zero vector.
///
/// `sequences` holds per user the items that may be learned from, in time order: nothing else may
/// ever be passed, or the vectors know the test period.
///
/// # Errors
/// If the decomposition fails.
pub fn collaborative_vectors(
    n_items: usize,
    sequences: &[Vec<ItemIdx>],
    config: &EmbeddingConfig,
    seed: Seed,
) -> Result<(Vec<f32>, usize), EmbeddingError> {
    let matrix = information_matrix(n_items, &pair_counts(sequences, config.window));
    let mut rng = seed.rng("embedding.collaborative", 0);
    let svd = truncated_svd(&matrix, config.collaborative_dim, &mut rng)?;
    // The matrix is symmetric: half of each singular value belongs to either side.
    Ok((svd.scaled_rows(f64::sqrt), svd.rank()))
}

/// How often two different items stand at most `window` positions apart: ((smaller, larger), count), in order.
fn pair_counts(sequences: &[Vec<ItemIdx>], window: usize) -> Vec<((u32, u32), u32)> {
    let mut counts: HashMap<(u32, u32), u32> = HashMap::new();
    for sequence in sequences {
        for (place, a) in sequence.iter().enumerate() {
            for b in sequence
                .iter()
                .skip(place + 1)
                .take(window)
                .filter(|b| *b != a)
            {
                *counts.entry((a.0.min(b.0), a.0.max(b.0))).or_default() += 1;
            }
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    counts
}

/// Positive pointwise mutual information, `[n_items, n_items]`, symmetric.
///
/// Each entry is multiplied by count / (count + 1): without it the rarest pairs, of which one
/// coincidence is all there is, would weigh the most. [Pantel, Lin 2002]
fn information_matrix(n_items: usize, counts: &[((u32, u32), u32)]) -> SparseMatrix {
    let mut totals = vec![0.0; n_items];
    for ((a, b), count) in counts {
        totals[*a as usize] += f64::from(*count);
        totals[*b as usize] += f64::from(*count);
    }
    let total: f64 = totals.iter().sum();
    let mut rows = vec![Vec::new(); n_items];
    for ((a, b), count) in counts {
        let count = f64::from(*count);
        let information = (count * total / (totals[*a as usize] * totals[*b as usize])).ln();
        if information > 0.0 {
            let value = information * count / (count + 1.0);
            rows[*a as usize].push((*b, value));
            rows[*b as usize].push((*a, value));
        }
    }
    SparseMatrix::new(n_items, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::embedding::squared_distance;

    fn sequences(rows: &[&[u32]]) -> Vec<Vec<ItemIdx>> {
        rows.iter()
            .map(|row| row.iter().copied().map(ItemIdx).collect())
            .collect()
    }

    #[test]
    fn pairs_are_counted_within_the_window_by_hand() {
        let counts = pair_counts(&sequences(&[&[3, 1, 3, 2], &[2, 1]]), 2);
        // (3,1) at distance 1 twice; (3,3) is no pair; (1,2) at distance 2 and in the second row; (3,2) once.
        assert_eq!(counts, [((1, 2), 2), ((1, 3), 2), ((2, 3), 1)]);
    }

    #[test]
    fn information_by_hand() {
        // Pairs (0,1) three times and (2,3) once: totals 3, 3, 1, 1 of 8.
        let matrix = information_matrix(4, &[((0, 1), 3), ((2, 3), 1)]);
        let dense = matrix.times(
            &[
                1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0,
            ],
            4,
        );
        let common = (3.0_f64 * 8.0 / 9.0).ln() * 0.75;
        let rare = 8.0_f64.ln() * 0.5;
        for (idx, value) in dense.iter().enumerate() {
            let expected = match idx {
                1 | 4 => common,
                11 | 14 => rare,
                _ => 0.0,
            };
            assert!(
                (value - expected).abs() < 1e-12,
                "entry {idx}: {value}, expected {expected}"
            );
        }
    }

    #[test]
    fn items_of_the_same_histories_are_near() {
        let rows: Vec<&[u32]> = [
            [0, 1, 2].as_slice(),
            &[1, 2, 0],
            &[3, 4, 5],
            &[5, 3, 4],
            &[2, 0, 1],
            &[4, 5, 3],
        ]
        .to_vec();
        let config = EmbeddingConfig {
            collaborative_dim: 2,
            ..EmbeddingConfig::default()
        };
        let (values, dim) = collaborative_vectors(7, &sequences(&rows), &config, Seed(1)).unwrap();
        let row = |idx: usize| &values[idx * dim..(idx + 1) * dim];
        assert!(squared_distance(row(0), row(1)) < squared_distance(row(0), row(3)));
        assert!(
            row(6).iter().all(|value| value.abs() < 1e-6),
            "item 6 is in no history"
        );
    }
}
