//! Which codes the slates are made of, level by level, before and after alignment: a policy that writes a few codes over
//! and over is seen here. [A 5.4 looks at the entropy of its predictions; this is what comes out of them]

use serde::{Deserialize, Serialize};

use super::generate::GeneratedSlate;
use super::metrics::entropy_nats;
use crate::engine::tokenizer::Code;

/// Codes that are named of each level, before and after.
const N_TOP: usize = 8;

/// The codes of one level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LevelCodes {
    /// Distinct codes before and after.
    pub n_distinct: (u64, u64),
    /// Entropy of the codes' frequencies before and after, nats.
    pub entropy: (f64, f64),
    /// The most frequent codes before, and those after that are not among them, most frequent after first.
    pub top: Vec<CodeShare>,
}

/// How often one code is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeShare {
    /// The code.
    pub code: Code,
    /// Its share of the level's codes before.
    pub before: f64,
    /// The same after.
    pub after: f64,
}

/// Codes of all slates of all users, by level and code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeCounts(Vec<Vec<u64>>);

impl CodeCounts {
    /// Counts the codes of slates whose items have `n_levels` codes each.
    pub fn of(slates: &[Vec<GeneratedSlate>], n_levels: usize) -> Self {
        let mut counts = vec![Vec::new(); n_levels];
        for slate in slates.iter().flatten() {
            for sid in slate.codes.chunks_exact(n_levels.max(1)) {
                for (level, code) in counts.iter_mut().zip(sid) {
                    let code = usize::from(*code);
                    if level.len() <= code {
                        level.resize(code + 1, 0);
                    }
                    level[code] += 1;
                }
            }
        }
        Self(counts)
    }
}

/// Sets the codes before beside those after.
pub fn level_codes(before: &CodeCounts, after: &CodeCounts) -> Vec<LevelCodes> {
    let levels = before.0.iter().zip(&after.0);
    levels
        .map(|(before, after)| {
            let (before, after) = (shares(before), shares(after));
            let of = |shares: &[f64], code: usize| shares.get(code).copied().unwrap_or(0.0);
            let mut codes = top(&before);
            codes.extend(top(&after));
            codes.sort_by(|a, b| {
                let by_share = of(&after, *b).total_cmp(&of(&after, *a));
                by_share.then(a.cmp(b))
            });
            codes.dedup();
            LevelCodes {
                n_distinct: (n_distinct(&before), n_distinct(&after)),
                entropy: (entropy_nats(&before), entropy_nats(&after)),
                top: codes
                    .into_iter()
                    .map(|code| CodeShare {
                        code: code as Code,
                        before: of(&before, code),
                        after: of(&after, code),
                    })
                    .collect(),
            }
        })
        .collect()
}

fn shares(counts: &[u64]) -> Vec<f64> {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|count| *count as f64 / total).collect()
}

/// The codes with the largest shares; of equal ones the lower code.
fn top(shares: &[f64]) -> Vec<usize> {
    let mut codes: Vec<usize> = (0..shares.len())
        .filter(|code| shares[*code] > 0.0)
        .collect();
    codes.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]).then(a.cmp(b)));
    codes.truncate(N_TOP);
    codes
}

fn n_distinct(shares: &[f64]) -> u64 {
    shares.iter().filter(|share| **share > 0.0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slates(codes: &[&[Code]]) -> Vec<Vec<GeneratedSlate>> {
        let slate = |codes: &&[Code]| GeneratedSlate {
            items: Vec::new(),
            codes: codes.to_vec(),
            log_prob: 0.0,
        };
        vec![codes.iter().map(slate).collect()]
    }

    #[test]
    fn shares_and_entropy_by_hand() {
        // Two levels, two items per slate.
        let before = slates(&[&[0, 5, 1, 5], &[2, 5, 3, 6]]);
        let after = slates(&[&[1, 5, 1, 5], &[1, 5, 9, 5]]);
        let counts = |slates: &[Vec<GeneratedSlate>]| CodeCounts::of(slates, 2);
        let found = level_codes(&counts(&before), &counts(&after));
        assert_eq!(found[0].n_distinct, (4, 2));
        assert!((found[0].entropy.0 - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(found[1].entropy.1, 0.0);
        let top: Vec<(Code, f64, f64)> = found[0]
            .top
            .iter()
            .map(|share| (share.code, share.before, share.after))
            .collect();
        assert_eq!(
            top,
            [
                (1, 0.25, 0.75),
                (9, 0.0, 0.25),
                (0, 0.25, 0.0),
                (2, 0.25, 0.0),
                (3, 0.25, 0.0)
            ]
        );
        assert!(level_codes(&counts(&[]), &counts(&[]))[0].top.is_empty());
    }
}
