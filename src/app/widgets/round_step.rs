//! Steps that people count in: 1, 2 and 5 times a power of ten.

/// The smallest such step that is not below `rough`; none where `rough` is not a usual number above zero.
pub(super) fn round_step(rough: f64) -> Option<f64> {
    if !rough.is_normal() || rough < 0.0 {
        return None;
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough);
    Some(step.unwrap_or(10.0 * power))
}

/// The multiples of `step` within `low..=high`, as what `step` is to be multiplied by.
pub(super) fn multiples(step: f64, low: f64, high: f64) -> std::ops::RangeInclusive<i64> {
    // A border that should be a multiple of the step can lie a hair beside it.
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    first..=last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_never_below_what_was_asked() {
        assert_eq!(round_step(0.3), Some(0.5));
        assert_eq!(round_step(1.0), Some(1.0));
        assert_eq!(round_step(12.0), Some(20.0));
        assert_eq!(round_step(7e-4), Some(1e-3));
        for absurd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(round_step(absurd), None);
        }
    }

    #[test]
    fn borders_that_are_multiples_count() {
        assert_eq!(multiples(0.1, 0.3, 0.7), 3..=7);
        assert_eq!(multiples(0.5, -0.6, 1.1), -1..=2);
    }
}
