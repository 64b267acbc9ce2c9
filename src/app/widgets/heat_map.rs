//! Cells whose strength shows a value, row by row. The whole map is one picture, however many cells it has, and goes to
//! the graphics processor again only when a cell or the theme has changed.

use egui::{
    Align2, Color32, ColorImage, FontId, Rect, Role, Sense, TextStyle, TextureOptions, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::app::theme;

/// Shades of the picture.
const N_SHADES: usize = 64;

/// Width left of the map for the names of rows, points.
const GUTTER: f32 = 40.0;

/// A heat map.
pub struct HeatMap<'a> {
    /// Its name, unique within the pane.
    pub name: &'a str,
    /// What it shows, in one sentence for screen readers.
    pub summary: &'a str,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Strength of a cell by row, the first on top, and column: 0 (pale) to 1 (full colour).
    pub cell: &'a dyn Fn(usize, usize) -> f32,
    /// Name of a row.
    pub row_name: &'a dyn Fn(usize) -> String,
    /// What stands under the first and under the last column.
    pub ends: [&'a str; 2],
    /// What a cell says, by row and column.
    pub readout: &'a dyn Fn(usize, usize) -> String,
    /// Strengths with a meaning, in rising order; none leaves the legend out.
    pub legend: &'a [(f32, &'a str)],
    /// Height of the cells in points.
    pub height: f32,
}

impl HeatMap<'_> {
    /// Draws the map over the available width.
    pub fn show(&self, ui: &mut Ui) {
        let line = ui.text_style_height(&TextStyle::Small);
        let [n_rows, n_columns] = self.size;
        let legend_height = if self.legend.is_empty() {
            0.0
        } else {
            line + 8.0
        };
        let size = vec2(
            ui.available_width().max(120.0),
            self.height + line + 4.0 + legend_height,
        );
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.summary));
        if n_rows == 0 || n_columns == 0 || !ui.is_rect_visible(rect) {
            return;
        }
        let map = Rect::from_min_size(
            rect.min + vec2(GUTTER, 0.0),
            vec2(rect.width() - GUTTER, self.height),
        );
        let palette = palette(ui);
        let image = ColorImage::new([n_columns, n_rows], self.pixels(&palette));
        let id = ui.scope_id().with(self.name);
        let texture = ui
            .ctx()
            .load_texture_cached(self.name, id, image, TextureOptions::NEAREST);
        let painter = ui.painter_at(rect);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), map, whole, Color32::WHITE);
        let color = theme::of(ui).weak_text;
        let font = TextStyle::Small.resolve(ui.style());
        let text = |pos, align, text: &str| {
            painter.text(pos, align, text, font.clone(), color);
        };
        let row_height = map.height() / n_rows as f32;
        let every = ((line / row_height).ceil() as usize).max(1);
        for row in (0..n_rows).step_by(every) {
            // The first and the last name stay inside.
            let middle = map.top() + (row as f32 + 0.5) * row_height;
            let y = middle
                .max(map.top() + 0.5 * line)
                .min(map.bottom() - 0.5 * line);
            text(
                pos2(map.left() - 5.0, y),
                Align2::RIGHT_CENTER,
                &(self.row_name)(row),
            );
        }
        let [first, last] = self.ends;
        let under = map.bottom() + 2.0;
        text(pos2(map.left(), under), Align2::LEFT_TOP, first);
        text(pos2(map.right(), under), Align2::RIGHT_TOP, last);
        self.draw_legend(ui, pos2(map.left(), under + line + 6.0), &palette, &font);
        if let Some(pos) = response.hover_pos()
            && map.contains(pos)
        {
            let place = |share: f32, n: usize| ((share * n as f32) as usize).min(n - 1);
            let row = place((pos.y - map.top()) / map.height(), n_rows);
            let column = place((pos.x - map.left()) / map.width(), n_columns);
            response.on_hover_text_at_pointer((self.readout)(row, column));
        }
    }

    /// Row by row from the top.
    fn pixels(&self, palette: &[Color32]) -> Vec<Color32> {
        let [n_rows, n_columns] = self.size;
        let mut pixels = Vec::with_capacity(n_rows * n_columns);
        for row in 0..n_rows {
            let cells = (0..n_columns).map(|column| palette[shade((self.cell)(row, column))]);
            pixels.extend(cells);
        }
        pixels
    }

    fn draw_legend(&self, ui: &Ui, from: egui::Pos2, palette: &[Color32], font: &FontId) {
        let line = ui.text_style_height(&TextStyle::Small);
        let painter = ui.painter();
        let color = theme::of(ui).weak_text;
        let mut x = from.x;
        for (strength, name) in self.legend {
            let patch = Rect::from_min_size(pos2(x, from.y), vec2(line, line));
            painter.rect_filled(patch, 2.0, palette[shade(*strength)]);
            painter.rect_stroke(
                patch,
                2.0,
                (1.0, theme::of(ui).border),
                egui::StrokeKind::Inside,
            );
            x += line + 4.0;
            let galley = painter.layout_no_wrap((*name).to_owned(), font.clone(), color);
            let width = galley.size().x;
            painter.galley(pos2(x, from.y), galley, color);
            x += width + 14.0;
        }
    }
}

fn palette(ui: &Ui) -> Vec<Color32> {
    let tokens = theme::of(ui);
    (0..N_SHADES)
        .map(|shade| tokens.heat(shade as f32 / (N_SHADES - 1) as f32))
        .collect()
}

/// The shade of a strength; values that are not finite are pale.
fn shade(strength: f32) -> usize {
    if strength.is_finite() {
        (strength.clamp(0.0, 1.0) * (N_SHADES - 1) as f32).round() as usize
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strength_has_a_shade() {
        let shades = [f32::NAN, -1.0, 0.0, 0.5, 1.0, 7.0].map(shade);
        assert_eq!(shades, [0, 0, 0, 32, N_SHADES - 1, N_SHADES - 1]);
    }
}
