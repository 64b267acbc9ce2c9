//! All items on a plane: zoom, pan, point at an item to read it, click to select it.
//!
//! The picture is drawn by a helper thread. Until a new one has come, the last one is moved and stretched to the
//! present view, so that the map follows the hand at the full rate of frames.

mod coloring;
mod grid;
mod hand;
mod painter;
mod raster;
mod viewport;

use std::sync::Arc;

use egui::{
    Color32, ColorImage, ComboBox, Pos2, Rect, Response, Role, Sense, TextureHandle,
    TextureOptions, Ui, WidgetInfo, pos2, vec2,
};

use self::coloring::{Coloring, Palette};
use self::hand::{move_by_keys, move_by_pointer};
use self::painter::{Drawn, Request};
use self::viewport::Viewport;
use super::column::{ItemColumn, positive_events};
use super::finder::Found;
use crate::app::command::UiCommand;
use crate::app::latest::Latest;
use crate::app::panes::common::command_button;
use crate::app::state::AppState;
use crate::app::theme;
use crate::app::widgets::number::{count, percent};
use crate::app::widgets::{empty_state, semantic_id_text};
use crate::engine::embedding::ItemPlane;

/// How near to a point the pointer must be to mean it, points.
const REACH: f32 = 8.0;
/// Radius of the ring around the selected item, points.
const RING: f32 = 7.0;

/// The map: what it is coloured by, what is in view, and the last picture.
#[derive(Default)]
pub(super) struct ItemMap {
    coloring: Option<Coloring>,
    view: Option<(Arc<ItemPlane>, Viewport)>,
    helper: Option<Latest<Request, Drawn>>,
    asked: Option<Request>,
    drawn: Option<Drawn>,
    texture: Option<TextureHandle>,
    /// The colours of one colouring, and whether they are those of the dark theme.
    palette: Option<(Coloring, bool, Arc<Palette>)>,
}

