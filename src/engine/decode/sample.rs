//! Sampling of whole slates, for many users at once: what the search strategies are compared with. [B 2.10, Table 8]
//!
//! A slate's log-probability is that of its codes under the model as it is; temperature and truncation only decide
//! which codes are drawn.

use burn::module::Module as _;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};

use super::beam::{Beam, next_tokens};
use super::constraint::Constraint;
use crate::engine::batch::ContextBatch;
use crate::engine::control::RunControl;
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
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
    assert!(
        n_items <= model.slate_len(),
        "{n_items} items from a model for {}",
        model.slate_len()
    );
    let model = model.valid();
    let vocab = model.vocab();
    let constraint = Constraint {
        trie: constraint,
        n_levels: vocab.n_levels,
        codebook_size: vocab.codebook_size,
    };
    let device = context.device().inner();
    let n_requests = context.n_rows();
    let memory = model.encode(&context.without_autodiff());
    let mut cache = model.start_cache(&memory);
    let start = Beam {
        codes: Vec::new(),
        log_prob: 0.0,
    };
    let mut beams = vec![vec![start]; n_requests];
    let mut is_dead = vec![false; n_requests * n_samples];

    let n_codes = n_items * vocab.n_levels;
    for code_idx in 0..n_codes {
        control.check()?;
        let tokens = next_tokens(&beams, vocab);
        let log_probs = log_softmax(
            model.step(&mut cache, Tensor::from_data(tokens, &device)),
            1,
        )
        .try_into_vec_as::<f32>()
        .expect("a float tensor reads back as f32");
        let rows: Vec<&[f32]> = log_probs.chunks_exact(vocab.codebook_size).collect();
        if code_idx == 0 {
            // All samples of a request begin alike, so their first code is drawn from one row.
            for beams in &mut beams {
                *beams = vec![beams[0].clone(); n_samples];
            }
        }
        for (idx, beam) in beams.iter_mut().flatten().enumerate() {
            let row = rows[if code_idx == 0 { idx / n_samples } else { idx }];
            let allowed = constraint.allowed_codes(&beam.codes);
            // A dead end is carried along with code 0, so that all rows stay of one length, and left out at the end.
            let code = draw(row, &allowed, sampling, rng);
            is_dead[idx] |= code.is_none();
            let code = code.unwrap_or_default();
            beam.codes.push(code);
            beam.log_prob += row[usize::from(code)];
        }
        if code_idx == 0 && n_codes > 1 {
            let parents: Vec<usize> = (0..n_requests * n_samples)
                .map(|idx| idx / n_samples)
                .collect();
            cache.select_rows(&parents);
        }
    }
    let mut is_dead = is_dead.into_iter();
    for beams in &mut beams {
        beams.retain(|_| !is_dead.next().unwrap_or_default());
    }
    Ok(beams)
}

/// One of the allowed codes, by the model's probabilities as the settings bend them; nothing where none is allowed.
fn draw(
    log_probs: &[f32],
    allowed: &[Code],
    sampling: &Sampling,
    rng: &mut impl Rng,
) -> Option<Code> {
    let log_prob = |code: Code| f64::from(log_probs[usize::from(code)]);
    let mut codes = allowed.to_vec();
    codes.sort_by(|a, b| log_prob(*b).total_cmp(&log_prob(*a)).then(a.cmp(b)));
    if sampling.top_k > 0 {
        codes.truncate(sampling.top_k);
    }
    let best = log_prob(*codes.first()?);
    let weights: Vec<f64> = codes
        .iter()
        .map(|code| ((log_prob(*code) - best) / sampling.temperature).exp())
        .collect();
    let total: f64 = weights.iter().sum();
    // The shortest head with the probability asked for, and within it a point drawn uniformly.
    let mut n_kept = 0;
    let mut kept = 0.0;
    while n_kept < weights.len() && (n_kept == 0 || kept < sampling.top_p * total) {
        kept += weights[n_kept];
        n_kept += 1;
    }
    let mut point = rng.random_range(0.0..1.0) * kept;
    for (code, weight) in codes[..n_kept].iter().zip(&weights) {
        point -= weight;
        if point < 0.0 {
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
            let code = draw(&log_probs, allowed, sampling, &mut rng).unwrap();
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
        let mut rng = Seed(3).rng("test.sample", 0);
        assert_eq!(draw(&[0.0], &[], &Sampling::default(), &mut rng), None);
    }
}
