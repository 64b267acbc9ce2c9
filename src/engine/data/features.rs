//! Which features a dataset has, and which pathway of the second system's encoder each of them feeds. [B 2.2.1]
//!
//! What a dataset lacks is absent from the model: no constant stands in for it.

use serde::{Deserialize, Serialize};

use super::interaction::NO_TIME;
use super::split::Split;
use super::{Dataset, FeedbackFlags};

/// What is known of every interaction and of every user of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Different authors in the catalogue, by name.
    pub authors: Vec<String>,
    /// Different categories or tags in the catalogue, by name.
    pub tags: Vec<String>,
    /// Continuous features of an interaction.
    pub continuous: Vec<Continuous>,
    /// Kinds of feedback that occur.
    pub labels: Vec<FeedbackFlags>,
    /// Columns of users: name and number of different values.
    pub user_columns: Vec<(String, usize)>,
    /// Users.
    pub n_users: usize,
    /// Items.
    pub n_items: usize,
}

/// A continuous feature of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuous {
    /// How long before the newest known interaction, seconds.
    Age,
    /// Seconds watched.
    Watched,
    /// Length of the item, seconds.
    Duration,
}

/// One feature in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureUse {
    /// What it is, for example "author".
    pub feature: String,
    /// Different values, where they are countable.
    pub values: Option<u64>,
    /// Whether the dataset has it.
    pub is_present: bool,
    /// The pathways that read it.
    pub pathways: String,
}

impl Features {
    /// Looks at the catalogue, at the users and at those rows of the log that may be learned from.
    pub fn of(dataset: &Dataset, split: &Split) -> Self {
        let items = &dataset.catalog.items;
        let log = &dataset.log;
        let mut flags = 0;
        let (mut has_time, mut has_watch) = (false, false);
        for (user_idx, end) in split.learn_end.iter().enumerate() {
            for row in log.user_start[user_idx]..*end {
                flags |= log.feedback[row].flags.0;
                has_time |= log.time_millis[row] != NO_TIME;
                has_watch |= log.feedback[row].watch_secs.is_finite();
            }
        }
        let has_duration = items.iter().any(|item| item.duration_secs.is_some());
        let continuous = [
            (Continuous::Age, has_time),
            (Continuous::Watched, has_watch),
            (Continuous::Duration, has_duration),
        ];
        Self {
            authors: distinct(items.iter().filter_map(|item| item.author.as_deref())),
            tags: distinct(
                items
                    .iter()
                    .flat_map(|item| item.categories.iter().map(String::as_str)),
            ),
            continuous: continuous
                .into_iter()
                .filter_map(|(feature, is_present)| is_present.then_some(feature))
                .collect(),
            labels: FeedbackFlags::NAMED
                .iter()
                .map(|(_, kind)| *kind)
                .filter(|kind| flags & kind.0 != 0)
                .collect(),
            user_columns: dataset
                .user_columns
                .iter()
                .map(|column| (column.name.clone(), column.values.len()))
                .collect(),
            n_users: dataset.users.len(),
            n_items: items.len(),
        }
    }

    /// Which pathway each feature feeds, those that the dataset lacks included.
    pub fn uses(&self) -> Vec<FeatureUse> {
        const STATIC: &str = "static";
        const BEHAVIOUR: &str = "short-term, positive feedback, lifelong";
        let countable = |feature: &str, n: usize, pathways: &str| FeatureUse {
            feature: feature.to_owned(),
            values: Some(n as u64),
            is_present: n > 0,
            pathways: pathways.to_owned(),
        };
        let continuous = |feature: &str, which: Continuous| FeatureUse {
            feature: feature.to_owned(),
            values: None,
            is_present: self.continuous.contains(&which),
            pathways: BEHAVIOUR.to_owned(),
        };
        let mut uses = vec![countable("user", self.n_users, STATIC)];
        if self.user_columns.is_empty() {
            uses.push(countable("features of the user", 0, STATIC));
        }
        let columns = self.user_columns.iter();
        uses.extend(columns.map(|(name, n)| countable(&format!("user: {name}"), *n, STATIC)));
        uses.push(countable("item", self.n_items, BEHAVIOUR));
        uses.push(countable("author", self.authors.len(), BEHAVIOUR));
        uses.push(countable("tag", self.tags.len(), BEHAVIOUR));
        uses.push(continuous("time stamp", Continuous::Age));
        uses.push(continuous("time watched", Continuous::Watched));
        uses.push(continuous("duration", Continuous::Duration));
        let labels: Vec<&str> = FeedbackFlags::NAMED
            .iter()
            .filter(|(_, kind)| self.labels.contains(kind))
            .map(|(name, _)| *name)
            .collect();
        uses.push(FeatureUse {
            feature: if labels.is_empty() {
                "label".to_owned()
            } else {
                format!("label: {}", labels.join(", "))
            },
            ..countable("", labels.len(), BEHAVIOUR)
        });
        uses
    }
}

/// The different names, sorted.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: std::collections::BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::fixtures::{Event, dataset};
    use crate::engine::data::prepare::prepare_dataset;
    use crate::engine::data::{Item, UserColumn};

    #[test]
    fn what_a_dataset_lacks_is_absent_and_what_is_held_out_does_not_count() {
        let mut events: Vec<Event> = (0..5).map(|item| Event::view(0, item, NO_TIME)).collect();
        // The held-out row alone has a time, a time watched and a like.
        events[4].time_millis = 9;
        events[4].watch_secs = 3.0;
        events[4].flags = FeedbackFlags::VIEW.with(FeedbackFlags::LIKE);
        let mut data = dataset(&events);
        data.catalog.items[1] = Item {
            author: Some("A".to_owned()),
            categories: vec!["b".to_owned(), "a".to_owned(), "b".to_owned()],
            ..data.catalog.items[1].clone()
        };
        data.user_columns.push(UserColumn {
            name: "age".to_owned(),
            values: vec!["1".to_owned(), "2".to_owned()],
            of_user: vec![2],
        });
        let data = prepare_dataset(data, "test".as_ref(), &DataConfig::default()).unwrap();
        let features = Features::of(&data.dataset, &data.split);
        assert_eq!(features.tags, ["a", "b"]);
        assert_eq!(features.authors, ["A"]);
        assert!(features.continuous.is_empty(), "{features:?}");
        assert_eq!(features.labels, [FeedbackFlags::VIEW]);
        let uses = data.stats.features;
        let of = |name: &str| uses.iter().find(|used| used.feature == name).unwrap();
        assert_eq!(of("user: age").values, Some(2));
        assert_eq!(of("user: age").pathways, "static");
        assert!(of("tag").is_present && !of("duration").is_present);
        assert!(of("label: view").is_present);
    }
}
