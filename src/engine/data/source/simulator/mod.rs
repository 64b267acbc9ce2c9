//! A world of our own: users, items and a log of what happened between them, with the truth kept beside it.
//!
//! Real logs say what was shown and clicked, never what would have been best. Here the true utility of any slate for
//! any user is known ([`Oracle`]), so that the workbench can show whether alignment improves what users want or only
//! what a reward model says. The shape of the world:
//!
//! - Items lie in topics; the items of a topic lie on a ring of steps (chapters of a series, levels of a hobby).
//!   Users walk the rings of their few topics in their own direction and go on where they left off. This is what a
//!   sequence model can learn and a first-order chain cannot.
//! - Watching follows topic, step and appeal; liking and following depend on quality and on the author's style; loud
//!   covers add appeal and lower quality. The logging policy knows nothing of quality: this is what alignment can gain.
//!
//! `config` says how large it is, `world` makes items, `behaviour` holds the formula of a response and of utility, `journey` lets users walk,
//! `files` writes the result for the generic reader.

mod behaviour;
mod config;
mod files;
mod journey;
mod oracle;
mod words;
mod world;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use config::{SimulationKind, SimulatorConfig};
pub(super) use files::ORACLE_FILE;
pub use oracle::Oracle;

use super::super::{DataError, FeedbackFlags};
use crate::engine::seed::Seed;
use journey::Journey;
use world::World;

/// What a simulation made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulationSummary {
    /// Users with at least one event.
    pub users: u64,
    /// Items.
    pub items: u64,
    /// Events written.
    pub events: u64,
    /// Share of all impressions with each kind of feedback, by name.
    pub rates: Vec<(String, f64)>,
    /// The files, with their sizes in bytes.
    pub files: Vec<(String, u64)>,
}

