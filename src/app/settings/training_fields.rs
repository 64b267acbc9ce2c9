//! The settings of the stages that train and evaluate, as fields.

use egui::{DragValue, Response, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::reward::config::RewardForm;
use crate::engine::train::config::LossReduction;

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
    for (path, name, help, value) in [
        (
            "pretrain.micro_batches",
            "Parts of a batch",
            "Computed one after the other: more need less memory, and the weights are the same up to rounding.",
            &mut pretrain.micro_batches,
        ),
        (
            "pretrain.validation_users",
            "Validation users",
            "Users whose last learnable event is kept out of training and measured instead.",
            &mut pretrain.validation_users,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value))
        });
    }
    for (path, name, help, value) in [
        (
            "pretrain.validate_every_steps",
            "Validate every",
            "Steps between measurements of the held-out loss; 0 never measures.",
            &mut pretrain.validate_every_steps,
        ),
        (
            "pretrain.patience",
            "Patience",
            "Measurements without a new lowest loss after which training ends with the best weights; 0 always goes on.",
            &mut pretrain.patience,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value))
        });
    }
    for (path, name, help, value) in [
        (
            "pretrain.label_smoothing",
            "Label smoothing",
            "Probability that the targets spread evenly over all codes of the level.",
            &mut pretrain.label_smoothing,
        ),
        (
            "pretrain.table_lr_factor",
            "Rate of tables",
            "Learning rate of the embedding tables as a multiple of that of all other weights.",
            &mut pretrain.table_lr_factor,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value).speed(0.01))
        });
    }
    row(
        ui,
        draft,
        "pretrain.loss_reduction",
        "Loss",
        "Mean over all codes of a batch, or their sum per session.",
        |ui| {
            let choices = [
                (LossReduction::Mean, "mean over codes"),
                (LossReduction::Sum, "sum per session"),
            ];
            choice_ui(ui, "loss_reduction", &mut pretrain.loss_reduction, &choices)
        },
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
        "reward.form",
        "Judges",
        "Whole sessions with four heads, or single items with a tower per objective and one fused score.",
        |ui| {
            let choices = [
                (RewardForm::Session, "Sessions"),
                (RewardForm::PreferenceScore, "Items (P-Score)"),
            ];
            choice_ui(ui, "reward form", &mut reward.form, &choices)
        },
    );
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
