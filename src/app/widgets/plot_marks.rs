//! Small marks for values that no axis can show.

use egui::{Color32, Painter, Pos2, Shape, Stroke, vec2};

/// Half the size of a mark, in points.
const HALF: f32 = 4.0;

/// NaN: a cross.
pub(super) fn cross(painter: &Painter, center: Pos2, color: Color32) {
    let stroke = Stroke::new(2.0, color);
    for sign in [-1.0, 1.0] {
        let arm = vec2(HALF, sign * HALF);
        painter.line_segment([center - arm, center + arm], stroke);
    }
}

/// Beyond the upper edge: a triangle that points up.
pub(super) fn up(painter: &Painter, center: Pos2, color: Color32) {
    triangle(painter, center, color, -HALF);
}

/// Beyond the lower edge: a triangle that points down.
pub(super) fn down(painter: &Painter, center: Pos2, color: Color32) {
    triangle(painter, center, color, HALF);
}

fn triangle(painter: &Painter, center: Pos2, color: Color32, tip: f32) {
    painter.add(Shape::convex_polygon(
        vec![
            center + vec2(0.0, tip),
            center + vec2(HALF, -tip),
            center + vec2(-HALF, -tip),
        ],
        color,
        Stroke::NONE,
    ));
}
