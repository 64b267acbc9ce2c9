//! Draws which codes the slates are made of, before and after alignment.

use egui::{Grid, Ui};

use crate::app::widgets::number::percent;
use crate::app::widgets::{level_letter, share_bar};
use crate::engine::eval::shown_codes::LevelCodes;

/// Width of a bar in points.
const BAR_WIDTH: f32 = 150.0;

/// Which level is looked at.
#[derive(Default)]
pub(super) struct CodeView {
    level_idx: usize,
}

impl CodeView {
    pub(super) fn ui(&mut self, ui: &mut Ui, levels: &[LevelCodes]) {
        let Some(last) = levels.len().checked_sub(1) else {
            return;
        };
        self.level_idx = self.level_idx.min(last);
        ui.horizontal_wrapped(|ui| {
            ui.strong("Top codes of level").on_hover_text(
                "Codes of the slates of all evaluated users: the 8 most frequent before alignment and the 8 most \
                 frequent after",
            );
            for level_idx in 0..levels.len() {
                let name = level_letter(level_idx).to_string();
                ui.selectable_value(&mut self.level_idx, level_idx, name);
            }
        });
        let level = &levels[self.level_idx];
        let longest = level
            .top
            .iter()
            .map(|share| share.before.max(share.after))
            .fold(0.0, f64::max)
            .max(f64::MIN_POSITIVE);
        Grid::new("top codes")
            .num_columns(5)
            .spacing([10.0, 1.0])
            .show(ui, |ui| {
                ui.strong("Code");
                ui.strong("Before")
                    .on_hover_text("Share of the level's codes");
                ui.label("");
                ui.strong("After")
                    .on_hover_text("Share of the level's codes");
                ui.label("");
                ui.end_row();
                for share in &level.top {
                    ui.monospace(format!("{:>5}", share.code));
                    for (when, value) in [("before", share.before), ("after", share.after)] {
                        let name = format!("Code {} {when}", share.code);
                        share_bar(ui, &name, value / longest, BAR_WIDTH);
                        ui.monospace(format!("{:>6}", percent(value)));
                    }
                    ui.end_row();
                }
            });
        ui.add_space(6.0);
    }
}
