//! `items.parquet` of a run folder: the catalogue with semantic IDs, for the window and for exports.
//!
//! Held by column, so that a million items take tens of megabytes instead of hundreds and are read in a moment.
//! The long texts that item vectors are made from stay in the dataset: nobody reads them here.

mod column;
mod file;

use std::path::Path;

pub use column::{Lists, Names, Texts};

use self::column::Numbering;
use crate::engine::data::Item;
use crate::engine::error::EngineError;
use crate::engine::tokenizer::Code;

/// Stands for "none" among the numbers of names.
const NONE: u32 = u32::MAX;

/// The catalogue with semantic IDs. One row per item, row = [`ItemIdx`](crate::engine::data::ItemIdx).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemTable {
    /// Levels of a semantic ID.
    pub n_levels: usize,
    /// Codes per level.
    pub codebook_size: usize,
    /// `[n_items * n_levels]`, row-major.
    codes: Vec<Code>,
    popularity: Vec<u32>,
    external_ids: Texts,
    titles: Texts,
    category_names: Names,
    categories: Lists<u32>,
    author_names: Names,
    /// Numbers of author names; [`NONE`] where there is none.
    authors: Vec<u32>,
    /// Seconds; NaN where unknown.
    durations: Vec<f32>,
    features: Vec<Feature>,
    /// The nearest items with their Euclidean distance, nearest first; empty for very large catalogues.
    neighbours: Lists<(u32, f32)>,
}

/// A further categorical feature of all items.
#[derive(Clone, Debug, Default, PartialEq)]
struct Feature {
    name: String,
    names: Names,
    /// Numbers of `names`; [`NONE`] where an item has no such feature.
    values: Vec<u32>,
}

impl ItemTable {
    /// Reads the table.
    ///
    /// # Errors
    /// If the file is missing or is not such a table.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        file::load(path)
    }

    /// Writes the table.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), EngineError> {
        file::save(self, path)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.popularity.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.popularity.is_empty()
    }

    /// The semantic ID of an item.
    pub fn codes(&self, item_idx: usize) -> &[Code] {
        &self.codes[item_idx * self.n_levels..(item_idx + 1) * self.n_levels]
    }

    /// Positive events in the training part.
    pub fn popularity(&self, item_idx: usize) -> u32 {
        self.popularity[item_idx]
    }

    /// The dataset's own identifier.
    pub fn external_id(&self, item_idx: usize) -> &str {
        self.external_ids.get(item_idx)
    }

    /// The title; empty where the dataset has none.
    pub fn title(&self, item_idx: usize) -> &str {
        self.titles.get(item_idx)
    }

    /// The title, or the identifier where there is none.
    pub fn label(&self, item_idx: usize) -> &str {
        match self.title(item_idx) {
            "" => self.external_id(item_idx),
            title => title,
        }
    }

    /// Categories or tags as numbers of [`ItemTable::category_names`].
    pub fn category_numbers(&self, item_idx: usize) -> &[u32] {
        self.categories.get(item_idx)
    }

    /// All different categories.
    pub fn category_names(&self) -> &Names {
        &self.category_names
    }

    /// Categories or tags, from coarse to fine where the dataset orders them.
    pub fn categories(&self, item_idx: usize) -> impl Iterator<Item = &str> {
        let numbers = self.category_numbers(item_idx).iter();
        numbers.map(|number| self.category_names.get(*number))
    }

    /// Author, artist or brand.
    pub fn author(&self, item_idx: usize) -> Option<&str> {
        let number = self.authors[item_idx];
        (number != NONE).then(|| self.author_names.get(number))
    }

    /// Length in seconds.
    pub fn duration_secs(&self, item_idx: usize) -> Option<f32> {
        let seconds = self.durations[item_idx];
        (!seconds.is_nan()).then_some(seconds)
    }

    /// Names of the further categorical features, for example "upload_type", sorted.
    pub fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.name.as_str())
    }

    /// The value of one of those features, as a number of [`ItemTable::feature_values`].
    pub fn feature_number(&self, feature_idx: usize, item_idx: usize) -> Option<u32> {
        let number = self.features[feature_idx].values[item_idx];
        (number != NONE).then_some(number)
    }

    /// All different values of one of those features.
    pub fn feature_values(&self, feature_idx: usize) -> &Names {
        &self.features[feature_idx].names
    }

    /// The value of one of those features.
    pub fn feature(&self, feature_idx: usize, item_idx: usize) -> Option<&str> {
        let number = self.feature_number(feature_idx, item_idx)?;
        Some(self.features[feature_idx].names.get(number))
    }

    /// The nearest items with their Euclidean distance, nearest first; empty for very large catalogues.
    pub fn neighbours(&self, item_idx: usize) -> &[(u32, f32)] {
        self.neighbours.get(item_idx)
    }

    /// How many codes two items have in common from the start.
    pub fn shared_prefix(&self, a: usize, b: usize) -> usize {
        shared_prefix(self.codes(a), self.codes(b))
    }
}

