//! Health of codes as pure functions of the codes: load, utilization, entropy, collisions. [B 4.4]

use super::report::CodebookLevel;
use super::{Code, SemanticIdTable};

/// Items per code.
pub fn load(codebook_size: usize, codes: impl Iterator<Item = Code>) -> Vec<u32> {
    let mut load = vec![0; codebook_size];
    for code in codes {
        load[usize::from(code)] += 1;
    }
    load
}

/// Share of the codes that have an item.
pub fn utilization(load: &[u32]) -> f64 {
    load.iter().filter(|n_items| **n_items > 0).count() as f64 / load.len() as f64
}

/// Shannon entropy of the load in nats; at most the logarithm of the number of codes. [B 4.4]
pub fn entropy_nats(load: &[u32]) -> f64 {
    let n_items: f64 = load.iter().copied().map(f64::from).sum();
    let entropy: f64 = load
        .iter()
        .filter(|n_items| **n_items > 0)
        .map(|count| {
            let share = f64::from(*count) / n_items;
            -share * share.ln()
        })
        .sum();
    // A single code gives -0.
    entropy.max(0.0)
}

/// The health of one level. The residual error is in squared units of the item vectors, per element.
pub fn level_health(
    level_idx: usize,
    codebook_size: usize,
    codes: impl Iterator<Item = Code>,
    residual_error: f64,
) -> CodebookLevel {
    let load = load(codebook_size, codes);
    let entropy_nats = entropy_nats(&load);
    CodebookLevel {
        level_idx,
        iteration: 0,
        is_final: false,
        utilization: utilization(&load),
        entropy_nats,
        perplexity: entropy_nats.exp(),
        residual_error,
        load,
    }
}

/// How items share semantic IDs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Collisions {
    /// Different semantic IDs in use.
    pub distinct_ids: u64,
    /// Items that share theirs.
    pub items_sharing: u64,
    /// Items of the most crowded ID.
    pub largest_group: u64,
    /// 1 - distinct semantic IDs / items.
    pub rate: f64,
}

/// Counts the items that share semantic IDs.
pub fn collisions(table: &SemanticIdTable) -> Collisions {
    let mut counts = Collisions::default();
    for (_, items) in table.iter() {
        let n_items = items.len() as u64;
        counts.distinct_ids += 1;
        counts.items_sharing += if n_items > 1 { n_items } else { 0 };
        counts.largest_group = counts.largest_group.max(n_items);
    }
    if table.n_items() > 0 {
        counts.rate = 1.0 - counts.distinct_ids as f64 / table.n_items() as f64;
    }
    counts
}

/// Mean of the squared values.
pub fn mean_square(values: &[f32]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let sum: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
    sum / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_by_hand() {
        let health = level_health(1, 4, [0, 0, 2, 2, 2, 2, 3, 3].into_iter(), 0.5);
        assert_eq!(health.load, [2, 0, 4, 2]);
        assert_eq!(health.utilization, 0.75);
        // Shares 1/4, 1/2, 1/4: the entropy is 1.5 ln 2 and the perplexity 2^1.5.
        assert!((health.entropy_nats - 1.5 * 2_f64.ln()).abs() < 1e-12);
        assert!((health.perplexity - 8_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn entropy_lies_between_one_code_and_uniform_use() {
        assert_eq!(entropy_nats(&[0, 9, 0]), 0.0);
        assert!((entropy_nats(&[5; 256]) - 256_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn collisions_by_hand() {
        let table = SemanticIdTable::new(1, 8, vec![3, 3, 3, 5, 5, 7]);
        let expected = Collisions {
            distinct_ids: 3,
            items_sharing: 5,
            largest_group: 3,
            rate: 0.5,
        };
        assert_eq!(collisions(&table), expected);
    }
}
