//! What is simulated: the kind of log, and the size and certainty of the world.

use serde::{Deserialize, Serialize};

use super::super::super::DataError;
use super::behaviour::{common_certainty, is_common};
use super::words;

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How far what speaks for a response decides it, above 0: 1 as in the samples, higher leaves less to chance.
    #[serde(skip_serializing_if = "is_common")]
    pub certainty: f64,
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
            certainty: common_certainty(),
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

    pub(super) fn check(&self) -> Result<(), DataError> {
        let in_order =
            |(least, most): (usize, usize)| least >= 1 && least <= most && most <= 10_000;
        let refuse = |found: &str| {
            Err(DataError::Simulator {
                found: found.to_owned(),
            })
        };
        let problem = if self.n_users == 0 {
            "n_users must be at least 1"
        } else if !(4..=words::TOPICS.len()).contains(&self.n_topics) {
            "n_topics must be 4 to 20"
        } else if !(3..=words::N_STEPS).contains(&self.n_steps) {
            "n_steps must be 3 to 8"
        } else if self.n_items < self.n_topics * self.n_steps {
            return refuse(&format!(
                "n_items is {}, and must be at least n_topics x n_steps = {}",
                self.n_items,
                self.n_topics * self.n_steps
            ));
        } else if self.n_authors < self.n_topics {
            "n_authors must be at least n_topics"
        } else if !in_order(self.requests) || !in_order(self.impressions) {
            "requests and impressions must be (fewest, most) from 1 to 10000"
        } else if self.n_days == 0 || self.n_days > 10_000 {
            "n_days must be 1 to 10000"
        } else if !(self.certainty > 0.0 && self.certainty <= 100.0) {
            "certainty must be above 0 and at most 100"
        } else {
            return Ok(());
        };
        refuse(problem)
    }
}
