//! The vectors of each item that the compressor reads: M in the report. [B 2.1.1]

use std::path::Path;

use crate::engine::data::ItemCatalog;
use crate::engine::embedding::content::Content;
use crate::engine::embedding::{EmbeddingConfig, EmbeddingError, ItemEmbeddings, file};
use crate::engine::seed::Seed;

/// Any number of vectors per item, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemParts {
    /// All vectors one after the other, `[n_parts * dim]`.
    values: Vec<f32>,
    dim: usize,
    /// Item `i` has the vectors `start[i]..start[i + 1]`.
    start: Vec<usize>,
}

impl ItemParts {
    /// Joins the vectors of each item.
    ///
    /// # Panics
    /// If a vector has another length or an item has none: a bug of the caller.
    pub fn new(dim: usize, items: impl IntoIterator<Item = Vec<Vec<f32>>>) -> Self {
        let mut parts = Self {
            values: Vec::new(),
            dim,
            start: vec![0],
        };
        for vectors in items {
            assert!(!vectors.is_empty(), "an item without a vector");
            for vector in vectors {
                assert_eq!(vector.len(), dim, "length of a vector");
                parts.values.extend(vector);
            }
            parts.start.push(parts.values.len() / dim);
        }
        parts
    }

    /// The vectors of a file, or an item's own vector with those of its heaviest features.
    ///
    /// A feature's vector stands in the content's dimensions; where the others are, it is zero.
    ///
    /// # Errors
    /// If the file or the decomposition fails.
    pub fn build(
        catalog: &ItemCatalog,
        own: &ItemEmbeddings,
        config: &EmbeddingConfig,
        seed: Seed,
    ) -> Result<Self, EmbeddingError> {
        if !config.file.as_os_str().is_empty() {
            return Self::load(&config.file);
        }
        let mut features = if config.content_dim > 0 {
            Content::new(catalog, config, seed)?.feature_vectors(config.alignment.n_features)
        } else {
            Vec::new()
        };
        features.resize(own.n_items(), Vec::new());
        let items = features
            .into_iter()
            .enumerate()
            .map(|(item_idx, features)| {
                let mut vectors = vec![own.row(item_idx).to_vec()];
                vectors.extend(features.into_iter().map(|mut vector| {
                    vector.resize(own.dim, 0.0);
                    vector
                }));
                vectors
            });
        Ok(Self::new(own.dim, items))
    }

    /// The vectors of a file, one or several per item.
    ///
    /// # Errors
    /// If the file is unusable.
    pub fn load(path: &Path) -> Result<Self, EmbeddingError> {
        let (values, n_parts, dim) = file::read_parts(path)?;
        let n_items = values.len() / (n_parts * dim).max(1);
        Ok(Self {
            start: (0..=n_items).map(|item_idx| item_idx * n_parts).collect(),
            values,
            dim,
        })
    }

    /// Dimensions of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of items.
    pub fn n_items(&self) -> usize {
        self.start.len() - 1
    }

    /// The mean of each item's vectors: what an item is without a compressor.
    pub fn means(&self) -> ItemEmbeddings {
        let means = self.start.windows(2).flat_map(|range| {
            let n_parts = (range[1] - range[0]) as f32;
            (0..self.dim).map(move |column| {
                let own = (range[0]..range[1]).map(|part| self.values[part * self.dim + column]);
                own.sum::<f32>() / n_parts
            })
        });
        ItemEmbeddings {
            values: means.collect(),
            dim: self.dim,
        }
    }

    /// The vectors of some items, each filled up with zeros to as many as the longest has.
    pub fn batch(&self, items: &[u32]) -> PartsBatch {
        let range = |item: &u32| self.start[*item as usize]..self.start[*item as usize + 1];
        let lengths = items.iter().map(|item| range(item).len());
        let n_parts = lengths.max().unwrap_or(0);
        let mut values = Vec::with_capacity(items.len() * n_parts * self.dim);
        let mut is_pad = Vec::with_capacity(items.len() * n_parts);
        for (n_items, item) in (1..).zip(items) {
            let own = range(item);
            is_pad.extend((0..n_parts).map(|place| place >= own.len()));
            values.extend_from_slice(&self.values[own.start * self.dim..own.end * self.dim]);
            values.resize(n_items * n_parts * self.dim, 0.0);
        }
        PartsBatch {
            values,
            is_pad,
            n_parts,
        }
    }
}

/// The vectors of some items in a block.
#[derive(Clone, Debug, PartialEq)]
pub struct PartsBatch {
    /// `[items * n_parts * dim]`.
    pub values: Vec<f32>,
    /// `[items * n_parts]`: what only fills up.
    pub is_pad: Vec<bool>,
    /// Vectors of each item, the filling ones included.
    pub n_parts: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::Item;

    #[test]
    fn items_with_fewer_vectors_are_filled_up_and_hidden() {
        let parts = ItemParts::new(
            2,
            [
                vec![vec![1.0, 2.0]],
                vec![vec![3.0, 4.0], vec![5.0, 6.0], vec![7.0, 8.0]],
                vec![vec![9.0, 9.0], vec![1.0, 3.0]],
            ],
        );
        assert_eq!((parts.n_items(), parts.dim()), (3, 2));
        assert_eq!(parts.means().values, [1.0, 2.0, 5.0, 6.0, 5.0, 6.0]);
        let batch = parts.batch(&[2, 0]);
        assert_eq!(batch.values, [9.0, 9.0, 1.0, 3.0, 1.0, 2.0, 0.0, 0.0]);
        assert_eq!(batch.is_pad, [false, false, false, true]);
        assert_eq!(batch.n_parts, 2);
    }

    #[test]
    fn an_item_is_its_own_vector_and_its_features() {
        let items = ["red shoe", "red shirt", "blue shoe", "nothing known"];
        let catalog = ItemCatalog {
            items: items
                .map(|title| Item {
                    title: title.to_owned(),
                    ..Item::default()
                })
                .to_vec(),
        };
        let own = ItemEmbeddings {
            values: vec![1.0; 4 * 3],
            dim: 3,
        };
        let mut config = EmbeddingConfig {
            content_dim: 2,
            ..EmbeddingConfig::default()
        };
        config.alignment.n_features = 2;
        let parts = ItemParts::build(&catalog, &own, &config, Seed(1)).unwrap();
        assert_eq!(parts.start, [0, 3, 6, 9, 10]);
        assert_eq!(parts.values[..3], [1.0; 3]);
        assert_eq!(parts.values[5], 0.0, "a feature says nothing of histories");
    }

    #[test]
    fn a_file_may_hold_several_vectors_per_item() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = EmbeddingConfig {
            file: folder.path().join("parts.safetensors"),
            ..EmbeddingConfig::default()
        };
        config.alignment.steps = 1;
        let values: Vec<f32> = (0..12).map(|idx| idx as f32).collect();
        file::write_f32(&config.file, "parts", &[2, 3, 2], &values).unwrap();
        let own = ItemEmbeddings {
            values: vec![0.0; 4],
            dim: 2,
        };
        let parts = ItemParts::build(&ItemCatalog::default(), &own, &config, Seed(1)).unwrap();
        assert_eq!((parts.n_items(), parts.dim()), (2, 2));
        assert_eq!(parts.means().values, [2.0, 3.0, 8.0, 9.0]);
        assert!(
            file::read(&config.file).is_err(),
            "without a compressor there is one vector per item"
        );
    }
}
