//! Properties of the generator as a whole, on a tiny one.

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use rand::RngExt as _;

use super::config::{ExpertScore, ModelConfig, NormPlacement, System};
use super::generator::Generator;
use super::gradient_check::check_gradients;
use super::lazy_decoder::config::LazyConfig;
use super::precision::Precision;
use crate::engine::batch::{
    ContextBatch, ContextReader, Example, FeatureSpec, HistoryBatch, HostBatch, SessionBatch,
};
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::loss::preference::{PairLogProbs, dpo};
use crate::engine::loss::{next_token, sequence_log_prob};
use crate::engine::optim::AdamW;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

pub(super) const VOCAB: TokenVocab = TokenVocab {
    n_levels: 3,
    codebook_size: 5,
};
pub(super) const SLATE_LEN: usize = 2;

fn tiny() -> ModelConfig {
    ModelConfig {
        d_model: 12,
        n_heads: 3,
        n_encoder_layers: 2,
        n_decoder_layers: 2,
        d_ff: 14,
        n_experts: 4,
        n_active_experts: 2,
        d_ff_expert: 10,
        history_len: 4,
        ..ModelConfig::default()
    }
}

/// Every switch once.
fn variants() -> Vec<ModelConfig> {
    vec![
        tiny(),
        ModelConfig {
            norm: NormPlacement::Post,
            ..tiny()
        },
        ModelConfig {
            tie_embeddings: false,
            n_encoder_layers: 1,
            ..tiny()
        },
        ModelConfig {
            n_experts: 0,
            n_decoder_layers: 1,
            ..tiny()
        },
        ModelConfig {
            encoder_experts: true,
            expert_every_blocks: 2,
            n_shared_experts: 1,
            expert_score: ExpertScore::Sigmoid,
            renormalise_gate: true,
            balance_rate: 0.0,
            ..tiny()
        },
    ]
}

/// The lazy decoder with every switch once.
pub(super) fn lazy_variants() -> Vec<ModelConfig> {
    let lazy = ModelConfig {
        system: System::Lazy,
        d_model: 12,
        n_heads: 4,
        lazy: LazyConfig {
            d_embed: 6,
            ..LazyConfig::default()
        },
        ..tiny()
    };
    vec![
        ModelConfig {
            n_dense_blocks: 1,
            n_shared_experts: 1,
            ..lazy.clone()
        },
        ModelConfig {
            n_experts: 0,
            n_decoder_layers: 3,
            lazy: LazyConfig {
                d_embed: 5,
                reads_pathways: false,
                n_kv_sets: 2,
                values_are_keys: false,
                n_kv_heads: 2,
            },
            ..lazy.clone()
        },
        ModelConfig {
            norm: NormPlacement::Post,
            ..lazy
        },
    ]
}

/// Every generator that there is.
fn all_variants() -> Vec<ModelConfig> {
    [variants(), lazy_variants()].concat()
}

pub(super) fn build(config: &ModelConfig, device: &Device) -> Generator {
    config.init(VOCAB, SLATE_LEN, &FeatureSpec::default(), Seed(7), device)
}

/// Thirty items with pseudo-random codes.
pub(super) fn table() -> SemanticIdTable {
    let mut rng = Seed(3).rng("test.codes", 0);
    let codes = (0..30 * VOCAB.n_levels)
        .map(|_| rng.random_range(0..VOCAB.codebook_size as u16))
        .collect();
    SemanticIdTable::new(VOCAB.n_levels, VOCAB.codebook_size, codes)
}

pub(super) fn items(indices: &[u32]) -> Vec<ItemIdx> {
    indices.iter().map(|idx| ItemIdx(*idx)).collect()
}

pub(super) fn batch(device: &Device) -> SessionBatch {
    let example = |history: &[u32], session: &[u32]| Example {
        moment: Moment::from_history(items(history)),
        items: items(session),
    };
    let examples = [
        example(&[1, 2, 3], &[4, 5]),
        example(&[6], &[7]),
        example(&[], &[8, 9]),
    ];
    let table = table();
    HostBatch::new(&examples, &ContextReader::session(&table, 4), SLATE_LEN).to_device(device)
}