/// How many codes two semantic IDs have in common from the start.
pub fn shared_prefix(a: &[Code], b: &[Code]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Makes a table row by row.
#[derive(Debug, Default)]
pub struct ItemTableBuilder {
    table: ItemTable,
    categories: Numbering,
    authors: Numbering,
    features: Vec<(Feature, Numbering)>,
}

impl ItemTableBuilder {
    /// An empty table.
    pub fn new(n_levels: usize, codebook_size: usize) -> Self {
        Self {
            table: ItemTable {
                n_levels,
                codebook_size,
                ..ItemTable::default()
            },
            ..Self::default()
        }
    }

    /// Appends an item with its semantic ID, its positive events in the training part, and its nearest items with
    /// their distance, nearest first.
    ///
    /// # Panics
    /// If there are not `n_levels` codes: a bug of the caller.
    pub fn push(
        &mut self,
        item: &Item,
        codes: &[Code],
        popularity: u32,
        neighbours: impl IntoIterator<Item = (u32, f32)>,
    ) {
        let table = &mut self.table;
        assert_eq!(
            codes.len(),
            table.n_levels,
            "codes of {:?}",
            item.external_id
        );
        let item_idx = table.popularity.len();
        table.codes.extend_from_slice(codes);
        table.popularity.push(popularity);
        table.external_ids.push(&item.external_id);
        table.titles.push(&item.title);
        let categories = item.categories.iter();
        let numbers = categories.map(|name| self.categories.number(name));
        table.categories.push(numbers);
        let author = item.author.as_deref();
        table
            .authors
            .push(author.map_or(NONE, |name| self.authors.number(name)));
        table.durations.push(item.duration_secs.unwrap_or(f32::NAN));
        table.neighbours.push(neighbours);
        for (name, value) in &item.features {
            let known = self
                .features
                .iter()
                .position(|(known, _)| known.name == *name);
            let feature_idx = known.unwrap_or_else(|| {
                let feature = Feature {
                    name: name.clone(),
                    ..Feature::default()
                };
                self.features.push((feature, Numbering::default()));
                self.features.len() - 1
            });
            let (feature, numbering) = &mut self.features[feature_idx];
            feature.values.resize(item_idx, NONE);
            feature.values.push(numbering.number(value));
        }
    }

    /// The table.
    pub fn finish(self) -> ItemTable {
        let mut table = self.table;
        let n_items = table.popularity.len();
        table.category_names = self.categories.finish();
        table.author_names = self.authors.finish();
        let features = self.features.into_iter();
        table.features = features
            .map(|(mut feature, numbering)| {
                feature.values.resize(n_items, NONE);
                feature.names = numbering.finish();
                feature
            })
            .collect();
        table.features.sort_by(|a, b| a.name.cmp(&b.name));
        table
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three items, one with everything, one with little, one with nothing but its ID.
    pub(crate) fn example() -> ItemTable {
        let mut builder = ItemTableBuilder::new(2, 8);
        let full = Item {
            external_id: "v1".into(),
            title: "Red 推荐".into(),
            text: "left out".into(),
            categories: vec!["film".into(), "drama".into()],
            author: Some("Ann".into()),
            duration_secs: Some(12.5),
            features: vec![
                ("upload".into(), "long".into()),
                ("kind".into(), "ad".into()),
            ],
        };
        let some = Item {
            external_id: "v2".into(),
            categories: vec!["film".into()],
            features: vec![("upload".into(), "short".into())],
            ..Item::default()
        };
        let bare = Item {
            external_id: "v3".into(),
            ..Item::default()
        };
        builder.push(&full, &[1, 2], 7, [(1, 0.5), (2, 1.5)]);
        builder.push(&some, &[1, 3], 0, [(0, 0.5)]);
        builder.push(&bare, &[0, 0], 2, []);
        builder.finish()
    }

    #[test]
    fn a_table_holds_what_was_pushed() {
        let table = example();
        assert_eq!(table.len(), 3);
        assert_eq!(table.codes(1), [1, 3]);
        assert_eq!([table.label(0), table.label(1)], ["Red 推荐", "v2"]);
        assert_eq!(table.categories(0).collect::<Vec<_>>(), ["film", "drama"]);
        assert_eq!(table.category_names().len(), 2);
        assert_eq!([table.author(0), table.author(1)], [Some("Ann"), None]);
        assert_eq!(
            [table.duration_secs(0), table.duration_secs(2)],
            [Some(12.5), None]
        );
        assert_eq!(
            table.feature_names().collect::<Vec<_>>(),
            ["kind", "upload"]
        );
        assert_eq!(
            [table.feature(0, 0), table.feature(0, 1)],
            [Some("ad"), None]
        );
        assert_eq!(
            [table.feature(1, 1), table.feature(1, 2)],
            [Some("short"), None]
        );
        assert_eq!(table.neighbours(0), [(1, 0.5), (2, 1.5)]);
        assert!(table.neighbours(2).is_empty());
        assert_eq!(
            [table.shared_prefix(0, 1), table.shared_prefix(0, 2)],
            [1, 0]
        );
    }
}
