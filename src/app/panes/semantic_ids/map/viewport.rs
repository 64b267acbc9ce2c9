//! Which part of the plane is in view: plain arithmetic between the plane and the pixels.

/// How far the wheel may zoom in and out, as factors of the view that shows everything.
const ZOOM_RANGE: (f32, f32) = (0.2, 100_000.0);
/// Share of the picture that stays free around all points.
const MARGIN: f32 = 0.04;

/// The part of the plane that is in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Viewport {
    /// The point of the plane in the middle of the picture.
    pub center: [f32; 2],
    /// Points of the screen per unit of the plane, the same along both axes.
    pub scale: f32,
    /// The scale that shows everything.
    fitted: f32,
}

impl Viewport {
    /// Shows all points in a picture of that size.
    pub(super) fn fit(points: &[[f32; 2]], size: [f32; 2]) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for point in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let span = |axis: usize| (high[axis] - low[axis]).max(f32::MIN_POSITIVE);
        let fitting = |axis: usize| size[axis] * (1.0 - 2.0 * MARGIN) / span(axis);
        let scale = fitting(0).min(fitting(1));
        if points.is_empty() || !scale.is_finite() {
            // No point, or all of them in one place.
            let center = points.first().copied().unwrap_or_default();
            return Self {
                center,
                scale: 1.0,
                fitted: 1.0,
            };
        }
        Self {
            center: [0, 1].map(|axis| (low[axis] + high[axis]) / 2.0),
            scale,
            fitted: scale,
        }
    }

    /// Where a point of the plane lies, from the middle of the picture. The second axis points up.
    pub(super) fn to_screen(self, point: [f32; 2]) -> [f32; 2] {
        [
            (point[0] - self.center[0]) * self.scale,
            (self.center[1] - point[1]) * self.scale,
        ]
    }

    /// The point of the plane that lies there, from the middle of the picture.
    pub(super) fn to_plane(self, offset: [f32; 2]) -> [f32; 2] {
        [
            self.center[0] + offset[0] / self.scale,
            self.center[1] - offset[1] / self.scale,
        ]
    }

    /// Moves the picture by that much on the screen.
    pub(super) fn pan(&mut self, change: [f32; 2]) {
        self.center[0] -= change[0] / self.scale;
        self.center[1] += change[1] / self.scale;
    }

    /// Enlarges by a factor around a place of the screen, which stays where it is.
    pub(super) fn zoom(&mut self, factor: f32, offset: [f32; 2]) {
        let fixed = self.to_plane(offset);
        let (least, most) = ZOOM_RANGE;
        self.scale = (self.scale * factor).clamp(self.fitted * least, self.fitted * most);
        let moved = self.to_screen(fixed);
        self.pan([offset[0] - moved[0], offset[1] - moved[1]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: [f32; 2], b: [f32; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3
    }

    #[test]
    fn everything_fits_and_up_is_up() {
        let view = Viewport::fit(&[[-1.0, 0.0], [3.0, 1.0]], [400.0, 400.0]);
        assert_eq!(view.center, [1.0, 0.5]);
        assert!(
            near(view.to_screen([3.0, 0.5]), [184.0, 0.0]),
            "4% stay free"
        );
        assert!(view.to_screen([1.0, 1.0])[1] < 0.0);
        assert!(near(view.to_plane(view.to_screen([2.0, 0.7])), [2.0, 0.7]));
    }

    #[test]
    fn zooming_keeps_the_place_and_ends() {
        let mut view = Viewport::fit(&[[0.0, 0.0], [1.0, 1.0]], [100.0, 100.0]);
        let before = view.to_plane([20.0, -10.0]);
        view.zoom(3.0, [20.0, -10.0]);
        assert!(near(view.to_plane([20.0, -10.0]), before));
        view.pan([5.0, 0.0]);
        assert!(near(view.to_screen(before), [25.0, -10.0]));
        view.zoom(1e30, [0.0, 0.0]);
        assert!(view.scale.is_finite());
    }

    #[test]
    fn one_place_and_no_place_have_a_view() {
        for points in [&[][..], &[[2.0, 3.0]; 5][..]] {
            let view = Viewport::fit(points, [100.0, 100.0]);
            assert!(view.scale > 0.0 && view.scale.is_finite());
        }
        assert_eq!(Viewport::fit(&[[2.0, 3.0]], [9.0, 9.0]).center, [2.0, 3.0]);
    }
}
