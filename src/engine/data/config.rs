//! Settings of reading, sessions and splits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a dataset is read and cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Column mapping of the generic reader: our name -> the file's name. Our names are [`Self::COLUMNS`] and the
    /// kinds of feedback. Columns with our names are found without a mapping.
    pub columns: BTreeMap<String, String>,
    /// Leave rows out that cannot be read (counted and reported) instead of failing at the first.
    pub skip_bad_rows: bool,
    /// Ratings at or above this count as a view, in the dataset's own scale.
    pub positive_rating: f32,
    /// Keep only users and items with at least this many events, again and again until all have them; 0 keeps everything.
    /// The Amazon benchmarks are 5-cores already.
    pub k_core: usize,
    /// Users with fewer positive events are left out. At least 3: history, training target, held-out target.
    pub min_user_events: usize,
    /// Which feedback makes an event positive; any of these suffices. [A 3.1: effectively watched or interacted with]
    pub positive: Vec<String>,
    /// How training sessions are formed.
    pub session: SessionConfig,
    /// What is held out.
    pub split: SplitConfig,
}

impl DataConfig {
    /// Our names of the columns of event files, apart from the kinds of feedback, and of item files.
    pub const COLUMNS: [&'static str; 12] = [
        "user",
        "item",
        "time",
        "order",
        "request",
        "watch_secs",
        "rating",
        "title",
        "text",
        "categories",
        "author",
        "duration_secs",
    ];
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            columns: BTreeMap::new(),
            skip_bad_rows: false,
            positive_rating: 4.0,
            k_core: 0,
            min_user_events: 3,
            positive: vec!["view".to_owned()],
            session: SessionConfig::default(),
            split: SplitConfig::default(),
        }
    }
}

/// How events are grouped into the sessions that the generator learns. [A 3.2]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// The grouping.
    pub rule: SessionRule,
    /// Longest gap inside a session, minutes; for the rule `time_gap`.
    pub gap_minutes: f64,
    /// Items of a session, m. [A 5.1.1: 5]
    pub slate_len: usize,
    /// Least number of positive items of a session. [A 3.2 criterion 1: 5]
    pub min_positives: usize,
    /// Least watch time of a session, seconds; 0 switches the criterion off. [A 3.2 criterion 2, threshold not given]
    pub min_watch_secs: f64,
    /// Require an interaction (like, follow, collect, forward, comment). [A 3.2 criterion 3]
    pub require_interaction: bool,
    /// Whether a session must meet all criteria or any. [A 3.2 does not say]
    pub criteria: Criteria,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            rule: SessionRule::Blocks,
            gap_minutes: 30.0,
            slate_len: 5,
            min_positives: 1,
            min_watch_secs: 0.0,
            require_interaction: false,
            criteria: Criteria::All,
        }
    }
}

/// How events are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionRule {
    /// Events of one request; needs a request column.
    Request,
    /// A new session after a gap of `gap_minutes`.
    TimeGap,
    /// Events of one user on one day (UTC).
    UserDay,
    /// Blocks of `slate_len` consecutive positive events, whatever their times.
    Blocks,
}

/// How the quality criteria combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criteria {
    /// Every criterion that is switched on must hold.
    All,
    /// One suffices.
    Any,
}

/// What is held out from training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitConfig {
    /// The rule.
    pub rule: SplitRule,
    /// Share of events after the cut, by time; for the rule `by_time`, and for the reward models' later days.
    pub test_frac: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self {
            rule: SplitRule::LeaveOneOut,
            test_frac: 0.2,
        }
    }
}

/// What is held out from training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// Each user's last positive event.
    LeaveOneOut,
    /// Everything after one moment; the target is each user's first positive event after it.
    ByTime,
}
