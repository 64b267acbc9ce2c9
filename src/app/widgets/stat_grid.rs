//! Figures side by side: a small label above a large number, the formula in the tooltip.

use egui::{Align, Layout, RichText, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use crate::app::theme::tokens;

/// Width of one figure in points.
const STAT_WIDTH: f32 = 138.0;

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is, in sentence case.
    pub label: String,
    /// The number as text.
    pub value: String,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// Formula or meaning.
    pub tip: String,
}

impl Stat {
    /// A figure without a unit.
    pub fn new(label: impl Into<String>, value: impl Into<String>, tip: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            unit: String::new(),
            tip: tip.into(),
        }
    }

    /// The same figure with a unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }
}

/// Draws the figures in as many columns as fit.
pub fn stat_grid(ui: &mut Ui, stats: &[Stat]) {
    let line = ui.text_style_height(&egui::TextStyle::Body);
    let height = 2.4 * line + 4.0;
    let n_columns = ((ui.available_width() / STAT_WIDTH) as usize).clamp(1, stats.len().max(1));
    let width = (ui.available_width() / n_columns as f32).min(1.6 * STAT_WIDTH) - 8.0;
    for row in stats.chunks(n_columns) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            for stat in row {
                stat_ui(ui, stat, vec2(width, height));
            }
        });
    }
}

fn stat_ui(ui: &mut Ui, stat: &Stat, size: egui::Vec2) {
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let name = format!("{} {} {}", stat.label, stat.value, stat.unit);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, name.trim_end()));
    let layout = Layout::top_down(Align::Min);
    let mut inside = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    inside.spacing_mut().item_spacing = vec2(4.0, 0.0);
    inside.add(egui::Label::new(RichText::new(&stat.label).weak()).truncate());
    inside.horizontal(|ui| {
        ui.add(
            egui::Label::new(
                RichText::new(&stat.value)
                    .monospace()
                    .size(tokens::HEADING_SIZE),
            )
            .truncate(),
        );
        if !stat.unit.is_empty() {
            ui.label(RichText::new(&stat.unit).weak());
        }
    });
    if !stat.tip.is_empty() {
        response.on_hover_text(&stat.tip);
    }
}
