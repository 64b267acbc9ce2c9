//! Metrics as pure functions on plain numbers: ranks, areas, means with intervals, entropies.
//!
//! Nothing here knows a model or a dataset.

use crate::engine::data::ItemIdx;

/// Place of the target in a ranking, counting from 0; `None` where the ranking does not hold it.
pub fn rank_of(ranking: &[ItemIdx], target: ItemIdx) -> Option<usize> {
    ranking.iter().position(|item| *item == target)
}

/// Hit rate at k for one user with one target: 1 if it is among the first k, else 0. Equals recall at k.
#[doc(alias = "recall_at_k")]
pub fn hr_at_k(rank: Option<usize>, k: usize) -> f64 {
    f64::from(u8::from(rank.is_some_and(|rank| rank < k)))
}

/// Normalised discounted cumulative gain at k for one user with one target: 1 / log2(2 + rank) within the first k.
pub fn ndcg_at_k(rank: Option<usize>, k: usize) -> f64 {
    match rank {
        Some(rank) if rank < k => 1.0 / (rank as f64 + 2.0).log2(),
        _ => 0.0,
    }
}

/// Mean and half width of its 95% normal interval, 1.96 s / sqrt(n). The half width is 0 below two values.
pub fn mean_ci95(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return (mean, 0.0);
    }
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    (mean, 1.96 * (variance / n).sqrt())
}

/// Area under the ROC curve, for graded labels: the chance that of two examples with different labels the one with
/// the higher label has the higher score; equal scores count one half.
///
/// With labels 0 and 1 this is the usual area; a perfect ranking reaches 1 for graded labels too.
/// `None` where all labels are equal.
pub fn auc(scores: &[f64], labels: &[f64]) -> Option<f64> {
    assert_eq!(scores.len(), labels.len(), "one label per score");
    let mut distinct = scores.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| labels[*a].total_cmp(&labels[*b]));

    // From the lowest label up: how many lower-labelled examples score lower, and how many the same.
    let mut lower = RankCounts::new(distinct.len());
    let (mut n_pairs, mut n_right) = (0, 0.0);
    for group in order.chunk_by(|a, b| labels[*a].total_cmp(&labels[*b]).is_eq()) {
        let ranks = group
            .iter()
            .map(|idx| distinct.partition_point(|score| score.total_cmp(&scores[*idx]).is_lt()));
        let ranks: Vec<usize> = ranks.collect();
        for rank in &ranks {
            let (below, up_to) = (lower.below(*rank), lower.below(rank + 1));
            n_pairs += lower.total;
            n_right += (below + up_to) as f64 / 2.0;
        }
        for rank in ranks {
            lower.add(rank);
        }
    }
    (n_pairs > 0).then(|| n_right / n_pairs as f64)
}

/// Counts of ranks with fast sums from the lowest (a Fenwick tree).
struct RankCounts {
    tree: Vec<u64>,
    total: u64,
}

impl RankCounts {
    fn new(n_ranks: usize) -> Self {
        Self {
            tree: vec![0; n_ranks + 1],
            total: 0,
        }
    }

    fn add(&mut self, rank: usize) {
        self.total += 1;
        let mut node = rank + 1;
        while node < self.tree.len() {
            self.tree[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    /// How many ranks are below `rank`.
    fn below(&self, rank: usize) -> u64 {
        let (mut node, mut sum) = (rank, 0);
        while node > 0 {
            sum += self.tree[node];
            node -= node & node.wrapping_neg();
        }
        sum
    }
}

/// Entropy of a distribution, nats.
pub fn entropy_nats(probs: &[f64]) -> f64 {
    -probs
        .iter()
        .filter(|prob| **prob > 0.0)
        .map(|prob| prob * prob.ln())
        .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn hit_rate_and_gain_of_one_target() {
        let ranking = [ItemIdx(7), ItemIdx(3), ItemIdx(9)];
        assert_eq!(rank_of(&ranking, ItemIdx(9)), Some(2));
        assert_eq!(rank_of(&ranking, ItemIdx(1)), None);
        close(hr_at_k(Some(2), 3), 1.0);
        close(hr_at_k(Some(2), 2), 0.0);
        close(hr_at_k(None, 10), 0.0);
        close(ndcg_at_k(Some(0), 10), 1.0);
        close(ndcg_at_k(Some(2), 10), 0.5);
        close(ndcg_at_k(Some(2), 2), 0.0);
        close(ndcg_at_k(None, 10), 0.0);
    }

    #[test]
    fn mean_and_interval_by_hand() {
        // Variance of 1, 2, 3, 4 is 5/3; half width 1.96 * sqrt(5/3 / 4).
        let (mean, half) = mean_ci95(&[1.0, 2.0, 3.0, 4.0]);
        close(mean, 2.5);
        close(half, 1.96 * (5.0_f64 / 12.0).sqrt());
        assert_eq!(mean_ci95(&[3.0]), (3.0, 0.0));
        assert_eq!(mean_ci95(&[]), (0.0, 0.0));
    }

    #[test]
    fn area_with_hard_labels_and_ties() {
        // Pairs (positive, negative): .9>.5, .9>.1, .5=.5, .5>.1 -> 3.5 of 4.
        let area = auc(&[0.9, 0.5, 0.5, 0.1], &[1.0, 1.0, 0.0, 0.0]);
        close(area.unwrap(), 3.5 / 4.0);
        assert_eq!(auc(&[0.1, 0.2], &[1.0, 1.0]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn area_with_graded_labels_by_hand() {
        // Labels .8 and .2: right. Labels .8 and .5: right. Labels .2 and .5: tied.
        let area = auc(&[3.0, 1.0, 1.0], &[0.8, 0.2, 0.5]);
        close(area.unwrap(), 2.5 / 3.0);
        close(auc(&[0.3, 0.2, 0.1], &[0.9, 0.5, 0.5]).unwrap(), 1.0);
    }

    #[test]
    fn entropy_of_uniform_and_certain() {
        close(entropy_nats(&[0.25; 4]), 4.0_f64.ln());
        close(entropy_nats(&[1.0, 0.0]), 0.0);
    }

    proptest! {
        #[test]
        fn area_is_the_share_of_pairs_in_order(
            pairs in prop::collection::vec((0i32..6, 0i32..4), 1..40)
        ) {
            let scores: Vec<f64> = pairs.iter().map(|(score, _)| f64::from(*score)).collect();
            let labels: Vec<f64> = pairs.iter().map(|(_, label)| f64::from(*label)).collect();
            let (mut n_pairs, mut n_right) = (0.0, 0.0);
            for (score, label) in &pairs {
                for (other, lower) in pairs.iter().filter(|(_, other)| other < label) {
                    prop_assert!(lower < label);
                    n_pairs += 1.0;
                    n_right += match score.cmp(other) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let found = auc(&scores, &labels);
            prop_assert_eq!(found.is_some(), n_pairs > 0.0);
            prop_assert!(found.is_none_or(|area| (area - n_right / n_pairs).abs() < 1e-9));
        }

        #[test]
        fn area_turns_around_with_the_scores(
            pairs in prop::collection::vec((-5i32..5, 0.0f64..1.0), 2..30)
        ) {
            let scores: Vec<f64> = pairs.iter().map(|(score, _)| f64::from(*score)).collect();
            let turned: Vec<f64> = scores.iter().map(|score| -score).collect();
            let labels: Vec<f64> = pairs.iter().map(|(_, label)| *label).collect();
            if let (Some(a), Some(b)) = (auc(&scores, &labels), auc(&turned, &labels)) {
                prop_assert!((a + b - 1.0).abs() < 1e-9);
            }
        }
    }
}