fn context(histories: &[Vec<ItemIdx>]) -> ContextBatch {
    HistoryBatch::new(histories, &table(), 4, &Device::flex()).into()
}

pub(super) fn codes(values: &[i64]) -> Tensor<2, Int> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [1, values.len()]),
        &Device::flex(),
    )
}

pub(super) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.try_into_vec_as().unwrap()
}

pub(super) fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn a_code_changes_only_what_is_predicted_after_it() {
    let device = Device::flex();
    let model = build(&tiny(), &device);
    let memory = model.encode(&context(&[items(&[1, 2])]));
    let before = values(model.decode(&memory, codes(&[0, 1, 2, 3, 4, 0])));
    for changed in 0..6 {
        let mut sequence = [0, 1, 2, 3, 4, 0];
        sequence[changed] = (sequence[changed] + 1) % 5;
        let after = values(model.decode(&memory, codes(&sequence)));
        let n_same = (changed + 1) * VOCAB.codebook_size;
        assert_eq!(before[..n_same], after[..n_same], "changed code {changed}");
        if changed < 5 {
            let moved = largest_difference(&before[n_same..], &after[n_same..]);
            assert!(moved > 1e-5, "code {changed} has no effect");
        }
    }
}

#[test]
fn padding_changes_nothing() {
    let device = Device::flex();
    for config in all_variants() {
        let model = build(&config, &device);
        let logits = |histories: &[Vec<ItemIdx>]| {
            let targets = codes(&[0, 1, 2, 3, 4, 0]).repeat(&[histories.len(), 1]);
            values(model.decode(&model.encode(&context(histories)), targets))
        };
        let long = items(&[4, 3, 2, 1]);
        for history in [items(&[]), items(&[5]), items(&[5, 6, 7])] {
            let alone = logits(std::slice::from_ref(&history));
            let padded = logits(&[history.clone(), long.clone()]);
            let difference = largest_difference(&alone, &padded[..alone.len()]);
            assert!(difference < 1e-5, "{history:?}: {difference}");
        }
    }
}

#[test]
fn the_order_of_the_history_counts() {
    let device = Device::flex();
    let model = build(&tiny(), &device);
    let logits = |history: &[u32]| {
        let context = context(&[items(history)]);
        values(model.decode(&model.encode(&context), codes(&[0, 1, 2])))
    };
    assert!(largest_difference(&logits(&[1, 2, 3]), &logits(&[3, 2, 1])) > 1e-5);
}

#[test]
fn cached_steps_equal_teacher_forcing() {
    let device = Device::flex();
    for config in all_variants() {
        let model = build(&config, &device);
        let batch = batch(&device);
        let memory = model.encode(&batch.context);
        let [n_rows, n_codes] = batch.targets.dims();
        let full = model.decode(&memory, batch.targets.clone());

        let mut cache = model.start_cache(&memory);
        let bos = Tensor::full([n_rows, 1], i64::from(TokenVocab::BOS), &device);
        for code_idx in 0..n_codes {
            let level_idx = code_idx % VOCAB.n_levels;
            let mut tokens: Vec<Tensor<2, Int>> = Vec::new();
            if code_idx > 0 {
                let previous_level = (code_idx - 1) % VOCAB.n_levels;
                let offset = i64::from(VOCAB.token(previous_level, 0));
                tokens.push(batch.targets.clone().slice_dim(1, code_idx - 1..code_idx) + offset);
            }
            if level_idx == 0 {
                tokens.push(bos.clone());
            }
            let step = values(model.step(&mut cache, Tensor::cat(tokens, 1)));
            let expected = values(full.clone().slice_dim(1, code_idx..code_idx + 1));
            let difference = largest_difference(&step, &expected);
            assert!(difference < 1e-4, "code {code_idx}: {difference}");
        }
    }
}

