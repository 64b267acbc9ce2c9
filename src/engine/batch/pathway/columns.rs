//! What the catalogue says of the items, as numbers, and how large the tables of a model that reads features must be.

use std::collections::BTreeMap;

use super::bucket::N_BUCKETS;
use super::config::{ItemInput, PathwayConfig};
use crate::engine::data::{Continuous, Features, FeedbackFlags, ItemCatalog, ItemIdx};

/// Which features a dataset has and how many rows their tables need: what the input layers of a model that reads features
/// are built for. The default has none of them, which is all that a model of semantic IDs alone needs.
///
/// Row 0 of a table stands for what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureSpec {
    /// Rows of the table of users.
    pub user_rows: usize,
    /// Columns of users.
    pub n_user_columns: usize,
    /// Rows of the table that all columns of users share.
    pub user_value_rows: usize,
    /// Rows of the table of items; 0 where semantic IDs stand for them.
    pub item_rows: usize,
    /// Rows of the table of authors; 0 where there are none.
    pub author_rows: usize,
    /// Rows of the table of tags; 0 where there are none.
    pub tag_rows: usize,
    /// Continuous features, each with [`N_BUCKETS`] rows in one table.
    pub continuous: Vec<Continuous>,
    /// Kinds of feedback.
    pub labels: Vec<FeedbackFlags>,
}

impl FeatureSpec {
    /// The tables for the features of a dataset.
    pub fn new(features: &Features, config: &PathwayConfig) -> Self {
        let rows = |n: usize| {
            if n == 0 {
                0
            } else {
                1 + n.min(config.max_rows)
            }
        };
        let columns = &features.user_columns;
        Self {
            user_rows: rows(features.n_users),
            n_user_columns: columns.len(),
            user_value_rows: columns.iter().map(|(_, n_values)| 1 + n_values).sum(),
            item_rows: match config.item {
                ItemInput::Vid => 1 + features.n_items,
                ItemInput::SemanticId => 0,
            },
            author_rows: rows(features.authors.len()),
            tag_rows: rows(features.tags.len()),
            continuous: features.continuous.clone(),
            labels: features.labels.clone(),
        }
    }

    /// The row of entry `idx` in a table of `n_rows` rows.
    pub fn row(idx: usize, n_rows: usize) -> u32 {
        (1 + idx % n_rows.saturating_sub(1).max(1)) as u32
    }

    /// Rows of the table that the buckets of all continuous features share.
    pub fn bucket_rows(&self) -> usize {
        self.continuous.len() * N_BUCKETS
    }
}

/// What is known of each item.
#[derive(Clone, Debug)]
pub(super) struct ItemColumns {
    /// Row in the table of authors; 0 where unknown.
    authors: Vec<u32>,
    /// Rows in the table of tags.
    tags: Vec<Vec<u32>>,
    /// NaN where unknown.
    durations: Vec<f32>,
}

impl ItemColumns {
    pub(super) fn new(catalog: &ItemCatalog, features: &Features, spec: &FeatureSpec) -> Self {
        let rows_of = |names: &[String], n_rows: usize| -> BTreeMap<String, u32> {
            names
                .iter()
                .enumerate()
                .map(|(idx, name)| (name.clone(), FeatureSpec::row(idx, n_rows)))
                .collect()
        };
        let authors = rows_of(&features.authors, spec.author_rows);
        let tags = rows_of(&features.tags, spec.tag_rows);
        let items = &catalog.items;
        Self {
            authors: items
                .iter()
                .map(|item| {
                    let author = item.author.as_deref().and_then(|name| authors.get(name));
                    author.copied().unwrap_or(0)
                })
                .collect(),
            tags: items
                .iter()
                .map(|item| {
                    let rows = item.categories.iter().filter_map(|name| tags.get(name));
                    let mut rows: Vec<u32> = rows.copied().collect();
                    rows.sort_unstable();
                    rows.dedup();
                    rows
                })
                .collect(),
            durations: items
                .iter()
                .map(|item| item.duration_secs.unwrap_or(f32::NAN))
                .collect(),
        }
    }

    pub(super) fn author(&self, item: ItemIdx) -> u32 {
        self.authors[item.idx()]
    }

    pub(super) fn tags(&self, item: ItemIdx) -> &[u32] {
        &self.tags[item.idx()]
    }

    pub(super) fn duration_secs(&self, item: ItemIdx) -> f32 {
        self.durations[item.idx()]
    }
}
