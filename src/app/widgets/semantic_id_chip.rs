//! A semantic ID as the papers write it: `<a_12><b_3><c_255>`, one letter and one colour per level.

use egui::text::LayoutJob;
use egui::{Label, Response, Role, TextFormat, TextStyle, Ui, WidgetInfo};

use crate::app::theme;

/// The ID as text.
pub fn semantic_id_text(codes: &[u16]) -> String {
    codes
        .iter()
        .enumerate()
        .map(|(level_idx, code)| code_text(level_idx, *code))
        .collect()
}

/// One code as text, for example `<b_3>`.
pub fn code_text(level_idx: usize, code: u16) -> String {
    format!("<{}_{code}>", level_letter(level_idx))
}

/// The letter of a level: a, b, c, and so on.
pub fn level_letter(level_idx: usize) -> char {
    char::from(b'a' + (level_idx % 26) as u8)
}

/// Draws the ID. `first_level` is the level of the first code, for parts of an ID.
pub fn semantic_id_chip(ui: &mut Ui, first_level: usize, codes: &[u16]) -> Response {
    let font = TextStyle::Monospace.resolve(ui.style());
    let mut job = LayoutJob::default();
    for (idx, code) in codes.iter().enumerate() {
        let level_idx = first_level + idx;
        job.append(
            &code_text(level_idx, *code),
            0.0,
            TextFormat::simple(font.clone(), theme::of(ui).series_color(level_idx)),
        );
    }
    let name = job.text.clone();
    let response = ui.add(Label::new(job).extend().selectable(false));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_letters() {
        assert_eq!(semantic_id_text(&[12, 3, 255]), "<a_12><b_3><c_255>");
        assert_eq!(semantic_id_text(&[]), "");
        assert_eq!(code_text(1, 0), "<b_0>");
    }
}
