//! Sampling of whole slates, for many users at once: what the search strategies are compared with. [B 2.10, Table 8]
//!
//! A slate's log-probability is that of its codes under the model as it is; temperature and truncation only decide
//! which codes are drawn.

use rand::{Rng, RngExt as _};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::beam::Beam;
use super::search::Search;
use crate::engine::batch::ContextBatch;
use crate::engine::control::RunControl;
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
use crate::engine::ops::log_total;
use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::trie::SemanticIdTrie;

/// How codes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Log-probabilities are divided by it; 1 draws from the model as it is.
    pub temperature: f64,
    /// Only so many of the likeliest codes can be drawn; 0 leaves all.
    pub top_k: usize,
    /// Only the likeliest codes that together have this probability can be drawn; 1 leaves all.
    pub top_p: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
        }
    }
}

/// `n_samples` slates of `n_items` distinct semantic IDs for each context, in the order drawn; the same slate may come
/// more than once. With `constraint` only IDs that some item has are written.
///
/// There are fewer slates where a draw runs into a dead end, that is, where fewer than `n_items` IDs exist.
///
/// # Errors
/// [`EngineError::Stopped`] once a stop was asked for.
///
/// # Panics
/// If `n_items` is more than the model was built for.
pub fn sample(
    model: &Generator,
    context: &ContextBatch,
    constraint: Option<&SemanticIdTrie>,
    n_items: usize,
    n_samples: usize,
    sampling: &Sampling,
    rng: &mut impl Rng,
    control: &RunControl,
) -> Result<Vec<Vec<Beam>>, EngineError> {
    let (mut search, mut beams) = Search::start(model, context, constraint, n_items);
    let n_requests = beams.len();
    let mut is_dead = vec![false; n_requests * n_samples];
    for code_idx in 0..search.n_codes {
        control.check()?;
        let logits = search.next_logits(&beams);
        let rows: Vec<&[f32]> = logits
            .chunks_exact(search.constraint.codebook_size())
            .collect();
        let is_first = code_idx == 0;
        if is_first {
            // All samples of a request begin alike, so their first code is drawn from one row.
            for beams in &mut beams {
                *beams = vec![beams[0].clone(); n_samples];
            }
        }
        // The points are drawn in the order of the rows; what they mean is found on all cores.
        let points: Vec<f64> = (0..n_requests * n_samples)
            .map(|_| rng.random_range(0.0..1.0))
            .collect();
        let constraint = &search.constraint;
        let mut flat: Vec<&mut Beam> = beams.iter_mut().flatten().collect();
        flat.par_iter_mut()
            .zip(&mut is_dead)
            .zip(points)
            .enumerate()
            .for_each(|(idx, ((beam, is_dead), point))| {
                let row = rows[if is_first { idx / n_samples } else { idx }];
                let allowed = constraint.allowed_codes(&beam.codes);
                // A dead end is carried along with code 0, so that all rows stay of one length, and left out at the end.
                let code = draw(row, &allowed, sampling, point);
                *is_dead |= code.is_none();
                let code = code.unwrap_or_default();
                beam.codes.push(code);
                beam.log_prob += row[usize::from(code)] - log_total(row);
            });
        if is_first && search.n_codes > 1 {
            let parents: Vec<usize> = (0..n_requests * n_samples)
                .map(|idx| idx / n_samples)
                .collect();
            search.select_rows(&parents);
        }
    }
    let mut is_dead = is_dead.into_iter();
    for beams in &mut beams {
        beams.retain(|_| !is_dead.next().unwrap_or_default());
    }
    Ok(beams)
}

/// The allowed code at `point`, from 0 to below 1, of the model's probabilities as the settings bend them; nothing where
/// none is allowed. Logits and log-probabilities do alike.
fn draw(logits: &[f32], allowed: &[Code], sampling: &Sampling, point: f64) -> Option<Code> {
    let logit = |code: Code| f64::from(logits[usize::from(code)]);
    let mut codes = allowed.to_vec();
    if sampling.top_k > 0 || sampling.top_p < 1.0 {
        codes.sort_unstable_by(|a, b| logit(*b).total_cmp(&logit(*a)).then(a.cmp(b)));
    }
    if sampling.top_k > 0 {
        codes.truncate(sampling.top_k);
    }
    let best = codes.iter().map(|code| logit(*code)).reduce(f64::max)?;
    let weights: Vec<f64> = codes
        .iter()
        .map(|code| ((logit(*code) - best) / sampling.temperature).exp())
        .collect();
    // The shortest head with the probability asked for, and the point within it.
    let (mut n_kept, mut kept) = (weights.len(), weights.iter().sum::<f64>());
    if sampling.top_p < 1.0 {
        let enough = sampling.top_p * kept;
        (n_kept, kept) = (0, 0.0);
        while n_kept < weights.len() && (n_kept == 0 || kept < enough) {
            kept += weights[n_kept];
            n_kept += 1;
        }
    }
    let mut left = point * kept;
    for (code, weight) in codes[..n_kept].iter().zip(&weights) {
        left -= weight;
        if left < 0.0 {
            return Some(*code);
        }
    }
    codes[..n_kept].last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    fn counts(sampling: &Sampling, allowed: &[Code]) -> [u32; 4] {
        let log_probs = [0.5_f32, 0.25, 0.125, 0.125].map(f32::ln);
        let mut rng = Seed(3).rng("test.sample", 0);
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let code = draw(&log_probs, allowed, sampling, rng.random_range(0.0..1.0)).unwrap();
            counts[usize::from(code)] += 1;
        }
        counts
    }

    #[track_caller]
    fn about(found: u32, expected: f64) {
        assert!(
            (f64::from(found) - expected).abs() < 130.0,
            "{found} is not about {expected}"
        );
    }

    #[test]
    fn codes_come_as_often_as_the_model_says() {
        let found = counts(&Sampling::default(), &[0, 1, 2, 3]);
        about(found[0], 2000.0);
        about(found[1], 1000.0);
        about(found[2], 500.0);
        // What is not allowed is never drawn; the others share its probability.
        let found = counts(&Sampling::default(), &[1, 2]);
        assert_eq!([found[0], found[3]], [0, 0]);
        about(found[1], 4000.0 * 2.0 / 3.0);
    }

    #[test]
    fn truncation_and_temperature_bend_the_draw() {
        let top_k = Sampling {
            top_k: 2,
            ..Sampling::default()
        };
        let found = counts(&top_k, &[0, 1, 2, 3]);
        assert_eq!(found[2..], [0, 0]);
        about(found[0], 4000.0 * 2.0 / 3.0);
        let top_p = Sampling {
            top_p: 0.5,
            ..Sampling::default()
        };
        assert_eq!(counts(&top_p, &[0, 1, 2, 3]), [4000, 0, 0, 0]);
        let cold = Sampling {
            temperature: 0.5,
            ..Sampling::default()
        };
        // Squares: 1/4, 1/16, 1/64, 1/64.
        about(counts(&cold, &[0, 1, 2, 3])[0], 4000.0 * 16.0 / 22.0);
    }

    #[test]
    fn nothing_can_be_drawn_from_nothing() {
        assert_eq!(draw(&[0.0], &[], &Sampling::default(), 0.5), None);
    }
}
