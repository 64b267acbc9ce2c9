//! Toasts: short messages over the lower right corner, spoken by screen readers as they appear.

use std::collections::BTreeMap;

use egui::accesskit::Live;
use egui::{Align2, Area, Context, Frame, Id, Order, RichText, Stroke, vec2};

use crate::app::command::UiCommand;
use crate::app::state::{Notices, Toast};
use crate::app::theme::{self, tokens};
use crate::engine::event::NoticeLevel;

/// Seconds for which a toast stays; errors stay until they are closed.
const SHOWN_SECS: f64 = 8.0;
/// Width of a toast, points.
const WIDTH: f32 = 360.0;

/// Draws all toasts.
pub fn ui(ctx: &Context, notices: &Notices, commands: &mut Vec<UiCommand>) {
    if notices.toasts.is_empty() {
        return;
    }
    let ages_id = Id::unique("toast_ages");
    let now = ctx.input(|input| input.time);
    let mut born: BTreeMap<u64, f64> = ctx
        .data_mut(|data| data.get_temp(ages_id))
        .unwrap_or_default();
    born.retain(|id, _| notices.toasts.iter().any(|toast| toast.id == *id));
    for toast in &notices.toasts {
        let age = now - *born.entry(toast.id).or_insert(now);
        if toast.level != NoticeLevel::Error {
            if age >= SHOWN_SECS {
                commands.push(UiCommand::DismissToast(toast.id));
            } else {
                ctx.request_repaint_after_secs((SHOWN_SECS - age) as f32);
            }
        }
    }
    ctx.data_mut(|data| data.insert_temp(ages_id, born));

    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -40.0))
        .show(ctx, |ui| {
            for toast in &notices.toasts {
                toast_ui(ui, toast, commands);
            }
        });
}

fn toast_ui(ui: &mut egui::Ui, toast: &Toast, commands: &mut Vec<UiCommand>) {
    let tokens = theme::of(ui);
    let (word, color) = match toast.level {
        NoticeLevel::Info => ("Note", tokens.accent),
        NoticeLevel::Warning => ("Warning", tokens.warning),
        NoticeLevel::Error => ("Error", tokens.bad),
    };
    Frame::popup(ui.style())
        .stroke(Stroke::new(1.5, color))
        .show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(WIDTH - 70.0);
                    if toast.level != NoticeLevel::Info {
                        ui.label(RichText::new(word).color(color).strong());
                    }
                    let label = ui.label(&toast.text);
                    ui.ctx()
                        .accesskit_node_builder(label.id, |node| node.set_live(Live::Polite));
                    if let Some(hint) = &toast.hint {
                        ui.label(RichText::new(format!("Hint: {hint}.")).color(tokens.weak_text));
                    }
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
                    if ui.small_button("Close").clicked() {
                        commands.push(UiCommand::DismissToast(toast.id));
                    }
                });
            });
        });
    ui.add_space(tokens::GAP / 2.0);
}
