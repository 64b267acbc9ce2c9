//! What aligning the item vectors gave.

use serde::{Deserialize, Serialize};

use crate::engine::embedding::{ItemEmbeddings, neighbours_of};

/// Nearest items among which the partner of a held-out pair counts as found.
const N_NEAREST: usize = 10;

/// Figures of one alignment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemAlignmentReport {
    /// Pairs of a user's item and the most similar one before it.
    pub n_user_to_item: u64,
    /// Pairs of similar items.
    pub n_item_to_item: u64,
    /// Pairs watched one after the other that nothing was learned from.
    pub n_held_out: u64,
    /// Of the 10 items nearest to the first item of a held-out pair, the share that are its partner: before.
    pub precision_before: f64,
    /// The same with the aligned vectors.
    pub precision_after: f64,
    /// The same with the vectors of co-occurrence alone; `None` where they are left out.
    #[serde(default)]
    pub precision_co_occurrence: Option<f64>,
    /// The same for ten items drawn by chance.
    pub precision_by_chance: f64,
    /// Contrastive loss over the last steps.
    pub contrastive: f64,
    /// Caption loss over the last steps; `None` where no item has words.
    pub caption: Option<f64>,
}

/// The mean over the first items of pairs of the share of their 10 nearest items that are partners of theirs.
pub fn precision(embeddings: &ItemEmbeddings, pairs: &[(u32, u32)]) -> f64 {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs.dedup();
    let mut queries: Vec<u32> = pairs.iter().map(|(query, _)| *query).collect();
    queries.dedup();
    let shares = neighbours_of(embeddings, &queries, N_NEAREST)
        .into_iter()
        .zip(&queries)
        .map(|(nearest, query)| {
            let is_partner = |item: u32| pairs.binary_search(&(*query, item)).is_ok();
            let n_found = nearest.iter().filter(|(item, _)| is_partner(*item)).count();
            n_found as f64 / N_NEAREST as f64
        });
    shares.sum::<f64>() / queries.len().max(1) as f64
}

/// What [`precision`] is for vectors that know nothing.
pub fn precision_by_chance(n_items: usize, pairs: &[(u32, u32)]) -> f64 {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs.dedup();
    let n_pairs = pairs.len() as f64;
    pairs.dedup_by_key(|(query, _)| *query);
    let n_partners = n_pairs / pairs.len().max(1) as f64;
    n_partners / n_items.saturating_sub(1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_by_hand() {
        // 21 items on a line: the 10 nearest of item 0 are 1 to 10, those of 20 are 10 to 19.
        let line = ItemEmbeddings {
            values: (0..21).map(|idx| idx as f32).collect(),
            dim: 1,
        };
        let pairs = [(0, 1), (0, 9), (0, 15), (20, 3), (0, 1)];
        // Item 0 finds two of ten, item 20 none.
        assert!((precision(&line, &pairs) - 0.1).abs() < 1e-12);
        // Two partners on average, of 20 others.
        assert!((precision_by_chance(21, &pairs) - 0.1).abs() < 1e-12);
        assert!(precision(&line, &[]).abs() < 1e-12);
    }
}
