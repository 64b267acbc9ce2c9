//! Beam search against exhaustive search and teacher forcing, on a tiny model.

use std::collections::BTreeSet;

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{Beam, Sampling, beam_search, sample};
use crate::engine::batch::{ContextBatch, FeatureSpec, HistoryBatch};
use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::error::EngineError;
use crate::engine::loss::sequence_log_prob;
use crate::engine::model::config::System;
use crate::engine::model::{Generator, ModelConfig};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::trie::SemanticIdTrie;
use crate::engine::tokenizer::vocab::TokenVocab;
use crate::engine::tokenizer::{Code, SemanticIdTable};

const N_LEVELS: usize = 2;
const CODEBOOK_SIZE: usize = 3;
/// More than there are slates of two items: 9 * 8.
const ALL: usize = 100;

struct Fixture {
    model: Generator,
    history: ContextBatch,
    table: SemanticIdTable,
    trie: SemanticIdTrie,
}

fn fixture() -> Fixture {
    fixture_of(System::Session)
}

/// One that writes slates and one that writes items.
fn both() -> [Fixture; 2] {
    [System::Session, System::Lazy].map(fixture_of)
}

fn fixture_of(system: System) -> Fixture {
    let device = Device::flex();
    // Five of the nine semantic IDs are legal; the only one that begins with 1 is a dead end once used.
    let codes = vec![
        0, 0, /**/ 0, 2, /**/ 1, 1, /**/ 2, 0, /**/ 2, 1,
    ];
    let table = SemanticIdTable::new(N_LEVELS, CODEBOOK_SIZE, codes);
    let config = ModelConfig {
        system,
        d_model: 8,
        n_heads: 2,
        n_encoder_layers: 1,
        n_decoder_layers: 2,
        d_ff: 12,
        n_experts: 3,
        d_ff_expert: 6,
        history_len: 3,
        ..ModelConfig::default()
    };
    let vocab = TokenVocab {
        n_levels: N_LEVELS,
        codebook_size: CODEBOOK_SIZE,
    };
    // New embeddings predict almost evenly; larger ones give beams that differ.
    let model = config
        .init(vocab, 3, &FeatureSpec::default(), Seed(4), &device)
        .with_embeddings_times(40.0);
    let histories = [
        vec![ItemIdx(0), ItemIdx(3)],
        vec![ItemIdx(1)],
        vec![ItemIdx(4), ItemIdx(2), ItemIdx(0)],
    ];
    let history = HistoryBatch::new(&histories, &table, 3, &device).into();
    let trie = SemanticIdTrie::new(&table);
    Fixture {
        model,
        history,
        table,
        trie,
    }
}

fn search(fixture: &Fixture, is_free: bool, n_items: usize, n_beams: usize) -> Vec<Vec<Beam>> {
    let trie = (!is_free).then_some(&fixture.trie);
    beam_search(
        &fixture.model,
        &fixture.history,
        trie,
        n_items,
        n_beams,
        &RunControl::default(),
    )
    .unwrap()
}

/// Log-probability of the same slate after every history of the fixture, by teacher forcing.
fn log_probs(fixture: &Fixture, codes: &[Code]) -> Vec<f32> {
    let n_rows = fixture.history.n_rows();
    let values: Vec<i64> = codes.iter().map(|code| i64::from(*code)).collect();
    let targets: Tensor<2, Int> = Tensor::from_data(
        TensorData::new(values.repeat(n_rows), [n_rows, codes.len()]),
        &Device::flex(),
    );
    let memory = fixture.model.encode(&fixture.history);
    let logits = fixture.model.decode(&memory, targets.clone());
    let weight = Tensor::ones([n_rows, codes.len()], &Device::flex());
    sequence_log_prob(logits, targets, weight)
        .try_into_vec_as()
        .unwrap()
}

