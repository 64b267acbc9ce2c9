//! Equal-load transport by Sinkhorn's iterations, and the collision policy built on it. [LC-Rec; LETTER]

use std::ops::ControlFlow;

use super::Code;
use super::last_code::recode;
use super::quantizer::Quantizer;

/// How sharp the transport is: the smaller, the nearer to the cheapest one. [LC-Rec: 0.003]
pub const EPSILON: f64 = 0.003;
/// Passes over rows and columns. [LC-Rec: 50 to 100]
const N_PASSES: usize = 100;
/// Rounds of separating what still shares an ID. [LC-Rec: 20]
const N_ROUNDS: usize = 20;
/// Costs of one transport, at most; the items of a larger group are spread part by part.
const MOST_COSTS: usize = 1 << 25;

/// A transport plan `[n_rows * n_columns]` whose rows sum to 1/rows and whose columns sum to 1/columns.
///
/// Costs are brought to -1 to 1 first, as LC-Rec does: with an `epsilon` from 0.003 on, e^(-2/epsilon) is still a
/// 64-bit number. The columns are exact; the rows are as near as the passes bring them.
pub fn transport(costs: &[f64], n_columns: usize, epsilon: f64, n_passes: usize) -> Vec<f64> {
    let n_rows = costs.len() / n_columns;
    let largest = costs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let half = ((largest - least) / 2.0).max(f64::MIN_POSITIVE);
    let mut plan: Vec<f64> = Vec::with_capacity(costs.len());
    for row in costs.chunks_exact(n_columns) {
        // A factor per row changes nothing: the cheapest of each gets 1.
        let cheapest = row.iter().copied().fold(f64::INFINITY, f64::min);
        plan.extend(
            row.iter()
                .map(|cost| (-(cost - cheapest) / half / epsilon).exp()),
        );
    }
    let (row_mass, column_mass) = (1.0 / n_rows as f64, 1.0 / n_columns as f64);
    let mut by_column = vec![1.0; n_columns];
    let mut by_row = vec![1.0; n_rows];
    for _ in 0..n_passes {
        let mut sums = vec![0.0; n_columns];
        for (row, factor) in plan.chunks_exact(n_columns).zip(&mut by_row) {
            *factor = row_mass / dot(row, &by_column).max(f64::MIN_POSITIVE);
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value * *factor;
            }
        }
        for (factor, sum) in by_column.iter_mut().zip(sums) {
            *factor = column_mass / sum.max(f64::MIN_POSITIVE);
        }
    }
    for (row, by_row) in plan.chunks_exact_mut(n_columns).zip(by_row) {
        for (value, by_column) in row.iter_mut().zip(&by_column) {
            *value *= by_row * by_column;
        }
    }
    plan
}

/// Independent sums let the compiler use vector registers; one running sum would not.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let ((a_chunks, a_rest), (b_chunks, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// The code that a row of a plan gives most to, the lowest of equals.
pub fn likeliest(row: &[f64]) -> Code {
    (0..row.len())
        .reduce(|best, code| if row[code] > row[best] { code } else { best })
        .unwrap_or_default() as Code
}

/// Gives the items of each shared ID last codes by equal-load transport, for some rounds. Items with equal vectors
/// cannot be told apart: where all items of an ID are equal, they stay.
///
/// `latents [n_items * dim]`, `codes [n_items * n_levels]`, changed in place. Nothing if `pulse`, which hears the share
/// of the rounds that is done, breaks off.
pub fn spread(
    quantizer: &Quantizer,
    latents: &[f32],
    codes: &mut [Code],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<()> {
    let (dim, n_codes) = (quantizer.codebooks.dim(), quantizer.codebook_size());
    let latent = |item: u32| &latents[item as usize * dim..][..dim];
    let policy = |prefix: &[Code], items: &[u32], last: &[Code]| {
        let mut chosen = Vec::new();
        let mut rest = items;
        for codes in last.chunk_by(|a, b| a == b) {
            let (members, after) = rest.split_at(codes.len());
            rest = after;
            if members
                .iter()
                .all(|item| latent(*item) == latent(members[0]))
            {
                continue;
            }
            for members in members.chunks((MOST_COSTS / n_codes).max(1)) {
                let costs: Vec<f64> = members
                    .iter()
                    .flat_map(|item| quantizer.costs(latent(*item), prefix))
                    .map(f64::from)
                    .collect();
                let plan = transport(&costs, n_codes, EPSILON, N_PASSES);
                for (item, row) in members.iter().zip(plan.chunks_exact(n_codes)) {
                    chosen.push((*item, likeliest(row)));
                }
            }
        }
        chosen
    };
    for round in 0..N_ROUNDS {
        let mut in_round = |done_frac| pulse((round as f64 + done_frac) / N_ROUNDS as f64);
        if !recode(codes, quantizer.n_levels(), policy, &mut in_round)? {
            break;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::engine::seed::Seed;
    use crate::engine::tokenizer::Codebooks;

    #[test]
    fn columns_sum_to_their_share_and_rows_to_theirs() {
        let mut rng = Seed(5).rng("test.costs", 0);
        let (n_rows, n_columns) = (40, 8);
        let costs: Vec<f64> = (0..n_rows * n_columns)
            .map(|_| rng.random_range(0.0..4.0))
            .collect();
        let plan = transport(&costs, n_columns, 0.05, 200);
        for column in 0..n_columns {
            let sum: f64 = plan.iter().skip(column).step_by(n_columns).sum();
            assert!(
                (sum - 1.0 / n_columns as f64).abs() < 1e-3,
                "{column}: {sum}"
            );
        }
        for row in plan.chunks_exact(n_columns) {
            let sum: f64 = row.iter().sum();
            assert!((sum - 1.0 / n_rows as f64).abs() < 1e-3, "{sum}");
        }
    }

    #[test]
    fn two_items_that_like_the_same_code_part() {
        // Both are nearest to code 0; item 1 is nearer to code 1 than item 0 is.
        let plan = transport(&[0.0, 4.0, 0.5, 1.0], 2, 0.05, 200);
        assert!(plan[0] > plan[1] && plan[3] > plan[2], "{plan:?}");
        let quantizer = Quantizer::residual(Codebooks::new(1, 2, 1, vec![0.0, 2.0]));
        let mut codes = vec![0, 0];
        let mut go_on = |_| ControlFlow::Continue(());
        spread(&quantizer, &[0.0, 0.9], &mut codes, &mut go_on).unwrap();
        assert_eq!(codes, [0, 1]);
        let mut codes = vec![0, 0];
        spread(&quantizer, &[1.5, 1.5], &mut codes, &mut go_on).unwrap();
        assert_eq!(codes, [0, 0], "equal items stay");
    }

    #[test]
    fn equal_costs_stay_finite() {
        for value in transport(&[3.0; 6], 3, EPSILON, 10) {
            assert!((value - 1.0 / 6.0).abs() < 1e-9);
        }
    }
}
