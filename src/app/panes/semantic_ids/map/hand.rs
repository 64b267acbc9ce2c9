//! How the pointer and the keys move the map.

use egui::{EventFilter, Key, Modifiers, Rect, Response, Ui};

use super::viewport::Viewport;
use crate::engine::embedding::ItemPlane;

/// How far one press of an arrow key moves the map, points.
const STEP: f32 = 60.0;
/// How much one press of plus or minus enlarges.
const ZOOM_STEP: f32 = 1.3;
/// Points of the wheel that enlarge by e.
const WHEEL: f32 = 200.0;

/// Dragging moves, the wheel and two fingers zoom.
pub(super) fn move_by_pointer(ui: &Ui, response: &Response, rect: Rect, view: &mut Viewport) {
    if response.dragged() {
        view.pan(response.drag_delta().into());
    }
    if let Some(pointer) = response.hover_pos() {
        let (scrolled, pinched) =
            ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = pinched * (scrolled / WHEEL).exp();
        if factor != 1.0 {
            let offset = pointer - rect.center();
            view.zoom(factor, [offset.x, offset.y]);
        }
    }
}

/// Arrows move, plus and minus zoom, 0 shows everything.
pub(super) fn move_by_keys(
    ui: &Ui,
    response: &Response,
    plane: &ItemPlane,
    rect: Rect,
    view: &mut Viewport,
) {
    let filter = EventFilter {
        vertical_arrows: true,
        horizontal_arrows: true,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input_mut(|input| {
        let mut is_pressed = |key| input.consume_key(Modifiers::NONE, key);
        for (key, change) in [
            (Key::ArrowLeft, [STEP, 0.0]),
            (Key::ArrowRight, [-STEP, 0.0]),
            (Key::ArrowUp, [0.0, STEP]),
            (Key::ArrowDown, [0.0, -STEP]),
        ] {
            if is_pressed(key) {
                view.pan(change);
            }
        }
        if is_pressed(Key::Plus) || is_pressed(Key::Equals) {
            view.zoom(ZOOM_STEP, [0.0, 0.0]);
        }
        if is_pressed(Key::Minus) {
            view.zoom(1.0 / ZOOM_STEP, [0.0, 0.0]);
        }
        if is_pressed(Key::Num0) || is_pressed(Key::Home) {
            *view = Viewport::fit(&plane.points, rect.size().into());
        }
    });
}