impl ItemMap {
    /// Draws the map, or what leads to it.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        found: &Found,
        columns: &[ItemColumn],
        state: &AppState,
        commands: &mut Vec<UiCommand>,
        height: f32,
    ) {
        let Some(plane) = &state.plane else {
            return missing_ui(ui, state, commands);
        };
        if plane.points.len() != found.table.len() {
            ui.weak("The map belongs to another item table.");
            command_button(ui, state, commands, UiCommand::MapItems);
            return;
        }
        let bottom = ui.cursor().top() + height;
        self.controls_ui(ui, found, columns);
        let line = ui.spacing().interact_size.y + ui.spacing().item_spacing.y;
        let size = vec2(
            ui.available_width().max(80.0),
            (bottom - ui.cursor().top() - line).max(80.0),
        );
        // The whole area senses drags and clicks and is one Tab stop.
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let view = self.viewport(plane, rect);
        let mut moved = view;
        move_by_pointer(ui, &response, rect, &mut moved);
        if response.has_focus() {
            move_by_keys(ui, &response, plane, rect, &mut moved);
        }
        if response.double_clicked() {
            moved = Viewport::fit(&plane.points, rect.size().into());
        }
        self.view = Some((Arc::clone(plane), moved));
        self.ask(ui, found, plane, moved, rect);
        self.take(ui, plane);
        let name = format!(
            "Map of {} items, coloured by {}",
            count(found.table.len() as u64),
            self.coloring().name(&found.table)
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        self.draw(ui, rect, moved);
        if response.has_focus() {
            let ring = (1.0, theme::of(ui).accent);
            ui.painter()
                .rect_stroke(rect, 2.0, ring, egui::StrokeKind::Inside);
        }
        if let Some(item_idx) = state.selection.item {
            mark(ui, rect, moved, plane, item_idx, theme::of(ui).text);
        }
        self.point_at(ui, response, rect, moved, found, commands);
        self.status_ui(ui, plane);
    }

    /// Forgets what the picture showed, so that the next one shows everything.
    pub(super) fn show_all(&mut self) {
        self.view = None;
    }

    fn coloring(&self) -> Coloring {
        self.coloring.unwrap_or(Coloring::Level(0))
    }

    fn controls_ui(&mut self, ui: &mut Ui, found: &Found, columns: &[ItemColumn]) {
        let table = &found.table;
        let all = Coloring::all(table, columns);
        let mut coloring = self.coloring();
        if !all.contains(&coloring) {
            coloring = Coloring::Level(0);
        }
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Colour by");
            ComboBox::from_id_salt("map colours")
                .selected_text(coloring.name(table))
                .width(130.0)
                .show_ui(ui, |ui| {
                    for choice in &all {
                        ui.selectable_value(&mut coloring, *choice, choice.name(table));
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text(coloring.explanation(table));
            if ui
                .button("Show all")
                .on_hover_text(
                    "Everything in view again; the key 0 or a double click does the same",
                )
                .clicked()
            {
                self.show_all();
            }
            self.legend_ui(ui, coloring, table);
        });
        self.coloring = Some(coloring);
    }

    fn legend_ui(
        &self,
        ui: &mut Ui,
        coloring: Coloring,
        table: &crate::engine::run::items::ItemTable,
    ) {
        let legend = self.drawn.as_ref().map(|drawn| &drawn.colors.legend);
        let Some(legend) = legend.filter(|legend| !legend.is_empty()) else {
            ui.weak(coloring.explanation(table));
            return;
        };
        let tokens = theme::of(ui);
        for (number, (name, n_items)) in legend.iter().enumerate() {
            if name.is_empty() {
                continue;
            }
            let is_named = number < tokens.series.len();
            let color = if is_named {
                tokens.series_color(number)
            } else {
                tokens.weak_text
            };
            let (square, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            ui.painter().rect_filled(square, 2.0, color);
            ui.label(name)
                .on_hover_text(format!("{} items", count(*n_items as u64)));
        }
    }

    fn viewport(&self, plane: &Arc<ItemPlane>, rect: Rect) -> Viewport {
        match &self.view {
            Some((known, view)) if Arc::ptr_eq(known, plane) => *view,
            _ => Viewport::fit(&plane.points, rect.size().into()),
        }
    }

    fn ask(&mut self, ui: &Ui, found: &Found, plane: &Arc<ItemPlane>, view: Viewport, rect: Rect) {
        let tokens = theme::of(ui);
        let (coloring, is_dark) = (self.coloring(), ui.visuals().dark_mode);
        let palette = match &self.palette {
            Some((known, theme, palette)) if *known == coloring && *theme == is_dark => {
                Arc::clone(palette)
            }
            _ => {
                let palette = Arc::new(coloring.palette(&found.table, tokens));
                self.palette = Some((coloring, is_dark, Arc::clone(&palette)));
                palette
            }
        };
        let dim = tokens.weak_text;
        let density = ui.ctx().pixels_per_point();
        let is_narrowed = found.items.len() < found.table.len();
        let request = Request {
            table: Arc::clone(&found.table),
            plane: Arc::clone(plane),
            coloring,
            palette,
            dim_color: [dim.r(), dim.g(), dim.b()],
            found: is_narrowed.then(|| Arc::clone(&found.items)),
            view,
            size: [rect.width(), rect.height()].map(|side| (side * density).ceil() as usize),
            pixels_per_point: density,
        };
        if self
            .asked
            .as_ref()
            .is_some_and(|asked| asked.is_same(&request))
        {
            return;
        }
        self.asked = Some(request.clone());
        let helper = self.helper.get_or_insert_with(|| painter::spawn(ui.ctx()));
        helper.ask(request);
    }

    fn take(&mut self, ui: &Ui, plane: &Arc<ItemPlane>) {
        let Some(drawn) = self.helper.as_mut().and_then(Latest::take) else {
            return;
        };
        if !Arc::ptr_eq(&drawn.plane, plane) {
            return;
        }
        let picture = &drawn.picture;
        let image = ColorImage::from_rgba_premultiplied(picture.size, &picture.pixels);
        match &mut self.texture {
            Some(texture) => texture.set(image, TextureOptions::LINEAR),
            None => {
                let texture = ui
                    .ctx()
                    .load_texture("item map", image, TextureOptions::LINEAR);
                self.texture = Some(texture);
            }
        }
        self.drawn = Some(drawn);
    }

    /// The last picture where its points lie in the present view.
    fn draw(&self, ui: &Ui, rect: Rect, view: Viewport) {
        let tokens = theme::of(ui);
        let painter = ui.painter_at(rect);
        painter.rect_filled(rect, 3.0, tokens.background);
        let (Some(drawn), Some(texture)) = (&self.drawn, &self.texture) else {
            return;
        };
        let density = ui.ctx().pixels_per_point();
        let factor = view.scale / drawn.view.scale;
        let size = vec2(drawn.picture.size[0] as f32, drawn.picture.size[1] as f32) / density;
        let middle = place(rect, view, drawn.view.center);
        let target = Rect::from_center_size(middle, size * factor);
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), target, whole, Color32::WHITE);
    }

    fn point_at(
        &self,
        ui: &Ui,
        response: Response,
        rect: Rect,
        view: Viewport,
        found: &Found,
        commands: &mut Vec<UiCommand>,
    ) {
        let (Some(drawn), Some(pointer)) = (&self.drawn, response.hover_pos()) else {
            return;
        };
        let offset = pointer - rect.center();
        let place = view.to_plane([offset.x, offset.y]);
        let radius = REACH / view.scale;
        let points = &drawn.plane.points;
        let Some(item_idx) = drawn.grid.nearest(points, place, radius) else {
            return;
        };
        mark(ui, rect, view, &drawn.plane, item_idx, theme::of(ui).accent);
        if response.clicked() {
            response.request_focus();
            commands.push(UiCommand::SelectItem(Some(item_idx)));
        }
        if response.dragged() {
            return;
        }
        let (table, row) = (&found.table, item_idx as usize);
        response.on_hover_ui_at_pointer(|ui| {
            ui.strong(table.label(row));
            ui.monospace(semantic_id_text(table.codes(row)));
            let categories: Vec<&str> = table.categories(row).collect();
            if !categories.is_empty() {
                ui.weak(categories.join(", "));
            }
            ui.weak(positive_events(table.popularity(row)));
        });
    }

    fn status_ui(&self, ui: &mut Ui, plane: &ItemPlane) {
        let shares = plane.shares.map(percent);
        let spread = format!("axes keep {} and {} of the spread", shares[0], shares[1]);
        let text = match &self.drawn {
            Some(drawn) => format!(
                "Drawn: all {} items, {} in view; {spread}",
                count(drawn.plane.points.len() as u64),
                count(drawn.picture.n_in_view as u64)
            ),
            None => "Drawing".to_owned(),
        };
        ui.weak(text).on_hover_text(
            "The first two principal components of the item vectors. The spread is their variance: what is left of \
             it lies in directions that this map does not show, so items that lie together here may differ there",
        );
    }
}

