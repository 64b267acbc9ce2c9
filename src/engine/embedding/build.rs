//! Item vectors as the tokenizer wants them: content and co-occurrence side by side, or from a file.

use rand::RngExt as _;
use rayon::prelude::*;

use super::collaborative::collaborative_vectors;
use super::content::Content;
use super::{EmbeddingConfig, EmbeddingError, ItemEmbeddings, file};
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{ItemCatalog, ItemIdx, UserIdx};
use crate::engine::seed::Seed;

/// Length of the random vector of an item of which nothing is known; all others have length 1 or more.
const UNKNOWN_LENGTH: f32 = 0.01;

/// Per user the items that may be learned from, in time order.
pub fn learnable_sequences(data: &PreparedData) -> Vec<Vec<ItemIdx>> {
    (0..)
        .zip(&data.split.learn_end)
        .map(|(user_idx, learn_end)| data.history(UserIdx(user_idx), *learn_end, usize::MAX))
        .collect()
}

/// Makes the vectors of a catalogue. `sequences` holds per user the items that may be learned from.
///
/// Each part has length 1 per item (the co-occurrence part times its weight) or is zero where the data
/// says nothing. An item with two zero parts gets a short random vector of its own, so that such items
/// lie together but are not all the same point.
///
/// # Errors
/// If the file is unusable or does not fit the catalogue, or there is nothing to build from.
pub fn build_from(
    catalog: &ItemCatalog,
    sequences: &[Vec<ItemIdx>],
    config: &EmbeddingConfig,
    seed: Seed,
) -> Result<ItemEmbeddings, EmbeddingError> {
    if !config.file.as_os_str().is_empty() {
        return from_file(catalog, config);
    }
    let n_items = catalog.len();
    let mut parts = Vec::new();
    if config.content_dim > 0 {
        let content = Content::new(catalog, config, seed)?;
        parts.push(Part::new(content.item_vectors(), content.dim(), 1.0));
    }
    if config.collaborative_dim > 0 {
        let (values, dim) = collaborative_vectors(n_items, sequences, config, seed)?;
        parts.push(Part::new(values, dim, config.collaborative_weight));
    }
    let dim = parts.iter().map(|part| part.dim).sum();
    if dim == 0 {
        return Err(EmbeddingError::Nothing {
            found: format!("{n_items} items, {} parts switched on", parts.len()),
        });
    }
    let mut values = vec![0.0; n_items * dim];
    values
        .par_chunks_exact_mut(dim)
        .enumerate()
        .for_each(|(item_idx, row)| {
            let mut start = 0;
            for part in &parts {
                let own = &part.values[item_idx * part.dim..(item_idx + 1) * part.dim];
                row[start..start + part.dim].copy_from_slice(own);
                start += part.dim;
            }
            if row.iter().all(|value| *value == 0.0) {
                let mut rng = seed.rng("embedding.unknown", item_idx as u64);
                row.fill_with(|| rng.random_range(-1.0..1.0));
                scale_to(row, UNKNOWN_LENGTH);
            }
        });
    Ok(ItemEmbeddings { values, dim })
}

/// The co-occurrence part alone, every row of length 1 or 0; `None` where it is left out.
///
/// # Errors
/// If the decomposition fails.
pub fn co_occurrence(
    catalog: &ItemCatalog,
    sequences: &[Vec<ItemIdx>],
    config: &EmbeddingConfig,
    seed: Seed,
) -> Result<Option<ItemEmbeddings>, EmbeddingError> {
    if config.collaborative_dim == 0 {
        return Ok(None);
    }
    let (values, dim) = collaborative_vectors(catalog.len(), sequences, config, seed)?;
    let Part { values, dim } = Part::new(values, dim, 1.0);
    Ok(Some(ItemEmbeddings { values, dim }))
}

fn from_file(
    catalog: &ItemCatalog,
    config: &EmbeddingConfig,
) -> Result<ItemEmbeddings, EmbeddingError> {
    let embeddings = file::read(&config.file)?;
    if embeddings.n_items() == catalog.len() {
        Ok(embeddings)
    } else {
        Err(EmbeddingError::Rows {
            expected: catalog.len(),
            found: embeddings.n_items(),
            path: config.file.clone(),
        })
    }
}

/// Vectors of one origin.
struct Part {
    values: Vec<f32>,
    dim: usize,
}

impl Part {
    /// Scales every row to the length `weight`; rows that are zero up to rounding become zero.
    fn new(mut values: Vec<f32>, dim: usize, weight: f32) -> Self {
        if dim > 0 {
            values
                .par_chunks_exact_mut(dim)
                .for_each(|row| scale_to(row, weight));
        }
        Self { values, dim }
    }
}