/// All slates of distinct semantic IDs.
fn all_slates(sids: &[Vec<Code>], n_items: usize) -> Vec<Vec<Code>> {
    let mut slates: Vec<Vec<Code>> = vec![Vec::new()];
    for _ in 0..n_items {
        slates = slates
            .iter()
            .flat_map(|slate| {
                sids.iter()
                    .filter(|sid| !slate.chunks_exact(N_LEVELS).any(|used| used == *sid))
                    .map(|sid| [slate.as_slice(), sid].concat())
            })
            .collect();
    }
    slates
}

fn sids(fixture: &Fixture, is_free: bool) -> Vec<Vec<Code>> {
    if is_free {
        (0..CODEBOOK_SIZE as Code)
            .flat_map(|a| (0..CODEBOOK_SIZE as Code).map(move |b| vec![a, b]))
            .collect()
    } else {
        fixture.table.iter().map(|(sid, _)| sid.to_vec()).collect()
    }
}

#[test]
fn a_wide_enough_search_is_exhaustive() {
    let cases = [(true, 1), (true, 2), (false, 1), (false, 2), (false, 3)];
    for (fixture, (is_free, n_items)) in both().iter().flat_map(|f| cases.map(|case| (f, case))) {
        let found = search(fixture, is_free, n_items, ALL);
        let mut expected = vec![Vec::new(); fixture.history.n_rows()];
        for codes in all_slates(&sids(fixture, is_free), n_items) {
            for (row, log_prob) in log_probs(fixture, &codes).into_iter().enumerate() {
                expected[row].push(Beam {
                    codes: codes.clone(),
                    log_prob,
                });
            }
        }
        for (found, mut expected) in found.into_iter().zip(expected) {
            expected.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
            assert_eq!(
                found.len(),
                expected.len(),
                "free {is_free}, {n_items} items"
            );
            for (a, b) in found.iter().zip(&expected) {
                assert!((a.log_prob - b.log_prob).abs() < 1e-4, "{a:?} != {b:?}");
            }
            let codes = |beams: &[Beam]| -> BTreeSet<Vec<Code>> {
                beams.iter().map(|beam| beam.codes.clone()).collect()
            };
            assert_eq!(codes(&found), codes(&expected));
        }
    }
}

#[test]
fn a_narrow_search_is_legal_distinct_sorted_and_scored_like_teacher_forcing() {
    for (fixture, n_beams) in both().iter().flat_map(|f| [1, 3, 7].map(|n| (f, n))) {
        for (row, beams) in search(fixture, false, 3, n_beams).iter().enumerate() {
            assert_eq!(beams.len(), n_beams);
            assert!(beams.is_sorted_by(|a, b| a.log_prob >= b.log_prob));
            let distinct: BTreeSet<&Vec<Code>> = beams.iter().map(|beam| &beam.codes).collect();
            assert_eq!(distinct.len(), n_beams);
            for beam in beams {
                let sids: Vec<&[Code]> = beam.codes.chunks_exact(N_LEVELS).collect();
                assert!(
                    sids.iter().all(|sid| fixture.table.is_legal(sid)),
                    "{beam:?}"
                );
                let distinct: BTreeSet<_> = sids.iter().collect();
                assert_eq!(distinct.len(), 3, "an item twice in {beam:?}");
                let expected = log_probs(fixture, &beam.codes)[row];
                assert!(
                    (beam.log_prob - expected).abs() < 1e-4,
                    "{beam:?}: {expected}"
                );
            }
        }
    }
}

#[test]
fn a_batch_gives_what_its_rows_give_alone() {
    let mut fixture = fixture();
    let together = search(&fixture, false, 2, 4);
    let histories = [
        vec![ItemIdx(0), ItemIdx(3)],
        vec![ItemIdx(1)],
        vec![ItemIdx(4), ItemIdx(2), ItemIdx(0)],
    ];
    for (history, expected) in histories.into_iter().zip(together) {
        fixture.history = HistoryBatch::new(&[history], &fixture.table, 3, &Device::flex()).into();
        let alone = search(&fixture, false, 2, 4).remove(0);
        for (a, b) in alone.iter().zip(&expected) {
            assert_eq!(a.codes, b.codes);
            assert!((a.log_prob - b.log_prob).abs() < 1e-4);
        }
    }
}