/// Before there is a map.
fn missing_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    if state.pending.plane {
        empty_state(
            ui,
            "Computing the map",
            "The first two principal components of all item vectors are being worked out.",
            None,
        );
        ui.vertical_centered(|ui| ui.spinner());
        return;
    }
    let command = UiCommand::MapItems;
    let obstacle = command.obstacle(state);
    let text = "All items on a plane by the first two principal components of their vectors: items that lie far apart \
                here differ, and the colours show whether codes follow the vectors.";
    if empty_state(ui, "No map yet", text, Some((&command.text(), obstacle))) {
        commands.push(command);
    }
}

/// Where a point of the plane lies on the screen.
fn place(rect: Rect, view: Viewport, point: [f32; 2]) -> Pos2 {
    rect.center() + egui::Vec2::from(view.to_screen(point))
}

/// A ring around an item.
fn mark(ui: &Ui, rect: Rect, view: Viewport, plane: &ItemPlane, item_idx: u32, color: Color32) {
    if let Some(point) = plane.points.get(item_idx as usize) {
        let center = place(rect, view, *point);
        let painter = ui.painter_at(rect);
        let surface = theme::of(ui).background;
        painter.circle_stroke(center, RING, (4.0, surface));
        painter.circle_stroke(center, RING, (2.0, color));
    }
}