#[test]
fn selected_rows_continue_their_parents() {
    let device = Device::flex();
    let model = build(&tiny(), &device);
    let memory = model.encode(&context(&[items(&[1]), items(&[2, 3])]));
    let tokens = |values: &[i64]| {
        Tensor::<2, Int>::from_data(TensorData::new(values.to_vec(), [values.len(), 1]), &device)
    };
    let (bos, a, b) = (
        i64::from(TokenVocab::BOS),
        i64::from(VOCAB.token(0, 1)),
        i64::from(VOCAB.token(0, 4)),
    );
    // One row per request becomes two; each row must then be as if it had been decoded alone.
    let mut cache = model.start_cache(&memory);
    model.step(&mut cache, tokens(&[bos, bos]));
    cache.select_rows(&[0, 0, 1, 1]);
    let together = values(model.step(&mut cache, tokens(&[a, b, b, a])));
    for (row, (request_idx, token)) in [(0, a), (0, b), (1, b), (1, a)].into_iter().enumerate() {
        let mut cache = model.start_cache(&memory);
        model.step(&mut cache, tokens(&[bos, bos]));
        let both = values(model.step(&mut cache, tokens(&[token, token])));
        let k = VOCAB.codebook_size;
        let difference = largest_difference(
            &together[row * k..(row + 1) * k],
            &both[request_idx * k..(request_idx + 1) * k],
        );
        assert!(difference < 1e-5, "row {row}: {difference}");
    }
}

#[test]
fn a_new_model_knows_nothing() {
    let device = Device::flex();
    for config in all_variants() {
        let model = build(&config, &device);
        let batch = batch(&device);
        let logits = model.decode(&model.encode(&batch.context), batch.targets.clone());
        let loss = next_token(logits, batch.targets, batch.target_weight, VOCAB.n_levels);
        let mean: f32 = loss.mean.into_scalar();
        let uniform = (VOCAB.codebook_size as f32).ln();
        assert!((mean - uniform).abs() < 0.1, "{mean} against {uniform}");
    }
}

#[test]
fn sessions_are_learned_by_heart() {
    let device = Device::flex().autodiff();
    for config in variants() {
        let mut model = build(&config, &device);
        let batch = batch(&device);
        let mut optimizer = AdamConfig::new().init();
        let mut mean = f32::NAN;
        for _ in 0..80 {
            let logits = model.decode(&model.encode(&batch.context), batch.targets.clone());
            let loss = next_token(
                logits,
                batch.targets.clone(),
                batch.target_weight.clone(),
                VOCAB.n_levels,
            );
            mean = loss.mean.clone().into_scalar();
            let grads = GradientsParams::from_grads(loss.mean.backward(), &model);
            model = optimizer.step(1e-2, model, grads);
        }
        assert!(mean < 0.05, "loss {mean} after 80 steps");
    }
}

/// Fewer bits in the blocks change the losses of a training by less than a hundredth. Their mean is compared: with three
/// examples a rounding that moves one token to another expert shows in single steps.
#[test]
fn mixed_precision_learns_as_f32_does() {
    let device = Device::flex().autodiff();
    for config in all_variants() {
        let losses = |precision: Precision| -> Vec<f32> {
            let config = ModelConfig {
                precision,
                ..config.clone()
            };
            let mut model = build(&config, &device);
            let batch = batch(&device);
            let mut optimizer = AdamW::new(0.0, 1.0).with_loss_scale(precision.loss_scale());
            let mut losses = Vec::new();
            for _ in 0..20 {
                let logits = model.decode(&model.encode(&batch.context), batch.targets.clone());
                assert_eq!(logits.dtype(), DType::F32);
                let (targets, weight) = (batch.targets.clone(), batch.target_weight.clone());
                let loss = next_token(logits, targets, weight, VOCAB.n_levels).mean;
                losses.push(loss.clone().into_scalar());
                let scaled = loss.mul_scalar(precision.loss_scale());
                let grads = GradientsParams::from_grads(scaled.backward(), &model);
                (model, _) = optimizer.step(1e-3, model, grads);
            }
            losses
        };
        let expected = losses(Precision::F32);
        for precision in [Precision::Bf16, Precision::F16] {
            let found = losses(precision);
            assert_ne!(found, expected, "{precision:?} rounds");
            let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
            let (found, expected) = (mean(&found), mean(&expected));
            assert!(
                (found - expected).abs() < 0.01 * expected,
                "{precision:?}: {found}, f32 {expected}"
            );
        }
    }
}

