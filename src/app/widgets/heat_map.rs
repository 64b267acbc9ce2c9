//! Rows over time as a picture: one cell per row and column, stronger where the value is higher.

use egui::{
    Color32, ColorImage, Rect, Role, Sense, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2,
    vec2,
};

use crate::app::theme;

/// Width of the space for the names of the rows, points.
const NAME_WIDTH: f32 = 28.0;

/// What a heat map shows.
pub struct HeatMap<'a> {
    /// The picture in one sentence, for those who cannot see it.
    pub summary: &'a str,
    /// One list per column from left to right, each with the strength of its rows from top to bottom, 0 to 1.
    pub columns: &'a [Vec<f32>],
    /// Text under the left and the right end.
    pub ends: [&'a str; 2],
    /// What the cell of a row and a column says.
    pub readout: &'a dyn Fn(usize, usize) -> String,
    /// Changes when the values do: only then is the picture made again.
    pub version: (u64, usize),
    /// Height of the cells in points.
    pub height: f32,
}

/// The picture of one heat map.
#[derive(Default)]
pub struct HeatMapCache {
    made_of: Option<((u64, usize), bool)>,
    texture: Option<TextureHandle>,
}

impl HeatMap<'_> {
    /// Draws it over the available width.
    pub fn show(&self, ui: &mut Ui, cache: &mut HeatMapCache) {
        let line = ui.text_style_height(&egui::TextStyle::Small);
        let size = vec2(ui.available_width().max(80.0), self.height + line + 2.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, self.summary));
        let n_rows = self.columns.first().map_or(0, Vec::len);
        if n_rows == 0 || !ui.is_rect_visible(rect) {
            return;
        }
        let cells = Rect::from_min_max(
            rect.min + vec2(NAME_WIDTH, 0.0),
            pos2(rect.right(), rect.top() + self.height),
        );
        let texture = self.texture(ui, cache, n_rows);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter_at(rect)
            .image(texture.id(), cells, whole, Color32::WHITE);
        self.names_ui(ui, rect, cells, n_rows);
        if let Some(pos) = response.hover_pos().filter(|pos| cells.contains(*pos)) {
            let place = (pos - cells.min) / cells.size();
            let row = ((place.y * n_rows as f32) as usize).min(n_rows - 1);
            let n_columns = self.columns.len();
            let column = ((place.x * n_columns as f32) as usize).min(n_columns - 1);
            response.on_hover_text((self.readout)(row, column));
        }
    }

    /// The picture, made again only when the values or the theme have changed.
    fn texture(&self, ui: &Ui, cache: &mut HeatMapCache, n_rows: usize) -> TextureHandle {
        let made_of = (self.version, ui.visuals().dark_mode);
        if let (Some(known), Some(texture)) = (cache.made_of, &cache.texture)
            && known == made_of
        {
            return texture.clone();
        }
        let tokens = theme::of(ui);
        let mut pixels = Vec::with_capacity(n_rows * self.columns.len());
        for row in 0..n_rows {
            pixels.extend(self.columns.iter().map(|column| {
                let strength = column.get(row).copied().unwrap_or(0.0);
                tokens.heat(strength)
            }));
        }
        let image = ColorImage::new([self.columns.len(), n_rows], pixels);
        let texture = ui
            .ctx()
            .load_texture("heat map", image, TextureOptions::NEAREST);
        cache.made_of = Some(made_of);
        cache.texture = Some(texture.clone());
        texture
    }

    /// Numbers of the rows where there is room, and the ends of the columns.
    fn names_ui(&self, ui: &Ui, rect: Rect, cells: Rect, n_rows: usize) {
        let font = egui::TextStyle::Small.resolve(ui.style());
        let color = theme::of(ui).weak_text;
        let painter = ui.painter_at(rect);
        let row_height = cells.height() / n_rows as f32;
        let every = ((font.size * 1.2 / row_height).ceil() as usize).max(1);
        for row in (0..n_rows).step_by(every) {
            let center = cells.top() + (row as f32 + 0.5) * row_height;
            painter.text(
                pos2(
                    cells.left() - 6.0,
                    center.max(cells.top() + 0.5 * font.size),
                ),
                egui::Align2::RIGHT_CENTER,
                row + 1,
                font.clone(),
                color,
            );
        }
        for (x, align, text) in [
            (cells.left(), egui::Align2::LEFT_TOP, self.ends[0]),
            (cells.right(), egui::Align2::RIGHT_TOP, self.ends[1]),
        ] {
            let place = pos2(x, cells.bottom() + 2.0);
            painter.text(place, align, text, font.clone(), color);
        }
    }
}
