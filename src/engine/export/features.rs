//! `features.json` of an export: how the features of a dataset become the rows of the model's tables.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::batch::FeatureSpec;
use crate::engine::batch::pathway::{N_BUCKETS, PathwayReader};
use crate::engine::data::{Continuous, Features, FeedbackFlags, PreparedData, UserIdx};

/// The file. Row 0 of a table stands for what is not known.
#[derive(Serialize)]
pub(super) struct FeatureFile {
    /// Rows of the users of whom something was learned.
    users: BTreeMap<String, i64>,
    /// Columns of users with their values; the rows of a column follow those of the one before it, unknown first.
    user_columns: Vec<UserColumnNames>,
    /// Rows of authors.
    authors: BTreeMap<String, u32>,
    /// Rows of tags.
    tags: BTreeMap<String, u32>,
    /// Continuous features in the order of their buckets.
    continuous: Vec<&'static str>,
    /// How a value becomes a bucket.
    bucket: String,
    /// Kinds of feedback in the order of their columns.
    labels: Vec<&'static str>,
}

#[derive(Serialize)]
struct UserColumnNames {
    name: String,
    values: Vec<String>,
}

impl FeatureFile {
    pub(super) fn new(data: &PreparedData, reader: &PathwayReader<'_>) -> Self {
        let features = Features::of(&data.dataset, &data.split);
        let spec = reader.spec();
        let rows = |names: &[String], n_rows: usize| {
            let row = |idx| FeatureSpec::row(idx, n_rows);
            let named = names.iter().enumerate();
            named.map(|(idx, name)| (name.clone(), row(idx))).collect()
        };
        let users = data.dataset.users.iter().enumerate();
        Self {
            users: users
                .map(|(idx, name)| (name.clone(), reader.user_row_number(UserIdx(idx as u32))))
                .filter(|(_, row)| *row > 0)
                .collect(),
            user_columns: data
                .dataset
                .user_columns
                .iter()
                .map(|column| UserColumnNames {
                    name: column.name.clone(),
                    values: column.values.clone(),
                })
                .collect(),
            authors: rows(&features.authors, spec.author_rows),
            tags: rows(&features.tags, spec.tag_rows),
            continuous: spec
                .continuous
                .iter()
                .map(|feature| match feature {
                    Continuous::Age => "age",
                    Continuous::Watched => "watched",
                    Continuous::Duration => "duration",
                })
                .collect(),
            bucket: format!(
                "feature * {N_BUCKETS} + b; b is 0 for an unknown value, else 1 + floor(3 * log2(1 + seconds / unit)), at most \
                 {}; the unit is 60 s for the age, 1 s for the others; the age counts back from the newest known interaction",
                N_BUCKETS - 1
            ),
            labels: FeedbackFlags::NAMED
                .iter()
                .filter(|(_, kind)| spec.labels.contains(kind))
                .map(|(name, _)| *name)
                .collect(),
        }
    }
}
