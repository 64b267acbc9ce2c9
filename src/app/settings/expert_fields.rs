//! The settings of the generator's experts, as fields.

use egui::{DragValue, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;
use crate::engine::model::config::ExpertScore;

/// How many experts there are, where they stand, and how tokens are sent to them.
pub(super) fn experts_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let model = &mut config.model;
    for (path, name, help, value) in [
        (
            "model.n_experts",
            "Experts",
            "Experts of each block that has them; 0 makes all blocks dense.",
            &mut model.n_experts,
        ),
        (
            "model.n_active_experts",
            "Active experts",
            "Experts that a token chooses.",
            &mut model.n_active_experts,
        ),
        (
            "model.n_shared_experts",
            "Shared experts",
            "Experts that every token uses besides those it chooses.",
            &mut model.n_shared_experts,
        ),
        (
            "model.d_ff_expert",
            "Expert width",
            "Hidden width of one expert.",
            &mut model.d_ff_expert,
        ),
        (
            "model.n_dense_blocks",
            "Dense blocks first",
            "Blocks at the start of a stack that stay dense.",
            &mut model.n_dense_blocks,
        ),
        (
            "model.expert_every_blocks",
            "Every blocks",
            "1: each block after those has experts; 2: every second one.",
            &mut model.expert_every_blocks,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value))
        });
    }
    row(
        ui,
        draft,
        "model.encoder_experts",
        "In the encoder too",
        "Off: the decoder alone has experts.",
        |ui| ui.checkbox(&mut model.encoder_experts, ""),
    );
    row(
        ui,
        draft,
        "model.expert_score",
        "Score",
        "How the router's products become the scores that experts are chosen by.",
        |ui| {
            choice_ui(
                ui,
                "expert_score",
                &mut model.expert_score,
                &[
                    (ExpertScore::Softmax, "softmax"),
                    (ExpertScore::Sigmoid, "sigmoid"),
                ],
            )
        },
    );
    row(
        ui,
        draft,
        "model.renormalise_gate",
        "Renormalise",
        "Divide the scores of the chosen experts by their sum.",
        |ui| ui.checkbox(&mut model.renormalise_gate, ""),
    );
    row(
        ui,
        draft,
        "model.balance_rate",
        "Balancing rate",
        "How far the bias of an expert moves per step towards an even load; 0 leaves the load as it comes.",
        |ui| {
            ui.add(
                DragValue::new(&mut model.balance_rate)
                    .speed(1e-4)
                    .range(0.0..=0.999)
                    .max_decimals(5),
            )
        },
    );
}
