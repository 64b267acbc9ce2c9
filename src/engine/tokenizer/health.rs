//! Health of semantic IDs as pure functions of the codes: one definition each, for every method and every view.
//! [B 4.4 gives utilization, entropy and reconstruction; the others are the field's usual ones]

use super::report::{CodebookLevel, FanOut, TokenizerReport};
use super::{Code, SemanticIdTable};
use crate::engine::data::ItemIdx;

/// A figure of health as it is explained to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What it is called everywhere.
    pub name: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// How to read it.
    pub meaning: &'static str,
}

impl Measure {
    /// Name, formula and meaning as sentences, for tooltips.
    pub fn explain(&self) -> String {
        format!("{}: {}. {}.", self.name, self.formula, self.meaning)
    }
}

/// Codes in use.
pub const UTILIZATION: Measure = Measure {
    name: "Utilization",
    formula: "codes with at least one item / K",
    meaning: "1 is best; low values mean a collapsed codebook",
};
/// Evenness of the load.
pub const ENTROPY: Measure = Measure {
    name: "Entropy",
    formula: "- sum over codes of p ln p, p = items of the code / items, in nats",
    meaning: "ln K where every code has equally many items",
};
/// Entropy on a scale that does not depend on the size of the codebook.
pub const EVENNESS: Measure = Measure {
    name: "Evenness",
    formula: "entropy / ln K",
    meaning: "1 where every code has equally many items",
};
/// Codes effectively in use.
pub const PERPLEXITY: Measure = Measure {
    name: "Perplexity",
    formula: "exp(entropy)",
    meaning: "how many equally full codes would be as even; at most K",
};
/// Unevenness of the load.
pub const GINI: Measure = Measure {
    name: "Gini",
    formula: "2 sum of i n(i) / (K sum of n(i)) - (K + 1) / K, n sorted ascending, i from 1",
    meaning: "0 where all codes are equally full, towards 1 where one has everything",
};
/// Codes nobody uses.
pub const DEAD_CODES: Measure = Measure {
    name: "Dead codes",
    formula: "codes without an item",
    meaning: "tokens that the generator learns for nothing",
};
/// The longest queue.
pub const FULLEST: Measure = Measure {
    name: "Fullest code",
    formula: "items of the code with the most items",
    meaning: "compare it with items / K, an even share",
};
/// How often a code will have to be written.
pub const POPULARITY: Measure = Measure {
    name: "Popularity per code",
    formula: "sum over the items of a code of their positive events in the training part",
    meaning: "a code that has most of it can be guessed without looking at the history",
};
/// What a level leaves over.
pub const RESIDUAL: Measure = Measure {
    name: "Residual",
    formula: "mean over items and dimensions of (vector - sum of the codewords up to this level)^2",
    meaning: "must fall from level to level",
};
/// What all levels leave over.
pub const RECONSTRUCTION: Measure = Measure {
    name: "Reconstruction error",
    formula: "mean over items and dimensions of (vector - its reconstruction from the ID)^2",
    meaning: "lower keeps more of the vectors; compare it with the mean square of the vectors",
};
/// Items without an ID of their own.
pub const COLLISIONS: Measure = Measure {
    name: "Collision rate",
    formula: "1 - distinct semantic IDs / items",
    meaning: "0 where every item has an ID of its own",
};
/// Items in company.
pub const ITEMS_SHARING: Measure = Measure {
    name: "Items sharing",
    formula: "items whose ID another item has too",
    meaning: "a hit on such an ID is not yet a hit on the item",
};
/// The worst collision.
pub const LARGEST_GROUP: Measure = Measure {
    name: "Largest group",
    formula: "items of the most crowded ID",
    meaning: "1 where there are no collisions",
};
/// How prefixes branch.
pub const FAN_OUT: Measure = Measure {
    name: "Fan-out",
    formula: "distinct prefixes of length l / distinct prefixes of length l - 1",
    meaning: "choices that the decoder really has at level l; 1 means that the level says nothing new",
};
/// Whether near items begin alike.
pub const NEIGHBOURHOOD: Measure = Measure {
    name: "Neighbourhood agreement",
    formula: "share of pairs (item, one of its 10 nearest by vector) whose IDs have the same first l codes",
    meaning: "high values mean that the prefix keeps what the vectors know",
};
/// Whether items watched together begin alike.
pub const CO_WATCH: Measure = Measure {
    name: "Co-watch agreement",
    formula: "share of adjacent positive items of the training histories whose IDs have the same first l codes",
    meaning: "high values make the next code easy to predict from the history",
};

