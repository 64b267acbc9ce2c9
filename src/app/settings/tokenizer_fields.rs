//! The settings of the tokenizer as fields.

use egui::{DragValue, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::tokenizer::{Balance, CollisionPolicy, Method};

/// How items become semantic IDs.
pub(super) fn tokenizer_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let tokenizer = &mut config.tokenizer;
    row(
        ui,
        draft,
        "tokenizer.method",
        "Method",
        "How item vectors become codes. The last two learn little or nothing: they are floors to compare with.",
        |ui| {
            choice_ui(
                ui,
                "method",
                &mut tokenizer.method,
                &[
                    (Method::ResidualKmeans, "residual K-means"),
                    (Method::RqVae, "RQ-VAE"),
                    (Method::RqKmeansPlus, "RQ-K-means+"),
                    (Method::ProductKmeans, "product K-means"),
                    (Method::Hash, "hashing"),
                ],
            )
        },
    );
    row(
        ui,
        draft,
        "tokenizer.balance",
        "Balance",
        "How full the clusters of K-means may become. An RQ-VAE and hashing do not ask.",
        |ui| {
            choice_ui(
                ui,
                "balance",
                &mut tokenizer.balance,
                &[
                    (Balance::Greedy, "all equally full"),
                    (Balance::None, "as items fall"),
                ],
            )
        },
    );
    row(
        ui,
        draft,
        "tokenizer.n_levels",
        "Levels",
        "Codes of a semantic ID.",
        |ui| ui.add(DragValue::new(&mut tokenizer.n_levels)),
    );
    row(
        ui,
        draft,
        "tokenizer.codebook_size",
        "Codes per level",
        "Size of each level's codebook. More codes tell items better apart and are used less often each.",
        |ui| ui.add(DragValue::new(&mut tokenizer.codebook_size)),
    );
    row(
        ui,
        draft,
        "tokenizer.collisions",
        "Shared IDs",
        "What happens to items that get the same semantic ID.",
        |ui| {
            choice_ui(
                ui,
                "collisions",
                &mut tokenizer.collisions,
                &[
                    (CollisionPolicy::Keep, "keep them"),
                    (CollisionPolicy::Reassign, "move to a free code"),
                    (CollisionPolicy::Sinkhorn, "spread by transport"),
                    (CollisionPolicy::Optimal, "none: cheapest free codes"),
                    (CollisionPolicy::ExtraLevel, "number them on one more level"),
                ],
            )
        },
    );
}
