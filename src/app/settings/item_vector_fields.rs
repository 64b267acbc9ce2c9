//! The settings of the item vectors as fields.

use egui::{DragValue, Ui};

use super::row::row;
use super::training_fields::rate_ui;
use crate::app::state::Draft;
use crate::engine::config::ExperimentConfig;

/// What items are as vectors, and whether those watched together are drawn together.
pub(super) fn item_vectors_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let embedding = &mut config.embedding;
    row(
        ui,
        draft,
        "embedding.content_dim",
        "Content dimensions",
        "Dimensions made from titles, categories and other features; 0 leaves them out.",
        |ui| ui.add(DragValue::new(&mut embedding.content_dim)),
    );
    row(
        ui,
        draft,
        "embedding.collaborative_dim",
        "Co-watch dimensions",
        "Dimensions made from which items stand near each other in histories; 0 leaves them out.",
        |ui| ui.add(DragValue::new(&mut embedding.collaborative_dim)),
    );
    let alignment = &mut embedding.alignment;
    row(
        ui,
        draft,
        "embedding.alignment.steps",
        "Alignment steps",
        "Steps of drawing items together that are watched together; 0 leaves the vectors as they are built.",
        |ui| ui.add(DragValue::new(&mut alignment.steps).speed(10)),
    );
    if alignment.steps == 0 {
        return;
    }
    row(
        ui,
        draft,
        "embedding.alignment.batch_size",
        "Pairs per step",
        "Each item is held against the partners of all pairs of its step.",
        |ui| ui.add(DragValue::new(&mut alignment.batch_size)),
    );
    row(
        ui,
        draft,
        "embedding.alignment.learning_rate",
        "Learning rate",
        "Peak of the schedule.",
        |ui| rate_ui(ui, &mut alignment.learning_rate),
    );
    row(
        ui,
        draft,
        "embedding.alignment.temperature",
        "Temperature",
        "How sharply the nearest wrong partners are pushed away; smaller is sharper.",
        |ui| ui.add(DragValue::new(&mut alignment.temperature).speed(0.005)),
    );
    row(
        ui,
        draft,
        "embedding.alignment.caption_weight",
        "Weight of captions",
        "Weight of the loss that keeps the vectors telling the items' own words; 0 leaves it out.",
        |ui| ui.add(DragValue::new(&mut alignment.caption_weight).speed(0.01)),
    );
    row(
        ui,
        draft,
        "embedding.alignment.n_queries",
        "Vectors per item",
        "Into so many vectors the compressor reads an item; the aligned vector is all of them side by side.",
        |ui| ui.add(DragValue::new(&mut alignment.n_queries)),
    );
    row(
        ui,
        draft,
        "embedding.alignment.d_model",
        "Width",
        "Dimensions of each of these vectors.",
        |ui| ui.add(DragValue::new(&mut alignment.d_model)),
    );
}
