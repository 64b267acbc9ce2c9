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
//! [`world`] makes items, [`behaviour`] holds the formula of a response and of utility, [`journey`] lets users walk,
//! [`files`] writes the result for the generic reader.

mod behaviour;
mod files;
mod journey;
mod oracle;
mod words;
mod world;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) use files::ORACLE_FILE;
pub use oracle::Oracle;

use super::super::{DataError, FeedbackFlags};
use crate::engine::seed::Seed;
use journey::Journey;
use world::World;

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// What the log looks like.
    pub kind: SimulationKind,
    /// Users, at least 1.
    pub n_users: usize,
    /// Items, at least one per step of every topic.
    pub n_items: usize,
    /// Topics, 4 to 20.
    pub n_topics: usize,
    /// Steps on the ring of each topic, 3 to 8.
    pub n_steps: usize,
    /// Authors or brands, at least one per topic.
    pub n_authors: usize,
    /// Fewest and most requests of one user.
    pub requests: (usize, usize),
    /// Fewest and most impressions of one request.
    pub impressions: (usize, usize),
    /// Days over which the requests are spread.
    pub n_days: usize,
}

/// What the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulationKind {
    /// Impressions with time, request, watch time, view, like, follow and dislike.
    ShortVideo,
    /// Purchases in order, with descriptions of the items: no times, no impressions without a purchase.
    Catalogue,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            kind: SimulationKind::ShortVideo,
            n_users: 1000,
            n_items: 2000,
            n_topics: 20,
            n_steps: 8,
            n_authors: 240,
            requests: (9, 13),
            impressions: (8, 10),
            n_days: 14,
        }
    }
}

impl SimulatorConfig {
    /// Names of the presets.
    pub const PRESETS: [&'static str; 2] = ["short-video", "catalogue"];

    /// The preset of that name.
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "short-video" => Some(Self::default()),
            "catalogue" => Some(Self {
                kind: SimulationKind::Catalogue,
                n_users: 600,
                n_items: 800,
                n_topics: 16,
                n_steps: 5,
                n_authors: 96,
                requests: (5, 9),
                ..Self::default()
            }),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), DataError> {
        let in_order =
            |(least, most): (usize, usize)| least >= 1 && least <= most && most <= 10_000;
        let problem = if self.n_users == 0 {
            "n_users must be at least 1"
        } else if !(4..=words::TOPICS.len()).contains(&self.n_topics) {
            "n_topics must be 4 to 20"
        } else if !(3..=words::N_STEPS).contains(&self.n_steps) {
            "n_steps must be 3 to 8"
        } else if self.n_items < self.n_topics * self.n_steps {
            "n_items must be at least n_topics x n_steps"
        } else if self.n_authors < self.n_topics {
            "n_authors must be at least n_topics"
        } else if !in_order(self.requests) || !in_order(self.impressions) {
            "requests and impressions must be (fewest, most) from 1 to 10000"
        } else if self.n_days == 0 || self.n_days > 10_000 {
            "n_days must be 1 to 10000"
        } else {
            return Ok(());
        };
        Err(DataError::Simulator {
            found: problem.to_owned(),
        })
    }
}

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

    /// The seed of the committed samples.
    const SAMPLE_SEED: Seed = Seed(2026);

    #[test]
    #[ignore = "writes the committed samples: run on purpose"]
    fn write_the_samples() {
        for name in SimulatorConfig::PRESETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("datasets")
                .join(name);
            if folder.exists() {
                std::fs::remove_dir_all(&folder).unwrap();
            }
            let config = SimulatorConfig::preset(name).unwrap();
            let summary = simulate(&config, SAMPLE_SEED, &folder).unwrap();
            println!("{name}: {summary:#?}");
            assert!(
                load(&folder, &DataConfig::default())
                    .unwrap()
                    .oracle
                    .is_some()
            );
        }
    }
}
