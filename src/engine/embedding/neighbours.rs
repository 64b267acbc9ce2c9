//! Nearest items by Euclidean distance, exact: every pair is looked at, in blocks.
//!
//! Not an approximate index: up to [`MAX_ITEMS`] items the exact answer takes seconds.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use super::ItemEmbeddings;

/// Largest catalogue for which [`neighbours`] answers: the work grows with the square of the items.
pub const MAX_ITEMS: usize = 50_000;

/// Items whose nearest are looked for at the same time, per thread.
const BLOCK: usize = 64;
/// Items that are compared with a block at the same time.
const PART: usize = 8192;

/// The `k` nearest other items of every item with their distances, nearest first.
/// Empty lists for catalogues above [`MAX_ITEMS`].
pub fn neighbours(embeddings: &ItemEmbeddings, k: usize) -> Vec<Vec<(u32, f32)>> {
    let n_items = embeddings.n_items();
    if n_items > MAX_ITEMS {
        return vec![Vec::new(); n_items];
    }
    let all: Vec<u32> = (0..n_items as u32).collect();
    neighbours_of(embeddings, &all, k)
}

/// The `k` nearest other items of some items with their distances, nearest first.
pub fn neighbours_of(embeddings: &ItemEmbeddings, items: &[u32], k: usize) -> Vec<Vec<(u32, f32)>> {
    let (n_items, dim) = (embeddings.n_items(), embeddings.dim);
    if n_items == 0 {
        return vec![Vec::new(); items.len()];
    }
    let powers: Vec<f32> = embeddings
        .values
        .par_chunks_exact(dim)
        .map(|row| row.iter().map(|value| value * value).sum())
        .collect();
    items
        .par_chunks(BLOCK)
        .flat_map_iter(|queries| nearest_of_block(embeddings, &powers, queries, k))
        .collect()
}

/// The same for at most [`BLOCK`] items, on this thread.
fn nearest_of_block(
    embeddings: &ItemEmbeddings,
    powers: &[f32],
    queries: &[u32],
    k: usize,
) -> Vec<Vec<(u32, f32)>> {
    let dim = embeddings.dim;
    let vectors: Vec<f32> = queries
        .iter()
        .flat_map(|query| embeddings.row(*query as usize))
        .copied()
        .collect();
    let block = MatRef::from_row_major_slice(&vectors, queries.len(), dim).transpose();
    // Candidates of every query, and the value above which there is no need to look any more.
    let mut nearest: Vec<(Vec<(u32, f32)>, f32)> = vec![(Vec::new(), f32::INFINITY); queries.len()];
    let mut first = 0;
    for (rows, powers) in embeddings
        .values
        .chunks(PART * dim)
        .zip(powers.chunks(PART))
    {
        let part = MatRef::from_row_major_slice(rows, powers.len(), dim);
        let mut dots = Mat::<f32>::zeros(powers.len(), queries.len());
        matmul(dots.as_mut(), Accum::Replace, part, block, 1.0, Par::Seq);
        for (offset, (query, (candidates, limit))) in queries.iter().zip(&mut nearest).enumerate() {
            for (item_idx, (dot, power)) in (first..).zip(dots.col(offset).iter().zip(powers)) {
                // |a - b|^2 without |a|^2, which is the same for all candidates.
                let value = power - 2.0 * dot;
                if value <= *limit && item_idx != *query {
                    candidates.push((item_idx, value));
                    if candidates.len() > 2 * k {
                        *candidates = keep_nearest(std::mem::take(candidates), k);
                        *limit = candidates.last().map_or(f32::NEG_INFINITY, |last| last.1);
                    }
                }
            }
        }
        first += powers.len() as u32;
    }
    queries
        .iter()
        .zip(nearest)
        .map(|(query, (candidates, _))| {
            let mut nearest = keep_nearest(candidates, k);
            // The difference of large numbers is coarse: duplicates must have distance 0.
            for (item_idx, distance) in &mut nearest {
                *distance = squared_distance(
                    embeddings.row(*query as usize),
                    embeddings.row(*item_idx as usize),
                )
                .sqrt();
            }
            nearest.sort_unstable_by(by_distance);
            nearest
        })
        .collect()
}

/// The `k` items nearest to a vector with their distances, nearest first: what to show for a
/// semantic ID that no item has, whose vector is the sum of its codewords.
///
/// # Panics
/// If the vector has another length than those of the items: a bug of the caller.
pub fn nearest_items(embeddings: &ItemEmbeddings, query: &[f32], k: usize) -> Vec<(u32, f32)> {
    assert_eq!(query.len(), embeddings.dim, "length of the query vector");
    let candidates = (0..embeddings.n_items())
        .into_par_iter()
        .map(|item_idx| {
            let distance = squared_distance(query, embeddings.row(item_idx)).sqrt();
            (item_idx as u32, distance)
        })
        .collect();
    keep_nearest(candidates, k)
}

/// The squared Euclidean distance of two vectors of equal length.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    // Independent sums let the compiler use vector registers; one running sum would not.
    let mut sums = [0.0_f32; 8];
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            let difference = x[lane] - y[lane];
            sums[lane] += difference * difference;
        }
    }
    let rest: f32 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(x, y)| (x - y) * (x - y))
        .sum();
    sums.iter().sum::<f32>() + rest
}

fn keep_nearest(mut candidates: Vec<(u32, f32)>, k: usize) -> Vec<(u32, f32)> {
    if k < candidates.len() {
        if k > 0 {
            candidates.select_nth_unstable_by(k - 1, by_distance);
        }
        candidates.truncate(k);
    }
    candidates.sort_unstable_by(by_distance);
    candidates
}

/// Nearest first; equal distances by item, so that the answer is always the same.
fn by_distance(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    a.1.total_cmp(&b.1).then(a.0.cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_on_a_line() {
        let embeddings = ItemEmbeddings {
            values: vec![0.0, 1.0, 3.0, 7.0, 3.0],
            dim: 1,
        };
        let found = neighbours(&embeddings, 2);
        assert_eq!(found[0], [(1, 1.0), (2, 3.0)]);
        assert_eq!(found[2], [(4, 0.0), (1, 2.0)]);
        assert_eq!(found[3], [(2, 4.0), (4, 4.0)]);
        assert_eq!(
            neighbours(&embeddings, 9)[0].len(),
            4,
            "there are only 4 others"
        );
        assert_eq!(nearest_items(&embeddings, &[6.0], 2), [(3, 1.0), (2, 3.0)]);
        assert!(nearest_items(&embeddings, &[6.0], 0).is_empty());
    }

    proptest! {
        #[test]
        fn blocks_agree_with_one_query_at_a_time(values in prop::collection::vec(-3.0_f32..3.0, 130 * 3)) {
            let embeddings = ItemEmbeddings { values, dim: 3 };
            let all = neighbours(&embeddings, 4);
            prop_assert_eq!(all.len(), 130);
            for (item_idx, found) in all.iter().enumerate() {
                let one: Vec<f32> = nearest_items(&embeddings, embeddings.row(item_idx), 5)
                    .into_iter()
                    .filter(|(other, _)| *other as usize != item_idx)
                    .take(4)
                    .map(|(_, distance)| distance)
                    .collect();
                for ((_, distance), expected) in found.iter().zip(&one) {
                    prop_assert!((distance - expected).abs() < 1e-3);
                }
            }
        }
    }
}
