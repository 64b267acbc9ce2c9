//! The settings of what the generator's encoder reads: which system, and the pathways of the second one.

use egui::{DragValue, Ui};

use super::fields::choice_ui;
use super::row::row;
use crate::app::state::Draft;
use crate::engine::batch::pathway::config::{ItemInput, Pathway, PositionRule};
use crate::engine::config::ExperimentConfig;
use crate::engine::model::config::System;

/// Which system; for the second one, its pathways.
pub(super) fn system_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    row(
        ui,
        draft,
        "model.system",
        "System",
        "What the encoder reads, the semantic IDs of the last positive items or four pathways of features; or no encoder: a \
         decoder that writes each item by itself from keys and values that its blocks share.",
        |ui| {
            choice_ui(
                ui,
                "system",
                &mut config.model.system,
                &[
                    (System::Session, "session history"),
                    (System::Pathways, "feature pathways"),
                    (System::Lazy, "lazy decoder"),
                ],
            )
        },
    );
    if config.model.reads_pathways() {
        pathways_ui(ui, draft, config);
    }
}

fn pathways_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let pathways = &mut config.model.pathways;
    row(
        ui,
        draft,
        "model.pathways.read",
        "Pathways",
        "What is read of a user. The positive feedback is as long as the history.",
        |ui| read_ui(ui, &mut pathways.read),
    );
    row(
        ui,
        draft,
        "model.pathways.item",
        "Items as",
        "What stands for an item in the pathways: its semantic ID, whose vectors the output side shares, or a vector of its own.",
        |ui| {
            choice_ui(
                ui,
                "pathway item",
                &mut pathways.item,
                &[
                    (ItemInput::SemanticId, "semantic ID"),
                    (ItemInput::Vid, "a vector each"),
                ],
            )
        },
    );
    for (path, name, help, value) in [
        (
            "model.pathways.short_len",
            "Short-term",
            "Most recent interactions, whatever the user made of them.",
            &mut pathways.short_len,
        ),
        (
            "model.pathways.cluster_size",
            "Cluster",
            "Interactions of a cluster of the lifelong history at the most.",
            &mut pathways.cluster_size,
        ),
        (
            "model.pathways.lifelong_positions",
            "Lifelong",
            "Positions of the compressed history.",
            &mut pathways.lifelong_positions,
        ),
        (
            "model.pathways.lifelong_queries",
            "Lifelong vectors",
            "Vectors into which the compressed history is read.",
            &mut pathways.lifelong_queries,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value))
        });
    }
    row(
        ui,
        draft,
        "model.pathways.positions",
        "Positions",
        "Whether a position of the compressed history is an interaction with its cluster's features, or a cluster.",
        |ui| {
            choice_ui(
                ui,
                "pathway positions",
                &mut pathways.positions,
                &[
                    (PositionRule::InPlace, "interactions"),
                    (PositionRule::Clusters, "clusters"),
                ],
            )
        },
    );
}

/// A tick per pathway.
fn read_ui(ui: &mut Ui, read: &mut Vec<Pathway>) -> egui::Response {
    ui.vertical(|ui| {
        for (pathway, name) in [
            (Pathway::Static, "static"),
            (Pathway::Short, "short-term"),
            (Pathway::Positive, "positive feedback"),
            (Pathway::Lifelong, "lifelong"),
        ] {
            let mut is_read = read.contains(&pathway);
            if ui.checkbox(&mut is_read, name).changed() {
                read.retain(|other| *other != pathway);
                if is_read {
                    read.push(pathway);
                    read.sort_by_key(|pathway| {
                        Pathway::ALL.iter().position(|other| other == pathway)
                    });
                }
            }
        }
    })
    .response
}
