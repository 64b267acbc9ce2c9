//! The stages of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The steps of the pipeline, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Load the dataset, split it, build sessions.
    Data,
    /// Item vectors, codebooks, semantic IDs.
    Tokenize,
    /// Next-token training of the generator.
    Pretrain,
    /// The session reward model and the independent judge.
    Reward,
    /// Iterative preference alignment.
    Align,
    /// Held-out metrics, rewards before and after, baselines.
    Evaluate,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 6] = [
        Self::Data,
        Self::Tokenize,
        Self::Pretrain,
        Self::Reward,
        Self::Align,
        Self::Evaluate,
    ];

    /// The name used in folders, reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Tokenize => "tokenize",
            Self::Pretrain => "pretrain",
            Self::Reward => "reward",
            Self::Align => "align",
            Self::Evaluate => "evaluate",
        }
    }

    /// The stage that comes directly before this one.
    pub fn previous(self) -> Option<Self> {
        let idx = Self::ALL.iter().position(|stage| *stage == self)?;
        idx.checked_sub(1).map(|idx| Self::ALL[idx])
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
