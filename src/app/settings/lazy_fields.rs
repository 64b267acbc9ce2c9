//! The size of a paper's generator, and the settings that only the lazy decoder has, as fields.

use egui::{ComboBox, DragValue, Ui};

use super::row::row;
use crate::app::state::Draft;
use crate::engine::config::{ExperimentConfig, SIZES};

/// A paper's size to take over.
pub(super) fn size_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let mut chosen = None;
    row(
        ui,
        draft,
        "size",
        "Take a size",
        "Widths, codes and history of a paper's generator. Size and cost tells what each needs; most exceed a computer's \
         memory. Undo brings the settings back.",
        |ui| {
            ComboBox::from_id_salt("size")
                .selected_text("choose…")
                .show_ui(ui, |ui| {
                    for size in SIZES {
                        let text = format!("{} {}", size.name, size.source);
                        if ui.selectable_label(false, text).clicked() {
                            chosen = Some(size);
                        }
                    }
                })
                .response
        },
    );
    if let Some(size) = chosen {
        size.apply(config);
    }
}

/// What only the lazy decoder has.
pub(super) fn lazy_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let n_layers = config.model.n_decoder_layers;
    let lazy = &mut config.model.lazy;
    for (path, name, help, value, most) in [
        (
            "model.lazy.d_embed",
            "Embedding width",
            "Width of a code's embedding; an item of the history is those of its codes side by side.",
            &mut lazy.d_embed,
            usize::MAX,
        ),
        (
            "model.lazy.n_kv_sets",
            "Key sets",
            "Sets of keys and values that the blocks share.",
            &mut lazy.n_kv_sets,
            n_layers,
        ),
        (
            "model.lazy.n_kv_heads",
            "Key heads",
            "Heads of the keys and values; must divide the attention heads, 0 means as many.",
            &mut lazy.n_kv_heads,
            usize::MAX,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value).range(0..=most))
        });
    }
    row(
        ui,
        draft,
        "model.lazy.reads_pathways",
        "Reads pathways",
        "The context is the pathways of features rather than the semantic IDs of the last positive items.",
        |ui| ui.checkbox(&mut lazy.reads_pathways, ""),
    );
    row(
        ui,
        draft,
        "model.lazy.values_are_keys",
        "Values are keys",
        "The keys of a set serve as its values too.",
        |ui| ui.checkbox(&mut lazy.values_are_keys, ""),
    );
}
