//! The duration-aware reward of logged impressions: watched long for a video of that length, by that user's own
//! standards. [V2 3.1.1]

/// Added to a duration before its logarithm.
const EPSILON: f64 = 1e-6;

/// Bucket of a duration: `F(d) = floor(log_beta(d + epsilon))`.
pub fn bucket(duration_secs: f64, beta: f64) -> i32 {
    (duration_secs + EPSILON).log(beta).floor() as i32
}

/// Share of the user's earlier impressions of the same length bucket that were watched at most as long; nothing
/// where there is none. [V2 does not say what an empty bucket gives]
pub fn watch_quantile(watch_secs: f64, earlier_in_bucket: &[f64]) -> Option<f64> {
    if earlier_in_bucket.is_empty() {
        return None;
    }
    let n_shorter = earlier_in_bucket
        .iter()
        .filter(|earlier| **earlier <= watch_secs)
        .count();
    Some(n_shorter as f64 / earlier_in_bucket.len() as f64)
}

/// Advantages of a batch of impressions: -1 where explicitly disliked, 1 where the quantile is above the batch's upper
/// quartile, else 0. They are not normalised.
pub fn duration_advantages(quantiles: &[Option<f64>], is_disliked: &[bool]) -> Vec<f64> {
    let mut known: Vec<f64> = quantiles.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    // The value below which three quarters lie.
    let threshold = match known.len() {
        0 => f64::INFINITY,
        n => known[(3 * n).div_ceil(4).max(1) - 1],
    };
    quantiles
        .iter()
        .zip(is_disliked)
        .map(|(quantile, is_disliked)| {
            if *is_disliked {
                -1.0
            } else if quantile.is_some_and(|quantile| quantile > threshold) {
                1.0
            } else {
                0.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_grow_with_the_length() {
        assert_eq!(bucket(1.0, 2.0), 0);
        assert_eq!(bucket(7.9, 2.0), 2);
        assert_eq!(bucket(8.0, 2.0), 3);
        assert!(bucket(0.0, 2.0) < -10, "an unknown length stands apart");
        let buckets: Vec<i32> = (1..200).map(|secs| bucket(f64::from(secs), 1.5)).collect();
        assert!(buckets.is_sorted());
    }

    #[test]
    fn a_history_made_by_hand() {
        let earlier = [2.0, 4.0, 6.0, 8.0];
        assert_eq!(watch_quantile(5.0, &earlier), Some(0.5));
        assert_eq!(watch_quantile(8.0, &earlier), Some(1.0));
        assert_eq!(watch_quantile(1.0, &earlier), Some(0.0));
        assert_eq!(watch_quantile(1.0, &[]), None);
    }

    #[test]
    fn the_upper_quartile_is_rewarded_and_dislikes_are_punished() {
        let quantiles = [Some(0.1), Some(0.9), Some(0.5), Some(0.3), None, Some(1.0)];
        let is_disliked = [false, false, false, false, false, true];
        // Known and sorted: .1 .3 .5 .9 1; three quarters of five are four values, so the threshold is .9.
        assert_eq!(
            duration_advantages(&quantiles, &is_disliked),
            [0.0, 0.0, 0.0, 0.0, 0.0, -1.0]
        );
        let four = [Some(0.1), Some(0.9), Some(0.5), Some(0.3)];
        assert_eq!(
            duration_advantages(&four, &[false; 4]),
            [0.0, 1.0, 0.0, 0.0]
        );
        assert_eq!(duration_advantages(&[None], &[false]), [0.0]);
    }
}
