//! The axes of a chart: which values are marked, and as what text.

use egui_plot::GridMark;

use super::log_axis;
use super::number::count;
use super::round_step::{multiples, round_step};

/// Least width of a y axis, points; charts below each other then begin at the same place.
pub(super) const Y_AXIS_WIDTH: f32 = 48.0;
/// Distance between two marks of a y axis that leaves room for their numbers, points.
const Y_DISTANCE: f32 = 40.0;
/// The same for an x axis, whose numbers stand beside each other.
const X_DISTANCE: f32 = 90.0;

/// Marks of a linear y axis over `bounds`, `height` points high: round, even, at least two where there is room.
pub(super) fn even_marks(bounds: (f64, f64), height: f32) -> Vec<GridMark> {
    let n_marks = f64::from(height / Y_DISTANCE).max(2.0);
    round_step((bounds.1 - bounds.0) / n_marks).map_or_else(Vec::new, |step| every(step, bounds))
}

/// Marks of an x axis over `bounds`, `width` points wide: as [`even_marks`], but of whole numbers, since it counts.
pub(super) fn whole_marks(bounds: (f64, f64), width: f32) -> Vec<GridMark> {
    let n_marks = f64::from(width / X_DISTANCE).max(2.0);
    let step = round_step((bounds.1 - bounds.0) / n_marks);
    step.map_or_else(Vec::new, |step| every(step.max(1.0), bounds))
}

fn every(step: f64, (low, high): (f64, f64)) -> Vec<GridMark> {
    multiples(step, low, high)
        .map(|idx| GridMark {
            value: idx as f64 * step,
            step_size: step,
        })
        .collect()
}

/// Marks of a logarithmic axis over `bounds`, which are exponents.
pub(super) fn log_marks(bounds: (f64, f64)) -> Vec<GridMark> {
    log_axis::ticks(bounds.0, bounds.1)
        .into_iter()
        .map(|tick| GridMark {
            value: tick.position,
            step_size: tick.spacing,
        })
        .collect()
}

/// The number of a mark of a linear axis: as many digits as tell it from its neighbours.
pub(super) fn even_text(mark: &GridMark) -> String {
    let decimals = (-mark.step_size.log10().floor()).clamp(0.0, 12.0) as usize;
    let is_zero = mark.value.abs() < mark.step_size / 2.0;
    let value = if is_zero { 0.0 } else { mark.value };
    if value.abs() >= 1e7 {
        format!("{value:.1e}")
    } else if value >= 0.0 && decimals == 0 {
        count(value.round() as u64)
    } else {
        format!("{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_marks_have_different_numbers() {
        for bounds in [
            (3.4, 5.1),
            (0.3171, 0.3499),
            (-2.0, 2.0),
            (-3e-4, 1e-4),
            (0.0, 48_000.0),
        ] {
            let texts: Vec<String> = even_marks(bounds, 140.0).iter().map(even_text).collect();
            assert!((2..=8).contains(&texts.len()), "{bounds:?}: {texts:?}");
            assert!(
                texts.windows(2).all(|pair| pair[0] != pair[1]),
                "{bounds:?}: {texts:?}"
            );
        }
    }

    #[test]
    fn steps_are_marked_by_whole_numbers() {
        let values = |bounds| -> Vec<f64> {
            let marks = whole_marks(bounds, 500.0);
            marks.iter().map(|mark| mark.value).collect()
        };
        assert_eq!(values((-0.0002, 0.0002)), [0.0]);
        assert_eq!(values((0.0, 3.0)), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            values((0.0, 500.0)),
            [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]
        );
    }

    #[test]
    fn thousands_are_grouped() {
        let mark = GridMark {
            value: 25_000.0,
            step_size: 5000.0,
        };
        assert_eq!(even_text(&mark), count(25_000));
    }

    #[test]
    fn zero_has_no_sign() {
        let texts: Vec<String> = even_marks((-1.0, 1.0), 200.0)
            .iter()
            .map(even_text)
            .collect();
        assert!(texts.contains(&"0.0".to_owned()), "{texts:?}");
    }

    #[test]
    fn an_axis_without_extent_has_no_marks() {
        assert!(even_marks((1.0, 1.0), 100.0).is_empty());
        assert!(even_marks((f64::NEG_INFINITY, f64::INFINITY), 100.0).is_empty());
    }
}