/// Simulates a dataset into a folder, which must be absent or empty. The same configuration and seed give the same
/// bytes.
///
/// # Errors
/// [`DataError`] when the configuration does not fit together or the folder cannot be written.
pub fn simulate(
    config: &SimulatorConfig,
    seed: Seed,
    folder: &Path,
) -> Result<SimulationSummary, DataError> {
    config.check()?;
    let world = World::new(config, seed);
    let journeys: Vec<Journey> = (0..config.n_users)
        .map(|user_idx| Journey::of(&world, config, seed, user_idx))
        .collect();
    let files = files::write(&world, &journeys, config, seed, folder)?;
    let impressions = || journeys.iter().flat_map(|journey| &journey.impressions);
    let n_shown = impressions().count().max(1) as f64;
    let rates = ["view", "like", "follow", "dislike"].map(|name| {
        let kind = FeedbackFlags::named(name);
        let n = impressions().filter(|shown| shown.flags.has(kind)).count();
        (name.to_owned(), n as f64 / n_shown)
    });
    let events: Vec<usize> = journeys
        .iter()
        .map(|journey| files::events_of(journey, config.kind).count())
        .collect();
    Ok(SimulationSummary {
        users: events.iter().filter(|&&n| n > 0).count() as u64,
        items: config.n_items as u64,
        events: events.iter().sum::<usize>() as u64,
        rates: rates.to_vec(),
        files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::source::load;
    use crate::engine::data::{Dataset, ItemIdx, UserIdx};

    /// The seed of the committed samples.
    const SAMPLE_SEED: Seed = Seed(2026);

    fn samples() -> &'static Path {
        Path::new("datasets")
    }

    fn small(kind: SimulationKind) -> SimulatorConfig {
        SimulatorConfig {
            kind,
            n_users: 30,
            n_items: 60,
            n_topics: 4,
            n_steps: 5,
            n_authors: 9,
            ..SimulatorConfig::default()
        }
    }

    fn simulated(kind: SimulationKind, seed: u64) -> (tempfile::TempDir, Dataset) {
        let folder = tempfile::tempdir().unwrap();
        simulate(&small(kind), Seed(seed), folder.path()).unwrap();
        let dataset = load(folder.path(), &DataConfig::default()).unwrap();
        (folder, dataset)
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for kind in [SimulationKind::ShortVideo, SimulationKind::Catalogue] {
            let bytes = |seed| -> Vec<Vec<u8>> {
                let (folder, _) = simulated(kind, seed);
                let mut files: Vec<_> = std::fs::read_dir(folder.path())
                    .unwrap()
                    .map(|file| file.unwrap().path())
                    .collect();
                files.sort();
                files
                    .iter()
                    .map(|file| std::fs::read(file).unwrap())
                    .collect()
            };
            assert_eq!(bytes(1), bytes(1));
            assert_ne!(bytes(1)[0], bytes(2)[0]);
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let (_folder, dataset) = simulated(SimulationKind::ShortVideo, 5);
        assert_eq!((dataset.users.len(), dataset.catalog.len()), (30, 60));
        let log = &dataset.log;
        assert!(log.request.is_some(), "requests are known");
        assert!(log.feedback.iter().all(|shown| shown.watch_secs >= 0.0));
        assert!(
            dataset
                .catalog
                .items
                .iter()
                .all(|item| !item.title.is_empty()
                    && item.categories.len() == 2
                    && item.duration_secs.is_some())
        );
        for user in 0..30 {
            let times = &log.time_millis[log.rows_of(UserIdx(user))];
            assert!(
                times.windows(2).all(|pair| pair[0] < pair[1]),
                "no two events at once"
            );
        }
        let (_folder, shop) = simulated(SimulationKind::Catalogue, 5);
        assert!(shop.catalog.items.iter().all(|item| !item.text.is_empty()));
        assert!(
            shop.log
                .feedback
                .iter()
                .all(|shown| shown.flags == FeedbackFlags::VIEW)
        );
    }

    #[test]
    fn the_oracle_survives_the_file_and_follows_the_order_of_the_dataset() {
        let config = SimulatorConfig {
            certainty: 2.0,
            ..small(SimulationKind::ShortVideo)
        };
        let folder = tempfile::tempdir().unwrap();
        simulate(&config, Seed(5), folder.path()).unwrap();
        let dataset = load(folder.path(), &DataConfig::default()).unwrap();
        let read = dataset.oracle.unwrap();
        let world = World::new(&config, Seed(5));
        let slate: Vec<ItemIdx> = ["v0007", "v0030", "v0031", "v0007", "v0059"]
            .iter()
            .map(|name| {
                let position = dataset
                    .catalog
                    .items
                    .iter()
                    .position(|item| item.external_id == *name);
                ItemIdx(position.unwrap() as u32)
            })
            .collect();
        for (user_idx, name) in dataset.users.iter().enumerate() {
            let number: usize = name[1..].parse().unwrap();
            let moment = Journey::of(&world, &config, Seed(5), number).moment;
            let made = behaviour::utility(&moment, &world.factors, world.laws, &[7, 30, 31, 7, 59]);
            assert_eq!(read.utility(UserIdx(user_idx as u32), &slate), made);
        }
    }

    #[test]
    fn a_damaged_oracle_is_refused() {
        let (folder, _) = simulated(SimulationKind::Catalogue, 5);
        let path = folder.path().join(ORACLE_FILE);
        let whole = std::fs::read(&path).unwrap();
        let overwrite = |bytes: &[u8]| {
            std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), bytes).unwrap();
            load(folder.path(), &DataConfig::default())
        };
        assert!(overwrite(&whole).is_ok());
        for cut in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
            assert!(
                matches!(overwrite(&whole[..cut]), Err(DataError::Malformed { .. })),
                "{cut} bytes"
            );
        }
        // Indices that point outside the world must not be believed.
        let mut wild = whole.clone();
        let end = wild.len();
        wild[end - 30 * 4 * 4..].fill(0xff);
        assert!(overwrite(&wild).is_err(), "wild indices or not-a-number");
    }

    #[test]
    fn a_repeated_item_and_an_early_place_count_as_the_formula_says() {
        let (_folder, dataset) = simulated(SimulationKind::ShortVideo, 9);
        let oracle = dataset.oracle.unwrap();
        let worth = |slate: &[u32]| {
            let slate: Vec<ItemIdx> = slate.iter().map(|&item| ItemIdx(item)).collect();
            oracle.utility(UserIdx(0), &slate)
        };
        assert_eq!(worth(&[]), 0.0);
        for item in 0..60 {
            assert!(
                worth(&[item, item]) < worth(&[item]),
                "a repetition only risks a dislike"
            );
        }
        let mut best = Vec::new();
        for _ in 0..5 {
            let with = |item: &u32| worth(&[&best[..], &[*item]].concat());
            let next = (0..60).max_by(|a, b| with(a).total_cmp(&with(b))).unwrap();
            best.push(next);
        }
        for start in 0..55 {
            let slate: Vec<u32> = (start..start + 5).collect();
            assert!(
                worth(&best) >= worth(&slate),
                "{best:?} must beat {slate:?}"
            );
        }
    }

    /// How far the views of 300 users are from what they should be, in standard deviations; and the mean variance of
    /// one. Of all impressions only those of the last viewed request have a known probability at the stored moment.
    fn deviation_and_variance(certainty: f64) -> (f64, f64) {
        let config = SimulatorConfig {
            n_users: 300,
            n_items: 400,
            n_authors: 40,
            certainty,
            ..SimulatorConfig::default()
        };
        let world = World::new(&config, Seed(4));
        let (mut observed, mut expected, mut variance, mut n_shown) = (0.0, 0.0, 0.0, 0.0);
        for user_idx in 0..config.n_users {
            let journey = Journey::of(&world, &config, Seed(4), user_idx);
            let is_view = |shown: &&journey::Impression| shown.flags.has(FeedbackFlags::VIEW);
            let Some(last) = journey
                .impressions
                .iter()
                .rev()
                .find(is_view)
                .map(|shown| shown.request)
            else {
                continue;
            };
            let request: Vec<&journey::Impression> = journey
                .impressions
                .iter()
                .filter(|shown| shown.request == last)
                .collect();
            let slate: Vec<u32> = request.iter().map(|shown| shown.item).collect();
            for (position, shown) in request.iter().enumerate() {
                let chance = behaviour::response(
                    &journey.moment,
                    &world.factors,
                    world.laws,
                    &slate,
                    position,
                )
                .view;
                observed += f64::from(u8::from(shown.flags.has(FeedbackFlags::VIEW)));
                expected += chance;
                variance += chance * (1.0 - chance);
                n_shown += 1.0;
            }
        }
        (
            (observed - expected) / f64::sqrt(variance),
            variance / n_shown,
        )
    }

    #[test]
    fn the_log_follows_the_probabilities_of_the_oracle() {
        let (deviations, variance) = deviation_and_variance(1.0);
        let (of_certain, less_variance) = deviation_and_variance(3.0);
        // Requests without a view are never the last viewed one; that bias is far below five deviations here.
        assert!(
            deviations.abs() < 5.0 && of_certain.abs() < 5.0,
            "{deviations} and {of_certain}"
        );
        assert!(
            less_variance < 0.7 * variance,
            "{variance} and {less_variance}"
        );
    }

    #[test]
    fn impossible_settings_and_occupied_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |config: SimulatorConfig| {
            simulate(&config, Seed(1), folder.path())
                .unwrap_err()
                .to_string()
        };
        let base = small(SimulationKind::ShortVideo);
        assert!(
            refused(SimulatorConfig {
                n_topics: 21,
                ..base.clone()
            })
            .contains("n_topics")
        );
        assert!(
            refused(SimulatorConfig {
                certainty: f64::NAN,
                ..base.clone()
            })
            .contains("certainty")
        );
        assert!(
            refused(SimulatorConfig {
                n_items: 19,
                ..base.clone()
            })
            .contains("n_items")
        );
        assert!(
            refused(SimulatorConfig {
                requests: (3, 2),
                ..base.clone()
            })
            .contains("requests")
        );
        std::fs::File::create(folder.path().join("mine.txt")).unwrap();
        assert!(refused(base).contains("not empty"));
    }

    #[test]
    fn the_committed_samples_are_what_the_simulator_writes() {
        for name in SimulatorConfig::PRESETS {
            let folder = tempfile::tempdir().unwrap();
            let config = SimulatorConfig::preset(name).unwrap();
            simulate(&config, SAMPLE_SEED, folder.path()).unwrap();
            let read = |path: &Path| load(path, &DataConfig::default()).unwrap();
            let (made, committed) = (read(folder.path()), read(&samples().join(name)));
            assert_eq!(
                made.fingerprint, committed.fingerprint,
                "{name} must be written again, see datasets/README.md"
            );
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let file = file.unwrap();
                let committed = std::fs::read(samples().join(name).join(file.file_name())).unwrap();
                let is_same = std::fs::read(file.path()).unwrap() == committed;
                assert!(is_same, "{name}: {:?} has other bytes", file.file_name());
            }
        }
    }
}
