//! The settings of alignment, as fields.

use egui::{DragValue, Ui};

use super::fields::choice_ui;
use super::row::row;
use super::training_fields::rate_ui;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::train::config::{
    AlignConfig, Objective, Reference, RewardSource, Search, SessionOrder,
};

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
