//! What was asked about the slates of a run: slates with other items, and what each checkpoint shows.

use crate::engine::event::{CheckpointComparison, RescoredSlate, ScoredSlate, Stage};

/// Slates that are remembered; the oldest of more are forgotten.
const MOST_RESCORED: usize = 64;

/// The answers of the engine.
#[derive(Clone, Debug, Default)]
pub struct SlateAnswers {
    /// What each checkpoint shows the same users.
    pub checkpoints: Option<CheckpointComparison>,
    rescored: Vec<RescoredSlate>,
}

impl SlateAnswers {
    /// A slate that was put together by hand, with its scores; `None` where it was not asked for.
    pub fn rescored(&self, user: &str, stage: Stage, items: &[u32]) -> Option<&ScoredSlate> {
        let is_it = |answer: &&RescoredSlate| {
            let rows = answer.slate.items.iter().map(|item| item.item_idx);
            answer.user == user && answer.stage == stage && rows.eq(items.iter().copied())
        };
        self.rescored.iter().find(is_it).map(|answer| &answer.slate)
    }

    /// Takes such a slate in.
    pub fn add_rescored(&mut self, answer: RescoredSlate) {
        if self.rescored.len() >= MOST_RESCORED {
            self.rescored.remove(0);
        }
        self.rescored.push(answer);
    }
}
