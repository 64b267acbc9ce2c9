//! A reward without a reward model: what the user really went on to is right, everything ranked around it is wrong,
//! and the more wrong the higher it was ranked. [MiniOneRec 4]

/// Rewards of a group of candidates, likeliest first.
///
/// `hits` holds per candidate the share of its items that the user really took, 1 or 0 for a single item.
///
/// ```text
/// R_k = hit_k                                                       where candidate k hits
/// R_k = -(1 / log2(rank_k + 1)) / sum over misses of 1 / log2(rank + 1)   where it misses, rank from 1
/// ```
/// The rank terms sum to -1. A group without any hit teaches nothing: all its rewards are 0.
pub fn hit_rank_rewards(hits: &[f64]) -> Vec<f64> {
    if hits.iter().all(|hit| *hit <= 0.0) {
        return vec![0.0; hits.len()];
    }
    let discount = |idx: usize| ((idx + 2) as f64).log2().recip();
    let misses = hits.iter().enumerate().filter(|(_, hit)| **hit <= 0.0);
    let total: f64 = misses.map(|(idx, _)| discount(idx)).sum();
    hits.iter()
        .enumerate()
        .map(|(idx, hit)| {
            if *hit > 0.0 {
                *hit
            } else {
                -discount(idx) / total
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_share_minus_one_by_rank() {
        let rewards = hit_rank_rewards(&[0.0, 1.0, 0.0]);
        // Discounts of ranks 1 and 3: 1 and 1/2.
        assert_eq!(rewards, [-1.0 / 1.5, 1.0, -0.5 / 1.5]);
        let misses: f64 = rewards.iter().filter(|reward| **reward < 0.0).sum();
        assert!((misses + 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_of_a_slate_count_as_parts() {
        assert_eq!(hit_rank_rewards(&[0.4, 0.0]), [0.4, -1.0]);
    }

    #[test]
    fn a_group_without_hit_or_without_miss_is_simple() {
        assert_eq!(hit_rank_rewards(&[0.0; 3]), [0.0; 3]);
        assert_eq!(hit_rank_rewards(&[1.0, 1.0]), [1.0, 1.0]);
        assert!(hit_rank_rewards(&[]).is_empty());
    }
}