#[test]
fn a_catalogue_too_small_for_the_slate_gives_no_beams() {
    let mut fixture = fixture();
    fixture.table = SemanticIdTable::new(N_LEVELS, CODEBOOK_SIZE, vec![0, 1, /**/ 2, 2]);
    fixture.trie = SemanticIdTrie::new(&fixture.table);
    for beams in search(&fixture, false, 3, 4) {
        assert!(beams.is_empty(), "{beams:?}");
    }
}

#[test]
fn equal_scores_come_in_order_of_code() {
    let mut fixture = fixture();
    fixture.model = fixture.model.with_embeddings_times(0.0);
    let sids: Vec<Vec<Code>> = search(&fixture, true, 1, 4)
        .remove(0)
        .into_iter()
        .map(|beam| beam.codes)
        .collect();
    assert_eq!(sids, [[0, 0], [0, 1], [0, 2], [1, 0]]);
}

#[test]
fn a_search_stops_when_asked() {
    let fixture = fixture();
    let control = RunControl::default();
    control.stop();
    let result = beam_search(&fixture.model, &fixture.history, None, 1, 2, &control);
    assert!(matches!(result, Err(EngineError::Stopped)));
}

fn draw(fixture: &Fixture, is_free: bool, n_items: usize, n_samples: usize) -> Vec<Vec<Beam>> {
    sample(
        &fixture.model,
        &fixture.history,
        (!is_free).then_some(&fixture.trie),
        n_items,
        n_samples,
        &Sampling::default(),
        &mut Seed(6).rng("test.draw", 0),
        &RunControl::default(),
    )
    .unwrap()
}

#[test]
fn drawn_slates_are_legal_distinct_within_and_scored_like_teacher_forcing() {
    let fixture = fixture();
    for (row, slates) in draw(&fixture, false, 3, 8).iter().enumerate() {
        assert!(!slates.is_empty());
        for slate in slates {
            let sids: BTreeSet<&[Code]> = slate.codes.chunks_exact(N_LEVELS).collect();
            assert_eq!(sids.len(), 3, "an item twice in {slate:?}");
            assert!(sids.iter().all(|sid| fixture.table.is_legal(sid)));
            let expected = log_probs(&fixture, &slate.codes)[row];
            assert!(
                (slate.log_prob - expected).abs() < 1e-4,
                "{slate:?}: {expected}"
            );
        }
    }
    assert_eq!(draw(&fixture, false, 3, 8), draw(&fixture, false, 3, 8));
}

#[test]
fn free_draws_come_as_often_as_the_model_says() {
    let fixture = fixture();
    const N: usize = 3000;
    for (row, slates) in draw(&fixture, true, 1, N).iter().enumerate() {
        assert_eq!(slates.len(), N);
        for sid in sids(&fixture, true) {
            let found = slates.iter().filter(|slate| slate.codes == sid).count();
            let expected = f64::from(log_probs(&fixture, &sid)[row].exp());
            let found = found as f64 / N as f64;
            // Four standard deviations of a share at its widest.
            assert!(
                (found - expected).abs() < 4.0 * 0.5 / (N as f64).sqrt(),
                "{sid:?}: {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn draws_that_run_into_a_dead_end_are_left_out() {
    let mut fixture = fixture();
    fixture.table = SemanticIdTable::new(N_LEVELS, CODEBOOK_SIZE, vec![0, 1, /**/ 2, 2]);
    fixture.trie = SemanticIdTrie::new(&fixture.table);
    assert!(draw(&fixture, false, 3, 4).iter().all(Vec::is_empty));
    assert!(
        draw(&fixture, false, 2, 4)
            .iter()
            .all(|slates| slates.len() == 4)
    );
}
