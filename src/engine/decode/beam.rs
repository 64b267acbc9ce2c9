//! Beam search over whole slates, for many users at once. [A 3.3.2, 4]
//!
//! A beam's score is the sum of the log-probabilities of its codes, each over all codes of its level. It is not
//! renormalised over the codes that a constraint leaves, so it equals what teacher forcing gives the same slate.

use std::cmp::Ordering;

use burn::module::Module as _;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::constraint::Constraint;
use crate::engine::batch::ContextBatch;
use crate::engine::control::RunControl;
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::trie::SemanticIdTrie;
use crate::engine::tokenizer::vocab::TokenVocab;

/// One decoded slate.
#[derive(Clone, Debug, PartialEq)]
pub struct Beam {
    /// The codes of its items, `[n_items * n_levels]`.
    pub codes: Vec<Code>,
    /// Sum of the log-probabilities of its codes.
    pub log_prob: f32,
}

/// A beam one code longer than the one it continues.
#[derive(Clone, Copy)]
struct Candidate {
    parent_idx: usize,
    code: Code,
    log_prob: f32,
}

/// The `n_beams` most probable slates of `n_items` distinct semantic IDs for each context, best first.
///
/// With `constraint` every semantic ID is one that some item has; without it any combination of codes may come.
/// There are fewer beams where fewer slates exist. Equal scores are ordered by code, lower first.
///
/// # Errors
/// [`EngineError::Stopped`] once a stop was asked for.
///
/// # Panics
/// If `n_items` is more than the model was built for.
pub fn beam_search(
    model: &Generator,
    context: &ContextBatch,
    constraint: Option<&SemanticIdTrie>,
    n_items: usize,
    n_beams: usize,
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
    let memory = model.encode(&context.without_autodiff());
    let mut cache = model.start_cache(&memory);
    let start = Beam {
        codes: Vec::new(),
        log_prob: 0.0,
    };
    let mut beams = vec![vec![start]; context.n_rows()];

    for code_idx in 0..n_items * vocab.n_levels {
        control.check()?;
        let tokens = next_tokens(&beams, vocab);
        let log_probs = log_softmax(
            model.step(&mut cache, Tensor::from_data(tokens, &device)),
            1,
        )
        .try_into_vec_as::<f32>()
        .expect("a float tensor reads back as f32");
        let width = beams.iter().map(Vec::len).max().unwrap_or(0);
        let chosen: Vec<Vec<Candidate>> = beams
            .par_iter()
            .zip(log_probs.par_chunks(width * vocab.codebook_size))
            .map(|(beams, log_probs)| best_candidates(beams, log_probs, &constraint, n_beams))
            .collect();
        beams = beams
            .iter()
            .zip(&chosen)
            .map(|(beams, chosen)| chosen.iter().map(|c| extend(beams, *c)).collect())
            .collect();
        if beams.iter().all(Vec::is_empty) {
            break;
        }
        if code_idx + 1 < n_items * vocab.n_levels {
            cache.select_rows(&parent_rows(&chosen, width));
        }
    }
    Ok(beams)
}

/// The tokens that the last step left to be fed: `[n_requests * width, n_new]`.
/// Requests with fewer beams than others are filled with rows that nothing reads.
pub(super) fn next_tokens(beams: &[Vec<Beam>], vocab: TokenVocab) -> TensorData {
    let width = beams.iter().map(Vec::len).max().unwrap_or(0);
    let n_codes = beams
        .iter()
        .flatten()
        .next()
        .map_or(0, |beam| beam.codes.len());
    let starts_item = n_codes.is_multiple_of(vocab.n_levels);
    let n_new = if n_codes > 0 && starts_item { 2 } else { 1 };
    let mut tokens = Vec::with_capacity(beams.len() * width * n_new);
    for beams in beams {
        for beam in beams {
            if let Some(code) = beam.codes.last() {
                let level_idx = (n_codes - 1) % vocab.n_levels;
                tokens.push(i64::from(vocab.token(level_idx, *code)));
            }
            if starts_item {
                tokens.push(i64::from(TokenVocab::BOS));
            }
        }
        let n_missing = (width - beams.len()) * n_new;
        tokens.extend(std::iter::repeat_n(i64::from(TokenVocab::PAD), n_missing));
    }
    TensorData::new(tokens, [beams.len() * width, n_new])
}

/// The best continuations of one request's beams, best first.
///
/// # Shapes
/// - log_probs: `[width * codebook_size]`, one row per beam
fn best_candidates(
    beams: &[Beam],
    log_probs: &[f32],
    constraint: &Constraint<'_>,
    n_beams: usize,
) -> Vec<Candidate> {
    let rows = log_probs.chunks_exact(constraint.codebook_size);
    let mut candidates = Vec::new();
    for (parent_idx, (beam, row)) in beams.iter().zip(rows).enumerate() {
        for code in constraint.allowed_codes(&beam.codes) {
            candidates.push(Candidate {
                parent_idx,
                code,
                log_prob: beam.log_prob + row[usize::from(code)],
            });
        }
    }
    let order = |a: &Candidate, b: &Candidate| -> Ordering {
        b.log_prob.total_cmp(&a.log_prob).then_with(|| {
            let codes = |c: &Candidate| (&beams[c.parent_idx].codes, c.code);
            codes(a).cmp(&codes(b))
        })
    };
    if candidates.len() > n_beams {
        candidates.select_nth_unstable_by(n_beams, order);
        candidates.truncate(n_beams);
    }
    candidates.sort_unstable_by(order);
    candidates
}

/// The beam that a candidate stands for.
fn extend(beams: &[Beam], candidate: Candidate) -> Beam {
    let mut codes = beams[candidate.parent_idx].codes.clone();
    codes.push(candidate.code);
    Beam {
        codes,
        log_prob: candidate.log_prob,
    }
}

/// The row of the cache that each new row continues. Rows that nothing reads continue their request's first.
fn parent_rows(chosen: &[Vec<Candidate>], width: usize) -> Vec<usize> {
    let new_width = chosen.iter().map(Vec::len).max().unwrap_or(0);
    chosen
        .iter()
        .enumerate()
        .flat_map(|(request_idx, chosen)| {
            (0..new_width).map(move |beam_idx| {
                let parent_idx = chosen.get(beam_idx).map_or(0, |c| c.parent_idx);
                request_idx * width + parent_idx
            })
        })
        .collect()
}
