//! A logarithmic y axis for plots that only know linear ones: the transform, its ticks, their labels.

use super::round_step::{multiples, round_step};

/// One tick: where it lies on the transformed axis, and the distance to the next of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogTick {
    /// log10 of the value.
    pub position: f64,
    /// Distance to the next tick of the same weight, on the transformed axis.
    pub spacing: f64,
}

/// Where a value lies on the axis. Zero and negative values have no place: they become -inf.
pub fn to_axis(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value <= 0.0 {
        f64::NEG_INFINITY
    } else {
        value.log10()
    }
}

/// Ticks for the visible part `low..=high` of the transformed axis.
///
/// Decades and, where there are few of them, their multiples; within less than half a decade, even steps.
pub fn ticks(low: f64, high: f64) -> Vec<LogTick> {
    let width = high - low;
    if !width.is_finite() || width <= 0.0 || width > 600.0 {
        return Vec::new();
    }
    if width < 0.5 {
        return even_ticks(low, high);
    }
    let mut ticks = Vec::new();
    for decade in (low.floor() as i32)..=(high.ceil() as i32) {
        let base = f64::from(decade);
        ticks.push(LogTick {
            position: base,
            spacing: 1.0,
        });
        if width < 6.0 {
            for multiple in 2..10_u8 {
                let here = f64::from(multiple).log10();
                let next = (f64::from(multiple) + 1.0).log10();
                ticks.push(LogTick {
                    position: base + here,
                    spacing: next - here,
                });
            }
        }
    }
    ticks.retain(|tick| (low..=high).contains(&tick.position));
    ticks
}

/// About five evenly spaced values between `10^low` and `10^high`.
fn even_ticks(low: f64, high: f64) -> Vec<LogTick> {
    let (first, last) = (10_f64.powf(low), 10_f64.powf(high));
    let Some(step) = round_step((last - first) / 5.0) else {
        return Vec::new();
    };
    multiples(step, first, last)
        .filter(|idx| *idx > 0)
        .map(|idx| {
            let position = (idx as f64 * step).log10();
            LogTick {
                position,
                spacing: ((idx + 1) as f64 * step).log10() - position,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_a_logarithm_fall_below_the_axis() {
        assert_eq!(to_axis(100.0), 2.0);
        assert_eq!(to_axis(0.0), f64::NEG_INFINITY);
        assert_eq!(to_axis(-1.0), f64::NEG_INFINITY);
        assert!(to_axis(f64::NAN).is_nan());
        assert_eq!(to_axis(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn decades_and_their_multiples_are_marked() {
        let ticks = ticks(-1.0, 1.0);
        let decades: Vec<f64> = ticks
            .iter()
            .filter(|tick| tick.spacing == 1.0)
            .map(|tick| tick.position)
            .collect();
        assert_eq!(decades, [-1.0, 0.0, 1.0]);
        assert!(
            ticks
                .iter()
                .any(|tick| (tick.position - 5_f64.log10()).abs() < 1e-12)
        );
        assert_eq!(ticks.len(), 3 + 2 * 8);
    }

    #[test]
    fn a_narrow_range_gets_even_steps() {
        let ticks = ticks(5_f64.log10(), 5.5_f64.log10());
        let values: Vec<f64> = ticks
            .iter()
            .map(|tick| 10_f64.powf(tick.position))
            .collect();
        assert!((4..=8).contains(&values.len()), "{values:?}");
        assert!(
            (values[0] - 5.0).abs() < 1e-9 && (values[1] - 5.1).abs() < 1e-9,
            "{values:?}"
        );
    }

    #[test]
    fn absurd_ranges_give_no_ticks() {
        assert!(ticks(0.0, 0.0).is_empty());
        assert!(ticks(f64::NEG_INFINITY, 1.0).is_empty());
        assert!(ticks(f64::NAN, 1.0).is_empty());
    }
}
