//! What a generator does to the catalogue: how much of it is shown, how popular and how fresh that is, how alike the
//! items of a slate are. [V2 4, Table 9: a system that gains on watch time can lose here]

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::generate::GeneratedSlate;
use crate::engine::data::ItemIdx;
use crate::engine::embedding::ItemEmbeddings;

/// Items with at most so many positive events in training are cold.
const MOST_EVENTS_OF_COLD_ITEM: u32 = 5;

/// Figures of the slates that would be shown: the likeliest of each user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diversity {
    /// Distinct items shown / items of the catalogue.
    pub coverage: f64,
    /// Mean over the shown items of -log2(positive events of the item / all): higher is less popular.
    pub novelty_bits: f64,
    /// Share of the shown items with at most 5 positive events in training.
    pub cold_share: f64,
    /// Mean over slates of 1 - mean cosine between their items: 0 for copies, about 1 for unrelated items; nothing where
    /// no slate has two.
    pub intra_slate: Option<f64>,
    /// Share of the shown items that begin with the commonest first code: how much one cluster takes.
    pub largest_cluster: f64,
    /// Share of flagged items, where any are flagged.
    pub flagged_share: Option<f64>,
}

/// Counts over the first slate of each user.
pub fn diversity(
    slates: &[Vec<GeneratedSlate>],
    popularity: &[u32],
    vectors: &ItemEmbeddings,
    is_flagged: Option<&[bool]>,
) -> Diversity {
    let shown: Vec<&GeneratedSlate> = slates.iter().filter_map(|slates| slates.first()).collect();
    let items: Vec<ItemIdx> = shown
        .iter()
        .flat_map(|slate| slate.items.iter().copied())
        .collect();
    if items.is_empty() {
        return Diversity::default();
    }
    let n_items = items.len() as f64;
    let n_events: f64 = popularity.iter().map(|n| f64::from(*n)).sum();
    let distinct: BTreeSet<ItemIdx> = items.iter().copied().collect();
    let share = |is_such: &dyn Fn(&ItemIdx) -> bool| {
        items.iter().filter(|item| is_such(item)).count() as f64 / n_items
    };
    // An item without events counts as one event, so that its surprise is finite.
    let bits =
        |item: &ItemIdx| -(f64::from(popularity[item.idx()].max(1)) / n_events.max(1.0)).log2();
    let spread: Vec<f64> = shown
        .iter()
        .filter_map(|slate| intra_slate(&slate.items, vectors))
        .collect();
    Diversity {
        coverage: distinct.len() as f64 / popularity.len().max(1) as f64,
        novelty_bits: items.iter().map(bits).sum::<f64>() / n_items,
        cold_share: share(&|item| popularity[item.idx()] <= MOST_EVENTS_OF_COLD_ITEM),
        intra_slate: (!spread.is_empty()).then(|| spread.iter().sum::<f64>() / spread.len() as f64),
        largest_cluster: largest_cluster(&shown),
        flagged_share: is_flagged.map(|flags| share(&|item| flags[item.idx()])),
    }
}

/// 1 - mean cosine over the pairs of items; nothing for a single item.
fn intra_slate(items: &[ItemIdx], vectors: &ItemEmbeddings) -> Option<f64> {
    let (mut sum, mut n_pairs) = (0.0, 0);
    for (place, a) in items.iter().enumerate() {
        for b in &items[place + 1..] {
            sum += 1.0 - cosine(vectors.row(a.idx()), vectors.row(b.idx()));
            n_pairs += 1;
        }
    }
    (n_pairs > 0).then(|| sum / f64::from(n_pairs))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 {
        dot(a, b) / length
    } else {
        0.0
    }
}

fn largest_cluster(shown: &[&GeneratedSlate]) -> f64 {
    let n_levels = |slate: &GeneratedSlate| slate.codes.len() / slate.items.len().max(1);
    let mut counts: Vec<u32> = Vec::new();
    for slate in shown {
        for sid in slate.codes.chunks(n_levels(slate).max(1)) {
            let code = usize::from(sid[0]);
            if counts.len() <= code {
                counts.resize(code + 1, 0);
            }
            counts[code] += 1;
        }
    }
    let total: u32 = counts.iter().sum();
    f64::from(counts.into_iter().max().unwrap_or(0)) / f64::from(total.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toy_counts_by_hand() {
        let slate = |items: &[u32], codes: &[u16]| GeneratedSlate {
            items: items.iter().copied().map(ItemIdx).collect(),
            codes: codes.to_vec(),
            log_prob: 0.0,
        };
        let vectors = ItemEmbeddings {
            values: vec![
                1.0, 0.0, /**/ 0.0, 1.0, /**/ 2.0, 0.0, /**/ 1.0, 1.0,
            ],
            dim: 2,
        };
        let slates = vec![
            vec![slate(&[0, 1], &[4, 0, 5, 0]), slate(&[3, 3], &[0; 4])],
            vec![slate(&[0, 2], &[4, 0, 4, 1])],
            Vec::new(),
        ];
        let popularity = [8, 4, 0, 4];
        let flags = [false, true, false, false];
        let found = diversity(&slates, &popularity, &vectors, Some(&flags));
        assert_eq!(found.coverage, 0.75);
        // Shown: 0 and 1, then 0 and 2; events 8, 4, 8 and 1 of 16.
        assert!((found.novelty_bits - (1.0 + 2.0 + 1.0 + 4.0) / 4.0).abs() < 1e-12);
        assert_eq!(found.cold_share, 0.5);
        // Items 0 and 1 are orthogonal, 0 and 2 point the same way.
        assert!((found.intra_slate.unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(found.largest_cluster, 0.75);
        assert_eq!(found.flagged_share, Some(0.25));
        let singles = [vec![slate(&[0], &[4, 0])]];
        assert_eq!(
            diversity(&singles, &popularity, &vectors, None).intra_slate,
            None
        );
        assert_eq!(
            diversity(&[], &popularity, &vectors, None),
            Diversity::default()
        );
    }
}
