//! What the reward models know of an item: its vector, its length, and its author, categories and further features.
//!
//! Nothing here was learned from feedback, apart from what the item vectors hold of the learnable part of the log.
//! The paper does not list the reward model's features. The item vectors alone are not enough: they are made to
//! tell topics apart, while watch time follows the length of a video, and likes follow its author.

use crate::engine::data::{Item, ItemCatalog};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::embedding::content::{categorical_features, hashed};

/// Columns that the hashed author, categories and further features share.
const N_BUCKETS: usize = 128;

/// Feature vectors of all items: the item vectors scaled to a mean square of 1, the standardised logarithm of the
/// length (0 where it is unknown), and the hashed categorical features.
pub fn item_features(embeddings: &ItemEmbeddings, catalog: &ItemCatalog) -> ItemEmbeddings {
    assert_eq!(
        embeddings.n_items(),
        catalog.len(),
        "one item vector per item of the catalogue"
    );
    let n_values = embeddings.values.len().max(1) as f32;
    let square: f32 = embeddings.values.iter().map(|value| value * value).sum();
    let scale = (square / n_values).sqrt().max(f32::MIN_POSITIVE).recip();
    let lengths = standardised_lengths(catalog);

    let dim = embeddings.dim + 1 + N_BUCKETS;
    let mut values = Vec::with_capacity(catalog.len() * dim);
    for (item_idx, item) in catalog.items.iter().enumerate() {
        values.extend(embeddings.row(item_idx).iter().map(|value| value * scale));
        values.push(lengths[item_idx]);
        let mut buckets = [0.0_f32; N_BUCKETS];
        for feature in categorical_features(item).keys() {
            let (bucket, sign) = hashed(*feature, 1.0, N_BUCKETS);
            buckets[bucket as usize] += sign as f32;
        }
        values.extend(buckets);
    }
    ItemEmbeddings { values, dim }
}

/// Logarithm of the length of each item, with mean 0 and variance 1 over the known ones; 0 where it is unknown.
fn standardised_lengths(catalog: &ItemCatalog) -> Vec<f32> {
    let log_secs = |item: &Item| {
        item.duration_secs
            .filter(|secs| secs.is_finite() && *secs > 0.0)
            .map(f32::ln)
    };
    let known: Vec<f32> = catalog.items.iter().filter_map(log_secs).collect();
    let n_known = known.len().max(1) as f32;
    let mean = known.iter().sum::<f32>() / n_known;
    let variance = known.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n_known;
    // Items of one length say nothing by it.
    let scale = if variance > 1e-6 {
        variance.sqrt().recip()
    } else {
        0.0
    };
    let lengths = catalog.items.iter().map(log_secs);
    lengths
        .map(|x| x.map_or(0.0, |x| (x - mean) * scale))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(author: &str, duration_secs: Option<f32>) -> Item {
        Item {
            author: Some(author.to_owned()),
            duration_secs,
            ..Item::default()
        }
    }

    #[test]
    fn vectors_are_scaled_and_lengths_standardised() {
        let catalog = ItemCatalog {
            items: vec![
                item("a", Some(10.0)),
                item("a", Some(1000.0)),
                item("b", None),
                item("b", Some(f32::NAN)),
            ],
        };
        let embeddings = ItemEmbeddings {
            values: vec![0.3, 0.0, 0.0, 0.4, 0.3, 0.0, 0.0, 0.4],
            dim: 2,
        };
        let features = item_features(&embeddings, &catalog);
        assert_eq!(features.n_items(), 4);
        // Mean square of the vectors is 0.0625.
        assert!((features.row(0)[0] - 1.2).abs() < 1e-5);
        let lengths: Vec<f32> = (0..4).map(|idx| features.row(idx)[2]).collect();
        assert!((lengths[0] + 1.0).abs() < 1e-5 && (lengths[1] - 1.0).abs() < 1e-5);
        assert_eq!(lengths[2..], [0.0, 0.0]);
        // Items of one author agree in its column.
        let column = |idx: usize| features.row(idx)[3..].to_vec();
        assert_eq!(column(2), column(3));
        assert_ne!(column(0), column(2));
    }

    #[test]
    fn a_catalogue_without_content_gives_finite_features() {
        let catalog = ItemCatalog {
            items: vec![Item::default(); 2],
        };
        let embeddings = ItemEmbeddings {
            values: vec![0.0; 4],
            dim: 2,
        };
        let features = item_features(&embeddings, &catalog);
        assert!(features.values.iter().all(|value| *value == 0.0));
    }
}
