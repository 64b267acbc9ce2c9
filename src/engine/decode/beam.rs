//! Beam search over whole slates, for many users at once. [A 3.3.2, 4]
//!
//! A beam's score is the sum of the log-probabilities of its codes, each over all codes of its level. It is not
//! renormalised over the codes that a constraint leaves, so it equals what teacher forcing gives the same slate.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::constraint::Constraint;
use super::search::Search;
use crate::engine::batch::ContextBatch;
use crate::engine::control::RunControl;
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
use crate::engine::ops::log_total;
use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::trie::SemanticIdTrie;

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
    let (mut search, mut beams) = Search::start(model, context, constraint, n_items);
    for code_idx in 0..search.n_codes {
        control.check()?;
        let logits = search.next_logits(&beams);
        let width = beams.iter().map(Vec::len).max().unwrap_or(0);
        let chosen: Vec<Vec<Candidate>> = beams
            .par_iter()
            .zip(logits.par_chunks(width * search.constraint.codebook_size()))
            .map(|(beams, logits)| best_candidates(beams, logits, &search.constraint, n_beams))
            .collect();
        beams = beams
            .iter()
            .zip(&chosen)
            .map(|(beams, chosen)| chosen.iter().map(|c| extend(beams, *c)).collect())
            .collect();
        if beams.iter().all(Vec::is_empty) {
            break;
        }
        if code_idx + 1 < search.n_codes {
            search.select_rows(&parent_rows(&chosen, width));
        }
    }
    Ok(beams)
}

/// The best continuations of one request's beams, best first.
///
/// # Shapes
/// - logits: `[width * codebook_size]`, one row per beam
fn best_candidates(
    beams: &[Beam],
    logits: &[f32],
    constraint: &Constraint<'_>,
    n_beams: usize,
) -> Vec<Candidate> {
    let order = |a: &Candidate, b: &Candidate| -> Ordering {
        b.log_prob.total_cmp(&a.log_prob).then_with(|| {
            let codes = |c: &Candidate| (&beams[c.parent_idx].codes, c.code);
            codes(a).cmp(&codes(b))
        })
    };
    let keep_best = |candidates: &mut Vec<Candidate>| {
        if candidates.len() > n_beams {
            candidates.select_nth_unstable_by(n_beams, order);
            candidates.truncate(n_beams);
        }
    };
    let rows = logits.chunks_exact(constraint.codebook_size());
    let mut candidates = Vec::with_capacity(2 * n_beams + constraint.codebook_size());
    // What lies below it has `n_beams` better ones; the beams come best first, so it rises early.
    let mut least = f32::NEG_INFINITY;
    for (parent_idx, (beam, row)) in beams.iter().zip(rows).enumerate() {
        let total = log_total(row);
        for code in constraint.allowed_codes(&beam.codes).iter() {
            let log_prob = beam.log_prob + (row[usize::from(*code)] - total);
            // A NaN counts as more than anything, as it does in the order.
            if log_prob < least {
                continue;
            }
            candidates.push(Candidate {
                parent_idx,
                code: *code,
                log_prob,
            });
        }
        if candidates.len() >= 2 * n_beams {
            keep_best(&mut candidates);
            let worst = candidates.iter().map(|candidate| candidate.log_prob);
            least = worst.fold(f32::INFINITY, f32::min);
        }
    }
    keep_best(&mut candidates);
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