/// All measures in the order in which tables show them.
pub const MEASURES: [Measure; 16] = [
    UTILIZATION,
    ENTROPY,
    EVENNESS,
    PERPLEXITY,
    GINI,
    DEAD_CODES,
    FULLEST,
    POPULARITY,
    RESIDUAL,
    RECONSTRUCTION,
    COLLISIONS,
    ITEMS_SHARING,
    LARGEST_GROUP,
    FAN_OUT,
    NEIGHBOURHOOD,
    CO_WATCH,
];

/// Items per code.
pub fn load(codebook_size: usize, codes: impl Iterator<Item = Code>) -> Vec<u32> {
    let mut load = vec![0; codebook_size];
    for code in codes {
        load[usize::from(code)] += 1;
    }
    load
}

/// [`UTILIZATION`] of a load.
pub fn utilization(load: &[u32]) -> f64 {
    load.iter().filter(|n_items| **n_items > 0).count() as f64 / load.len() as f64
}

/// [`ENTROPY`] of a load. [B 4.4]
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

/// [`GINI`] of a load; 0 for an empty one.
pub fn gini(load: &[u32]) -> f64 {
    let mut sorted = load.to_vec();
    sorted.sort_unstable();
    let n_codes = sorted.len() as f64;
    let total: f64 = sorted.iter().copied().map(f64::from).sum();
    if total == 0.0 {
        return 0.0;
    }
    let ranked: f64 = (1..)
        .zip(&sorted)
        .map(|(rank, count)| f64::from(rank) * f64::from(*count))
        .sum();
    (2.0 * ranked / (n_codes * total) - (n_codes + 1.0) / n_codes).max(0.0)
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
        gini: gini(&load),
        dead_codes: load.iter().filter(|n_items| **n_items == 0).count() as u64,
        residual_error,
        popularity: Vec::new(),
        load,
    }
}

/// Per level and code: the sum of the popularity of its items.
pub fn popularity_per_code(table: &SemanticIdTable, popularity: &[u32]) -> Vec<Vec<u64>> {
    let mut sums = vec![vec![0; table.codebook_size()]; table.n_levels()];
    for (sid, count) in table.codes().chunks_exact(table.n_levels()).zip(popularity) {
        for (sums, code) in sums.iter_mut().zip(sid) {
            sums[usize::from(*code)] += u64::from(*count);
        }
    }
    sums
}

/// [`FAN_OUT`] per level.
pub fn fan_out(table: &SemanticIdTable) -> Vec<FanOut> {
    let n_levels = table.n_levels();
    let mut found = vec![FanOut::default(); n_levels];
    let mut children = vec![0_u64; n_levels];
    let mut last: Option<&[Code]> = None;
    for (sid, _) in table.iter() {
        // IDs come in ascending order, so what follows one prefix stands together.
        let n_common = last.map_or(0, |last| {
            sid.iter().zip(last).take_while(|(a, b)| a == b).count()
        });
        for level_idx in n_common..n_levels {
            found[level_idx].prefixes += 1;
            // A level below the first new one has just got a new parent.
            children[level_idx] = if level_idx == n_common {
                children[level_idx] + 1
            } else {
                1
            };
            found[level_idx].largest = found[level_idx].largest.max(children[level_idx]);
        }
        last = Some(sid);
    }
    let mut parents = 1;
    for level in &mut found {
        level.mean = if parents == 0 {
            0.0
        } else {
            level.prefixes as f64 / parents as f64
        };
        parents = level.prefixes;
    }
    found
}

/// Per prefix length from 1: the share of pairs of items whose IDs begin alike; zeros without pairs.
pub fn agreement(
    table: &SemanticIdTable,
    pairs: impl Iterator<Item = (ItemIdx, ItemIdx)>,
) -> Vec<f64> {
    let mut alike = vec![0_u64; table.n_levels()];
    let mut n_pairs = 0_u64;
    for (a, b) in pairs {
        n_pairs += 1;
        let common = table
            .sid(a)
            .iter()
            .zip(table.sid(b))
            .take_while(|(a, b)| a == b);
        for (count, _) in alike.iter_mut().zip(common) {
            *count += 1;
        }
    }
    alike
        .iter()
        .map(|count| *count as f64 / n_pairs.max(1) as f64)
        .collect()
}

