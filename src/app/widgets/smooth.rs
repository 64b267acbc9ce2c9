//! Smoothing of a whole series: a debiased exponential average whose memory is measured along x.
//!
//! It is the time-weighted average that experiment trackers use: unlike a plain exponential average
//! it does not depend on how densely the series is sampled, and the first values are not pulled to zero.

/// Units into which the x range is divided, so that one slider suits series of any length.
const RANGE_UNITS: f64 = 1000.0;

/// The series after smoothing with `weight` in `0..1`; 0 returns it unchanged.
///
/// Values that are not finite pass through and do not touch the average around them.
pub fn smooth(points: &[[f64; 2]], weight: f64) -> Vec<[f64; 2]> {
    if weight <= 0.0 || points.len() < 2 {
        return points.to_vec();
    }
    let weight = weight.min(0.999).sqrt();
    let range = points[points.len() - 1][0] - points[0][0];
    let (mut sum, mut total, mut last_x) = (0.0, 0.0, points[0][0]);
    points
        .iter()
        .map(|[x, y]| {
            if !y.is_finite() {
                return [*x, *y];
            }
            let distance = if range > 0.0 {
                (x - last_x) / range * RANGE_UNITS
            } else {
                1.0
            };
            let kept = weight.powf(distance);
            sum = sum * kept + y;
            total = total * kept + 1.0;
            last_x = *x;
            [*x, sum / total]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_weight_changes_nothing() {
        let points = vec![[0.0, 3.0], [1.0, f64::NAN], [2.0, 1.0]];
        let smoothed = smooth(&points, 0.0);
        assert_eq!(format!("{smoothed:?}"), format!("{points:?}"));
    }

    #[test]
    fn a_constant_stays_and_the_start_is_not_pulled_to_zero() {
        let points: Vec<[f64; 2]> = (0..100).map(|step| [f64::from(step), 5.0]).collect();
        for [_, y] in smooth(&points, 0.99) {
            assert!((y - 5.0).abs() < 1e-12, "{y}");
        }
    }

    #[test]
    fn two_points_agree_with_the_formula() {
        // Weight 0.25 -> root 0.5; the whole range is 1000 units, so the first point is forgotten.
        let far = smooth(&[[0.0, 4.0], [10.0, 2.0]], 0.25);
        assert!((far[1][1] - 2.0).abs() < 1e-12, "{far:?}");
        // 1001 points over 1000 steps are one unit apart: (0.5 * 4 + 2) / (0.5 + 1).
        let mut dense = vec![[0.0, 4.0], [1.0, 2.0]];
        dense.push([1000.0, 2.0]);
        let near = smooth(&dense, 0.25);
        assert!((near[1][1] - 8.0 / 3.0).abs() < 1e-12, "{near:?}");
    }

    #[test]
    fn values_that_are_not_finite_do_not_spread() {
        let smoothed = smooth(&[[0.0, 1.0], [1.0, f64::NAN], [2.0, 1.0]], 0.9);
        assert!(smoothed[1][1].is_nan());
        assert!((smoothed[2][1] - 1.0).abs() < 1e-12);
    }
}