#[test]
fn the_seed_alone_decides_the_initial_weights() {
    let device = Device::flex();
    let weights = |seed: u64| {
        let model = tiny().init(
            VOCAB,
            SLATE_LEN,
            &FeatureSpec::default(),
            Seed(seed),
            &device,
        );
        match model {
            Generator::EncoderDecoder(model) => values(model.embeddings.val()),
            Generator::Lazy(model) => values(model.embeddings.val()),
        }
    };
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(257));
}

#[test]
fn the_arithmetic_size_is_the_real_one() {
    let device = Device::flex();
    for config in all_variants() {
        let counted = config
            .size(VOCAB, SLATE_LEN, &FeatureSpec::default())
            .n_parameters();
        assert_eq!(counted, build(&config, &device).n_parameters() as u64);
    }
}

#[test]
fn expert_layers_are_those_of_the_settings() {
    let device = Device::flex();
    let names = |config: &ModelConfig| -> Vec<String> {
        let model = build(config, &device);
        model
            .expert_layers()
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(names(&tiny()), ["decoder 1", "decoder 2"]);
    let both = ModelConfig {
        encoder_experts: true,
        expert_every_blocks: 2,
        ..tiny()
    };
    assert_eq!(names(&both), ["encoder 2", "decoder 2"]);
    let mut model = build(&both, &device);
    for layer in model.expert_layers_mut() {
        layer.balance(&[9, 1, 1, 1], 0.5);
    }
    for (_, layer) in model.expert_layers() {
        assert_eq!(layer.biases(), [-0.5, 0.5, 0.5, 0.5]);
    }
}

#[test]
fn next_token_gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    for config in all_variants() {
        let batch = batch(&device);
        // All experts at work: where a token changes its experts, the loss jumps and has no slope to measure.
        let config = ModelConfig {
            n_active_experts: config.n_experts,
            ..config
        };
        check_gradients(
            build(&config, &device).with_embeddings_times(15.0),
            |model| {
                let logits = model.decode(&model.encode(&batch.context), batch.targets.clone());
                next_token(
                    logits,
                    batch.targets.clone(),
                    batch.target_weight.clone(),
                    VOCAB.n_levels,
                )
                .sum
            },
        );
    }
}

#[test]
fn dpo_gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    let batch = batch(&device);
    let rejected = batch.targets.clone().flip([1]);
    let log_probs = |model: &Generator| {
        let memory = model.encode(&batch.context);
        let of = |codes: &Tensor<2, Int>| {
            let logits = model.decode(&memory, codes.clone());
            sequence_log_prob(logits, codes.clone(), batch.target_weight.clone())
        };
        (of(&batch.targets), of(&rejected))
    };
    let config = ModelConfig {
        n_active_experts: 4,
        ..tiny()
    };
    let model = build(&config, &device);
    let (chosen, other) =
        log_probs(&config.init(VOCAB, SLATE_LEN, &FeatureSpec::default(), Seed(8), &device));
    let (chosen, other) = (chosen.detach(), other.detach());
    check_gradients(model.with_embeddings_times(15.0), |model| {
        let policy = log_probs(model);
        let column = |values: Tensor<1>| values.unsqueeze_dim::<2>(1);
        let pairs = PairLogProbs {
            chosen: column(policy.0),
            rejected: column(policy.1),
            reference_chosen: column(chosen.clone()),
            reference_rejected: column(other.clone()),
            n_codes: 1,
        };
        dpo(&pairs, 2.0).loss.sum()
    });
}
