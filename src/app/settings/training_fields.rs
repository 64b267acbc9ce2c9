//! The settings of the stages that train and evaluate, as fields.

use egui::{DragValue, Response, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::reward::config::RewardForm;
use crate::engine::train::config::{
    AlignConfig, LossReduction, Objective, Reference, RewardSource, Search, SessionOrder,
};

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
    candidates_ui(ui, draft, align);
    stream_ui(ui, draft, align);
}

/// Where candidates come from and who judges them.
fn candidates_ui(ui: &mut Ui, draft: &Draft, align: &mut AlignConfig) {
    row(
        ui,
        draft,
        "align.search",
        "Search",
        "Whether candidates are the likeliest slates or drawn at random.",
        |ui| {
            let choices = [(Search::Beam, "Beam search"), (Search::Sample, "Sampling")];
            choice_ui(ui, "search", &mut align.search, &choices)
        },
    );
    row(
        ui,
        draft,
        "align.reference",
        "Reference",
        "The frozen copy that writes the candidates and that the policy is compared with.",
        |ui| {
            let choices = [
                (Reference::Snapshot, "Snapshot of the policy"),
                (Reference::Pretrained, "Pretrained generator"),
            ];
            choice_ui(ui, "reference", &mut align.reference, &choices)
        },
    );
    row(
        ui,
        draft,
        "align.sync_every_steps",
        "Snapshot every",
        "Steps between snapshots; 0 takes one per iteration, 1 keeps the reference equal to the policy.",
        |ui| ui.add(DragValue::new(&mut align.sync_every_steps)),
    );
    row(
        ui,
        draft,
        "align.max_staleness",
        "Staleness",
        "How many steps older than the newest snapshot may be the one that wrote a step's slates, so that slates are \
         written while the policy learns. For GRPO, ECPO and GBPO, whose ratio corrects for it; 0 waits for the newest.",
        |ui| ui.add(DragValue::new(&mut align.max_staleness)),
    );
    row(
        ui,
        draft,
        "align.reward",
        "Reward",
        "Whether the reward model says how good a candidate is, or what the user really went on to.",
        |ui| {
            let choices = [
                (RewardSource::Model, "Reward model"),
                (RewardSource::HitRank, "Hits and ranks"),
            ];
            choice_ui(ui, "reward source", &mut align.reward, &choices)
        },
    );
    row(
        ui,
        draft,
        "align.format_weight",
        "Format reward",
        "Weight of the reward for freely written IDs that belong to an item; 0 leaves it out.",
        |ui| ui.add(DragValue::new(&mut align.format_weight).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.flagged",
        "Flagged",
        "Items of this category or author, or with this value of another feature, earn less while they are shown too often; \
         empty flags none.",
        |ui| ui.text_edit_singleline(&mut align.flagged),
    );
    row(
        ui,
        draft,
        "align.flagged_share",
        "Flagged share",
        "Share of flagged items among the candidates above which they earn less.",
        |ui| ui.add(DragValue::new(&mut align.flagged_share).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.flagged_scale",
        "Flagged scale",
        "What is left of a flagged item's reward while too many are shown; 0 leaves nothing, 1 everything.",
        |ui| ui.add(DragValue::new(&mut align.flagged_scale).speed(0.01)),
    );
}

/// What alignment reads besides the candidates.
fn stream_ui(ui: &mut Ui, draft: &Draft, align: &mut AlignConfig) {
    row(
        ui,
        draft,
        "align.keep_sessions_frac",
        "Sessions kept",
        "Share of the training sessions that is kept, those watched longest; 1 keeps all.",
        |ui| ui.add(DragValue::new(&mut align.keep_sessions_frac).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.order",
        "Order",
        "Whether sessions come shuffled or in the order in which they happened.",
        |ui| {
            let choices = [
                (SessionOrder::Shuffled, "Shuffled"),
                (SessionOrder::Time, "By time"),
            ];
            choice_ui(ui, "session order", &mut align.order, &choices)
        },
    );
    row(
        ui,
        draft,
        "align.exposure_weight",
        "Logged feedback",
        "Weight of what users did with logged impressions, by length of the video; 0 leaves it out.",
        |ui| ui.add(DragValue::new(&mut align.exposure_weight).speed(0.01)),
    );
    row(
        ui,
        draft,
        "align.probe_every_steps",
        "Probe every",
        "Steps between looks at what the policy would show now; 0 leaves them out.",
        |ui| ui.add(DragValue::new(&mut align.probe_every_steps)),
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
