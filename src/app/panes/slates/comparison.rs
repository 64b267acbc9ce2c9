//! What several checkpoints of a run show the same users, as a table.

use super::view_model::score_name;
use crate::app::widgets::TextTable;
use crate::app::widgets::number::significant;
use crate::engine::event::{CheckpointComparison, CheckpointName};

/// A checkpoint in words.
pub(super) fn name(checkpoint: &CheckpointName) -> String {
    format!("{}, step {}", checkpoint.stage, checkpoint.step)
}

/// The mean of every score by checkpoint, with the 95% interval over users.
pub(super) fn table(comparison: &CheckpointComparison) -> TextTable {
    let mut columns = vec![(
        "Checkpoint",
        "Stage and optimiser steps. Only the newest of a stage are kept.",
    )];
    columns.extend(comparison.scores.iter().map(|score| {
        (
            score_name(&score.name),
            "Mean over a user's slates, then over users, with the 95% interval over users.",
        )
    }));
    let rows = comparison.checkpoints.iter().enumerate();
    TextTable {
        rows: rows
            .map(|(idx, checkpoint)| {
                let mut row = vec![name(checkpoint)];
                row.extend(comparison.scores.iter().map(|score| {
                    score.models.get(idx).map_or_else(
                        || "-".to_owned(),
                        |spread| match comparison.n_users {
                            // One user has no interval over users.
                            0 | 1 => significant(spread.mean, 4),
                            _ => format!(
                                "{} ± {}",
                                significant(spread.mean, 4),
                                significant(spread.mean_ci95, 2)
                            ),
                        },
                    )
                }));
                row
            })
            .collect(),
        columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::distribution::{ScoreDistribution, ScoreSpread};
    use crate::engine::event::Stage;

    #[test]
    fn every_checkpoint_has_every_score() {
        let spread = |mean| ScoreSpread {
            mean,
            mean_ci95: 0.13,
            ..ScoreSpread::default()
        };
        let mut comparison = CheckpointComparison {
            checkpoints: [(Stage::Pretrain, 500), (Stage::Align, 40)]
                .map(|(stage, step)| CheckpointName { stage, step })
                .to_vec(),
            n_users: 50,
            n_slates: 8,
            scores: vec![ScoreDistribution {
                name: "utility".to_owned(),
                models: vec![spread(0.25), spread(0.5)],
            }],
            users: Vec::new(),
        };
        let found = table(&comparison);
        assert_eq!(found.columns[1].0, "True utility");
        assert_eq!(found.rows[0], ["pretrain, step 500", "0.2500 ± 0.13"]);
        assert_eq!(found.rows[1], ["align, step 40", "0.5000 ± 0.13"]);
        comparison.n_users = 1;
        assert_eq!(table(&comparison).rows[1][1], "0.5000");
    }
}
