//! The settings of the stages that train and evaluate, as fields.

use egui::{DragValue, Response, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::train::config::Objective;

/// Next-token training.
pub(super) fn pretrain_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let pretrain = &mut config.pretrain;
    row(
        ui,
        draft,
        "pretrain.steps",
        "Steps",
        "Optimiser steps.",
        |ui| ui.add(DragValue::new(&mut pretrain.steps).speed(10)),
    );
    row(
        ui,
        draft,
        "pretrain.batch_size",
        "Batch",
        "Sessions per step.",
        |ui| ui.add(DragValue::new(&mut pretrain.batch_size)),
    );
    row(
        ui,
        draft,
        "pretrain.learning_rate",
        "Learning rate",
        "Peak of the schedule.",
        |ui| rate_ui(ui, &mut pretrain.learning_rate),
    );
    row(
        ui,
        draft,
        "pretrain.checkpoint_every_steps",
        "Checkpoint every",
        "Steps between checkpoints: the most that a crash can cost.",
        |ui| ui.add(DragValue::new(&mut pretrain.checkpoint_every_steps)),
    );
}

/// The reward models.
pub(super) fn reward_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let reward = &mut config.reward;
    row(
        ui,
        draft,
        "reward.steps",
        "Steps",
        "Optimiser steps per model.",
        |ui| ui.add(DragValue::new(&mut reward.steps).speed(10)),
    );
    row(
        ui,
        draft,
        "reward.learning_rate",
        "Learning rate",
        "Peak of the schedule.",
        |ui| rate_ui(ui, &mut reward.learning_rate),
    );
    for (weight, (name, help)) in reward.weights.iter_mut().zip([
        ("Weight of swt", "Session watch time in the scalar reward."),
        ("Weight of vtr", "View probability in the scalar reward."),
        ("Weight of wtr", "Follow probability in the scalar reward."),
        ("Weight of ltr", "Like probability in the scalar reward."),
    ]) {
        row(ui, draft, "reward.weights", name, help, |ui| {
            ui.add(DragValue::new(weight).speed(0.05))
        });
    }
}

/// Preference alignment.
pub(super) fn align_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let align = &mut config.align;
    row(
        ui,
        draft,
        "align.iterations",
        "Iterations",
        "Each takes a fresh frozen copy of the generator as sampler and reference.",
        |ui| ui.add(DragValue::new(&mut align.iterations)),
    );
    row(
        ui,
        draft,
        "align.steps_per_iteration",
        "Steps each",
        "Optimiser steps per iteration.",
        |ui| ui.add(DragValue::new(&mut align.steps_per_iteration)),
    );
    row(
        ui,
        draft,
        "align.n_candidates",
        "Candidates",
        "Slates generated per user; the best and the worst become a pair.",
        |ui| ui.add(DragValue::new(&mut align.n_candidates)),
    );
    row(
        ui,
        draft,
        "align.objective",
        "Objective",
        "The loss that teaches the preference; the paper takes DPO.",
        |ui| {
            let choices = Objective::ALL.map(|objective| (objective, objective.title()));
            choice_ui(ui, "objective", &mut align.objective, &choices)
        },
    );
    row(
        ui,
        draft,
        "align.n_rejected",
        "Rejected slates",
        "Slates set against the best one; more than one is what S-DPO is for.",
        |ui| ui.add(DragValue::new(&mut align.n_rejected)),
    );
    row(
        ui,
        draft,
        "align.beta",
        "Beta",
        "How strongly a preference pulls away from the reference.",
        |ui| ui.add(DragValue::new(&mut align.beta).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.dpo_ratio",
        "Share with a pair",
        "Share of samples that get a preference pair beside the next-token loss.",
        |ui| ui.add(DragValue::new(&mut align.dpo_ratio).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.learning_rate",
        "Learning rate",
        "Constant after a short warm-up.",
        |ui| rate_ui(ui, &mut align.learning_rate),
    );
}

/// Held-out metrics.
pub(super) fn evaluate_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let evaluate = &mut config.evaluate;
    row(
        ui,
        draft,
        "evaluate.max_users",
        "Users",
        "Users to evaluate, drawn at random; 0 means all.",
        |ui| ui.add(DragValue::new(&mut evaluate.max_users)),
    );
    row(
        ui,
        draft,
        "evaluate.n_beams",
        "Beams",
        "Beams of the search.",
        |ui| ui.add(DragValue::new(&mut evaluate.n_beams)),
    );
    row(
        ui,
        draft,
        "evaluate.remove_seen",
        "Remove seen items",
        "Take items of the history out of the ranking, for every model alike.",
        |ui| ui.checkbox(&mut evaluate.remove_seen, ""),
    );
}

/// A learning rate: small, so shown and dragged in powers of ten.
pub(super) fn rate_ui(ui: &mut Ui, rate: &mut f64) -> Response {
    let speed = rate.abs().max(1e-6) * 0.02;
    ui.add(
        DragValue::new(rate)
            .speed(speed)
            .custom_formatter(|value, _| format!("{value:e}"))
            .custom_parser(|text| text.trim().parse().ok()),
    )
}
