//! The real files, where `ONEREC_DATA` names the folder that holds them: counts as they are published.

use std::path::PathBuf;

use crate::engine::data::UserIdx;
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::prepare::{PreparedData, prepare};
use crate::engine::data::stats::DatasetStats;

/// The prepared data of one folder; nothing, and a line that says so, where the variable is not set.
fn real(name: &str, config: &DataConfig) -> Option<PreparedData> {
    let Some(root) = std::env::var_os("ONEREC_DATA") else {
        eprintln!("skipped: set ONEREC_DATA to the folder that holds {name}");
        return None;
    };
    Some(prepare(&PathBuf::from(root).join(name), config).unwrap())
}

fn counts(stats: &DatasetStats) -> (u64, u64, u64) {
    (stats.users, stats.items, stats.events)
}

#[test]
fn kuairand_pure_has_the_published_counts() {
    let config = DataConfig::default();
    let Some(data) = real("kuairand-pure", &config) else {
        return;
    };
    let log = &data.dataset.log;
    let n_timed = log
        .time_millis
        .iter()
        .filter(|&&time| time != NO_TIME)
        .count();
    assert_eq!((n_timed, log.len() - n_timed), (222_451, 817_187));
    let n_users_with_time = (0..log.n_users())
        .filter(|&user| {
            log.rows_of(UserIdx(user as u32))
                .any(|row| log.time_millis[row] != NO_TIME)
        })
        .count();
    assert_eq!(n_users_with_time, 25_156);
    assert_eq!(data.dataset.catalog.len(), 7_583);
    assert_eq!(data.stats.test_users, 23_442);
    let n_positives: usize = data
        .positives
        .iter()
        .map(Vec::len)
        .filter(|&n| n >= config.min_user_events)
        .sum();
    assert_eq!(n_positives, 357_834);
    let sessions: Vec<Option<u64>> = data
        .stats
        .sessions_by_rule
        .iter()
        .map(|sessions| sessions.found)
        .collect();
    assert_eq!(sessions[0], None, "the log has no requests");
    assert!(sessions[1..].iter().all(Option::is_some), "{sessions:?}");
}

#[test]
fn kuairand_labels_have_the_published_counts() {
    let Some(data) = real("kuairand-27k-likehate", &DataConfig::default()) else {
        return;
    };
    assert_eq!(counts(&data.stats), (664, 9_359, 41_828));
    let feedback = |name: &str| {
        let found = data.stats.feedback.iter().find(|(kind, _)| kind == name);
        found.map_or(0, |(_, n)| *n)
    };
    assert_eq!(
        feedback("like") + feedback("dislike"),
        41_828,
        "a like or a hate each"
    );
}

#[test]
fn amazon_scientific_has_the_published_counts() {
    let Some(data) = real("amazon-scientific", &DataConfig::default()) else {
        return;
    };
    assert_eq!(counts(&data.stats), (8_317, 4_344, 58_492));
    assert_eq!(data.stats.positives, 58_492);
    let items = &data.dataset.catalog.items;
    assert!(
        items
            .iter()
            .all(|item| item.external_id.parse::<u32>().is_ok())
    );
    assert!(
        items[0].title.starts_with("SUPCO SPP6 Relay/Capacitor"),
        "{}",
        items[0].title
    );
    assert_eq!(items[0].categories.len(), 4);
    assert!(data.stats.warnings.is_empty(), "{:?}", data.stats.warnings);
}

#[test]
fn amazon_beauty_has_the_published_counts() {
    let Some(data) = real("amazon-beauty", &DataConfig::default()) else {
        return;
    };
    assert_eq!(counts(&data.stats), (22_363, 12_101, 198_502));
    let first = &data.dataset.catalog.items[0];
    assert_eq!(
        (first.external_id.as_str(), first.title.as_str()),
        ("1", "nail lacquer simmer and shimmer")
    );
    assert!(data.stats.warnings.is_empty(), "{:?}", data.stats.warnings);
}

/// Some copies have a cell with an address in the middle of its number; it must be found, not read.
#[test]
fn movielens_latest_small_has_the_published_counts() {
    let config = DataConfig {
        skip_bad_rows: true,
        ..DataConfig::default()
    };
    let Some(data) = real("ml-latest-small", &config) else {
        return;
    };
    let n_bad = match data.dataset.warnings.first() {
        None => 0,
        Some(warning) => {
            assert!(
                warning.starts_with("1 of 100836 rows of ratings.csv cannot be read")
                    && warning.contains("column \"timestamp\"")
                    && warning.contains("(line 522 of "),
                "{warning}"
            );
            1
        }
    };
    let (users, items, events) = counts(&data.stats);
    assert_eq!((users, items, events + n_bad), (610, 9_724, 100_836));
    assert!(
        data.dataset
            .catalog
            .items
            .iter()
            .all(|item| !item.title.is_empty())
    );
}
