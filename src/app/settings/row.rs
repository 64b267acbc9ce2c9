//! One setting: its name, its field, what it means, and what is wrong with it.

use egui::{Response, RichText, Ui};

use crate::app::state::Draft;
use crate::app::theme;

/// Width of the column of names, points.
const NAME_WIDTH: f32 = 138.0;

/// Draws one setting. `path` is that of the field in the configuration, by which problems are found.
pub(super) fn row(
    ui: &mut Ui,
    draft: &Draft,
    path: &str,
    name: &str,
    help: &str,
    field: impl FnOnce(&mut Ui) -> Response,
) {
    ui.horizontal(|ui| {
        let label = ui
            .scope(|ui| {
                ui.set_width(NAME_WIDTH);
                ui.add(egui::Label::new(name).truncate())
            })
            .inner;
        let hover = format!("{help}\n\nIn TOML: {path}");
        let label = label.on_hover_text(&hover);
        field(ui).labelled_by(label.id).on_hover_text(&hover);
    });
    for problem in draft.problems_of(path) {
        ui.label(RichText::new(problem).color(theme::of(ui).bad));
    }
}
