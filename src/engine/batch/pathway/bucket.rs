//! Continuous features as buckets, each with a vector of its own: monotone, and never without a number.

use crate::engine::data::Continuous;

/// Buckets per feature. The last one is open.
pub const N_BUCKETS: usize = 64;

/// Buckets per doubling of the value.
const PER_OCTAVE: f64 = 3.0;

/// The bucket of a value in seconds: 0 where it is not known, else 1 to [`N_BUCKETS`] - 1, rising with the value.
/// Values far below the feature's unit share the first bucket.
pub(super) fn bucket(feature: Continuous, seconds: f64) -> usize {
    let unit = match feature {
        Continuous::Age => 60.0,
        Continuous::Watched | Continuous::Duration => 1.0,
    };
    if seconds.is_nan() {
        return 0;
    }
    let octaves = (1.0 + seconds.max(0.0) / unit).log2();
    // A cast of a float saturates, so infinity lands in the last bucket, too.
    ((octaves * PER_OCTAVE) as usize).min(N_BUCKETS - 2) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_and_unknown_is_apart() {
        for feature in [Continuous::Age, Continuous::Watched, Continuous::Duration] {
            assert_eq!(bucket(feature, f64::NAN), 0);
            let values: Vec<f64> = (-5..90).map(|power| 1.3_f64.powi(power)).collect();
            let buckets: Vec<usize> = values.iter().map(|value| bucket(feature, *value)).collect();
            assert!(buckets.is_sorted(), "{buckets:?}");
            assert_eq!(bucket(feature, 0.0), 1);
            assert_eq!(bucket(feature, -3.0), 1, "clocks that disagree");
            assert_eq!(bucket(feature, f64::INFINITY), N_BUCKETS - 1);
        }
        // log2(1 + 1) and log2(1 + 7) octaves of three buckets.
        assert_eq!(bucket(Continuous::Watched, 1.0), 4);
        assert_eq!(bucket(Continuous::Duration, 7.0), 10);
        assert_eq!(bucket(Continuous::Age, 60.0), 4);
        // A week and five years still differ.
        assert!(bucket(Continuous::Age, 604_800.0) < bucket(Continuous::Age, 1.6e8));
    }
}
