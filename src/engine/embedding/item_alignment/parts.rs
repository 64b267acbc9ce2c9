//! The vectors of each item that the compressor reads: M in the report. [B 2.1.1]

use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::engine::data::ItemCatalog;
use crate::engine::embedding::content::Content;
use crate::engine::embedding::{EmbeddingConfig, EmbeddingError, ItemEmbeddings, file};
use crate::engine::model::attention::padding_mask;
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
            let (values, n_parts, dim) = file::read_parts(&config.file)?;
            return Ok(Self {
                start: (0..=values.len() / (n_parts * dim))
                    .map(|item_idx| item_idx * n_parts)
                    .collect(),
                values,
                dim,
            });
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

    /// The vectors of some items, filled up to the longest with zeros that the mask hides.
    ///
    /// # Shapes
    /// - vectors: `[items * longest, dim]`
    /// - mask: `[items, 1, 1, longest]`
    pub(super) fn batch(&self, items: &[u32], device: &Device) -> (Tensor<2>, Tensor<4>) {
        let range = |item: &u32| self.start[*item as usize]..self.start[*item as usize + 1];
        let longest = items
            .iter()
            .map(|item| range(item).len())
            .max()
            .unwrap_or(0);
        let mut values = Vec::with_capacity(items.len() * longest * self.dim);
        let mut is_pad = Vec::with_capacity(items.len() * longest);
        for (n_before, item) in (1..).zip(items) {
            let own = range(item);
            is_pad.extend((0..longest).map(|place| place >= own.len()));
            values.extend_from_slice(&self.values[own.start * self.dim..own.end * self.dim]);
            values.resize(n_before * longest * self.dim, 0.0);
        }
        let n_rows = items.len() * longest;
        let is_pad =
            Tensor::<2, Bool>::from_data(TensorData::new(is_pad, [items.len(), longest]), device);
        (
            Tensor::from_data(TensorData::new(values, [n_rows, self.dim]), device),
            padding_mask(is_pad),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::Item;

    #[test]
    fn items_with_fewer_vectors_are_filled_up_and_hidden() {
        let device = Device::flex();
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
        let (vectors, mask) = parts.batch(&[2, 0], &device);
        let vectors: Vec<f32> = vectors.try_into_vec_as().unwrap();
        assert_eq!(vectors, [9.0, 9.0, 1.0, 3.0, 1.0, 2.0, 0.0, 0.0]);
        let mask: Vec<f32> = mask.try_into_vec_as().unwrap();
        assert!(mask[..3].iter().all(|value| *value == 0.0));
        assert!(mask[3] < -1e6);
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