fn scale_to(row: &mut [f32], target: f32) {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    // Entries are of the order of 1, rounding of the order of 1e-12: what is below this is not data.
    let factor = if length > 1e-6 { target / length } else { 0.0 };
    for value in row {
        *value *= factor;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::prepare::prepare_dataset;
    use crate::engine::data::{Dataset, Feedback, FeedbackFlags, InteractionLog, Item};

    fn catalog() -> ItemCatalog {
        let item = |category: &str| Item {
            categories: vec![category.to_owned()],
            ..Item::default()
        };
        // Items 4 and 5 have nothing in common with any other.
        ItemCatalog {
            items: ["a", "a", "b", "b", "c", "d"].map(item).to_vec(),
        }
    }

    fn sequences() -> Vec<Vec<ItemIdx>> {
        vec![
            vec![ItemIdx(0), ItemIdx(1), ItemIdx(0)],
            vec![ItemIdx(2), ItemIdx(3)],
        ]
    }

    fn config() -> EmbeddingConfig {
        EmbeddingConfig {
            content_dim: 2,
            collaborative_dim: 3,
            collaborative_weight: 2.0,
            ..EmbeddingConfig::default()
        }
    }

    fn length(values: &[f32]) -> f32 {
        values.iter().map(|value| value * value).sum::<f32>().sqrt()
    }

    #[test]
    fn parts_have_their_weights_and_unknown_items_are_short_and_distinct() {
        let found = build_from(&catalog(), &sequences(), &config(), Seed(1)).unwrap();
        assert_eq!((found.n_items(), found.dim), (6, 5));
        for item_idx in 0..4 {
            let row = found.row(item_idx);
            assert!(
                (length(&row[..2]) - 1.0).abs() < 1e-5,
                "content of {item_idx}: {row:?}"
            );
            assert!(
                (length(&row[2..]) - 2.0).abs() < 1e-5,
                "co-occurrence of {item_idx}: {row:?}"
            );
        }
        for item_idx in 4..6 {
            assert!((length(found.row(item_idx)) - UNKNOWN_LENGTH).abs() < 1e-6);
        }
        assert_ne!(found.row(4), found.row(5));
        assert_eq!(
            found,
            build_from(&catalog(), &sequences(), &config(), Seed(1)).unwrap()
        );
    }

    #[test]
    fn what_is_held_out_never_changes_the_vectors() {
        // Two users with five views each; the last one is the target that must not be known.
        let vectors = |items: [u32; 10]| {
            let feedback = Feedback {
                watch_secs: 9.0,
                flags: FeedbackFlags::VIEW,
            };
            let log = InteractionLog {
                user: (0..10).map(|row| UserIdx(row / 5)).collect(),
                item: items.map(ItemIdx).to_vec(),
                time_millis: (0..10).collect(),
                request: None,
                feedback: vec![feedback; 10],
                user_start: vec![0, 5, 10],
            };
            let dataset = Dataset {
                name: "test".to_owned(),
                format: "test".to_owned(),
                catalog: catalog(),
                users: vec!["x".to_owned(), "y".to_owned()],
                user_columns: Vec::new(),
                log,
                oracle: None,
                fingerprint: String::new(),
                warnings: Vec::new(),
            };
            let data = prepare_dataset(dataset, Path::new("test"), &DataConfig::default()).unwrap();
            let sequences = learnable_sequences(&data);
            build_from(&data.dataset.catalog, &sequences, &config(), Seed(1)).unwrap()
        };
        let expected = vectors([0, 1, 2, 0, 1, 3, 4, 3, 4, 3]);
        assert_eq!(
            vectors([0, 1, 2, 0, 5, 3, 4, 3, 4, 5]),
            expected,
            "other targets"
        );
        assert_ne!(
            vectors([0, 1, 2, 5, 1, 3, 4, 3, 5, 3]),
            expected,
            "other histories"
        );
    }

    #[test]
    fn a_file_must_have_one_row_per_item() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config();
        config.file = folder.path().join("vectors.safetensors");
        for (n_rows, fits) in [(6, true), (5, false)] {
            let embeddings = ItemEmbeddings {
                values: vec![1.0; n_rows * 2],
                dim: 2,
            };
            embeddings.save(&config.file).unwrap();
            let result = build_from(&catalog(), &[], &config, Seed(1));
            assert_eq!(result.is_ok(), fits, "{n_rows} rows: {result:?}");
        }
    }

    #[test]
    fn nothing_to_build_from_is_an_error() {
        let config = EmbeddingConfig {
            content_dim: 0,
            collaborative_dim: 0,
            ..config()
        };
        let result = build_from(&catalog(), &sequences(), &config, Seed(1));
        assert!(matches!(result, Err(EmbeddingError::Nothing { .. })));
    }
}
