//! Whether a predicted probability means what it says, and whether it ranks within a user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::auc;

/// Bins of equal width between 0 and 1.
const N_BINS: usize = 10;

/// Predictions that lie close together, and what really happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Mean prediction.
    pub predicted: f64,
    /// Mean label.
    pub observed: f64,
    /// Examples.
    pub n: u64,
}

/// The reliability curve: predictions in ten bins of equal width, those without an example left out.
pub fn reliability(predicted: &[f64], labels: &[f64]) -> Vec<ReliabilityBin> {
    assert_eq!(predicted.len(), labels.len(), "one label per prediction");
    let mut bins = [ReliabilityBin::default(); N_BINS];
    for (predicted, label) in predicted.iter().zip(labels) {
        let bin = &mut bins[((predicted * N_BINS as f64) as usize).min(N_BINS - 1)];
        bin.predicted += predicted;
        bin.observed += label;
        bin.n += 1;
    }
    bins.into_iter()
        .filter(|bin| bin.n > 0)
        .map(|bin| ReliabilityBin {
            predicted: bin.predicted / bin.n as f64,
            observed: bin.observed / bin.n as f64,
            n: bin.n,
        })
        .collect()
}

/// Expected calibration error: `sum over bins of n / N |mean prediction - mean label|`; 0 is best.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let total: u64 = bins.iter().map(|bin| bin.n).sum();
    bins.iter()
        .map(|bin| bin.n as f64 * (bin.predicted - bin.observed).abs())
        .sum::<f64>()
        / total.max(1) as f64
}

/// Area under the ROC curve within each user, averaged by the user's number of examples over the users whose labels
/// differ. `None` where there is no such user.
#[doc(alias = "group_auc")]
pub fn gauc(users: &[u32], predicted: &[f64], labels: &[f64]) -> Option<f64> {
    let mut of_user: BTreeMap<u32, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for ((user, predicted), label) in users.iter().zip(predicted).zip(labels) {
        let (scores, known) = of_user.entry(*user).or_default();
        scores.push(*predicted);
        known.push(*label);
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for (scores, known) in of_user.values() {
        if let Some(area) = auc(scores, known) {
            sum += area * known.len() as f64;
            weight += known.len() as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_and_their_error_by_hand() {
        let bins = reliability(&[0.12, 0.18, 0.95, 1.0], &[0.0, 1.0, 1.0, 1.0]);
        assert_eq!(bins.len(), 2);
        assert!((bins[0].predicted - 0.15).abs() < 1e-12 && bins[0].observed == 0.5);
        assert_eq!((bins[0].n, bins[1].n), (2, 2));
        // 2/4 * .35 + 2/4 * .025.
        assert!((expected_calibration_error(&bins) - 0.1875).abs() < 1e-12);
        assert_eq!(expected_calibration_error(&reliability(&[], &[])), 0.0);
    }

    #[test]
    fn ranking_counts_within_users_only() {
        // User 1 is ranked right, user 2 wrong, user 3 has one label; across users the scores would look good.
        let users = [1, 1, 2, 2, 2, 3];
        let predicted = [0.9, 0.8, 0.1, 0.2, 0.3, 0.5];
        let labels = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        // (2 * 1 + 3 * 0) / 5.
        assert!((gauc(&users, &predicted, &labels).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(gauc(&[1, 2], &[0.1, 0.2], &[1.0, 0.0]), None);
    }
}