/// How items share semantic IDs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Collisions {
    /// Different semantic IDs in use.
    pub distinct_ids: u64,
    /// [`ITEMS_SHARING`].
    pub items_sharing: u64,
    /// [`LARGEST_GROUP`].
    pub largest_group: u64,
    /// [`COLLISIONS`].
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

/// All that the codes alone tell. Everything that needs vectors or histories is left out.
pub fn table_report(table: &SemanticIdTable) -> TokenizerReport {
    let shared = collisions(table);
    let levels = (0..table.n_levels())
        .map(|level_idx| {
            let codes = table.codes().iter().skip(level_idx);
            let codes = codes.step_by(table.n_levels()).copied();
            CodebookLevel {
                is_final: true,
                ..level_health(level_idx, table.codebook_size(), codes, 0.0)
            }
        })
        .collect();
    TokenizerReport {
        levels,
        collision_rate: shared.rate,
        collision_rate_before: shared.rate,
        collision_rate_nearest: shared.rate,
        items_sharing: shared.items_sharing,
        largest_group: shared.largest_group,
        distinct_ids: shared.distinct_ids,
        fan_out: fan_out(table),
        ..TokenizerReport::default()
    }
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
    fn the_document_explains_every_measure_as_the_program_does() {
        let page = include_str!("../../../SEMANTIC_IDS.md");
        for measure in MEASURES {
            let Measure {
                name,
                formula,
                meaning,
            } = measure;
            assert!(
                page.contains(&format!("| {name} | {formula} | {meaning} |")),
                "SEMANTIC_IDS.md does not explain {name}"
            );
        }
    }

    #[test]
    fn a_level_by_hand() {
        let health = level_health(1, 4, [0, 0, 2, 2, 2, 2, 3, 3].into_iter(), 0.5);
        assert_eq!(health.load, [2, 0, 4, 2]);
        assert_eq!((health.utilization, health.dead_codes), (0.75, 1));
        // Shares 1/4, 1/2, 1/4: the entropy is 1.5 ln 2 and the perplexity 2^1.5.
        assert!((health.entropy_nats - 1.5 * 2_f64.ln()).abs() < 1e-12);
        assert!((health.perplexity - 8_f64.sqrt()).abs() < 1e-12);
        // Ascending 0, 2, 2, 4: 2 (0 + 4 + 6 + 16) / (4 * 8) - 5/4 = 0.375.
        assert!((health.gini - 0.375).abs() < 1e-12);
    }

    #[test]
    fn entropy_lies_between_one_code_and_uniform_use() {
        assert_eq!(entropy_nats(&[0, 9, 0]), 0.0);
        assert!((entropy_nats(&[5; 256]) - 256_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn gini_lies_between_equal_and_one_code() {
        assert_eq!(gini(&[7; 10]), 0.0);
        assert!((gini(&[0, 0, 0, 9]) - 0.75).abs() < 1e-12, "(K - 1) / K");
        assert_eq!(gini(&[0, 0]), 0.0);
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

    /// IDs 0.1, 0.1, 0.2, 3.1 of two levels.
    fn small() -> SemanticIdTable {
        SemanticIdTable::new(2, 4, vec![0, 1, 0, 1, 0, 2, 3, 1])
    }

    #[test]
    fn fan_out_by_hand() {
        let expected = [
            FanOut {
                prefixes: 2,
                mean: 2.0,
                largest: 2,
            },
            FanOut {
                prefixes: 3,
                mean: 1.5,
                largest: 2,
            },
        ];
        assert_eq!(fan_out(&small()), expected);
    }

    #[test]
    fn agreement_and_popularity_by_hand() {
        let pairs = [(0, 1), (0, 2), (0, 3), (2, 3)].map(|(a, b)| (ItemIdx(a), ItemIdx(b)));
        assert_eq!(agreement(&small(), pairs.into_iter()), [0.5, 0.25]);
        assert_eq!(agreement(&small(), [].into_iter()), [0.0, 0.0]);
        let popularity = popularity_per_code(&small(), &[10, 1, 5, 2]);
        assert_eq!(popularity, [[16, 0, 0, 2], [0, 13, 5, 0]]);
    }
}
