//! Counts and histograms of a dataset, for the report and the window.

use serde::{Deserialize, Serialize};

/// What a dataset contains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetStats {
    /// Name of its folder or file.
    pub name: String,
    /// Which reader made it.
    pub format: String,
    /// SHA-256 of its content.
    pub fingerprint: String,
    /// Users with at least one event.
    pub users: u64,
    /// Items in the catalogue.
    pub items: u64,
    /// Events.
    pub events: u64,
    /// Events that count as positive under the configuration.
    pub positives: u64,
    /// 1 - events / (users x items).
    pub sparsity: f64,
    /// First and last time stamp in milliseconds since 1970, where the dataset has any.
    pub time_range_millis: Option<(i64, i64)>,
    /// How often each kind of feedback occurs, by name.
    pub feedback: Vec<(String, u64)>,
    /// Positive events per user: (upper edge of the bucket, users).
    pub history_lengths: Vec<(u64, u64)>,
    /// Positive events per item: (upper edge of the bucket, items).
    pub popularity: Vec<(u64, u64)>,
    /// How sessions were formed, in words.
    pub session_rule: String,
    /// Sessions found before the quality rule.
    pub sessions: u64,
    /// Sessions that pass the quality rule and train the generator.
    pub sessions_kept: u64,
    /// How the data was split, in words, with the sizes of the parts.
    pub split_rule: String,
    /// Users with a held-out target.
    pub test_users: u64,
    /// Share of adjacent events of one user with equal time stamps: such ties inflate next-item metrics.
    pub tied_times_frac: f64,
    /// Whether true utility is known.
    pub has_oracle: bool,
    /// Partial trouble, in words.
    pub warnings: Vec<String>,
}
