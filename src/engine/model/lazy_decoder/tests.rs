//! What only the lazy decoder promises; what all generators promise is tested with them.

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::LazyDecoder;
use crate::engine::batch::{ContextBatch, HistoryBatch};
use crate::engine::loss::next_token;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::generator::Generator;
use crate::engine::model::tests::{
    SLATE_LEN, VOCAB, batch, build, codes, items, largest_difference, lazy_variants, table, values,
};
use crate::engine::tokenizer::vocab::TokenVocab;

fn lazy(config: &ModelConfig, device: &Device) -> LazyDecoder {
    match build(config, device) {
        Generator::Lazy(model) => model,
        Generator::EncoderDecoder(_) => panic!("an encoder-decoder"),
    }
}

fn context(histories: &[&[u32]], device: &Device) -> ContextBatch {
    let histories: Vec<_> = histories.iter().map(|history| items(history)).collect();
    HistoryBatch::new(&histories, &table(), 4, device).into()
}

#[test]
fn a_code_changes_the_later_codes_of_its_item_alone() {
    let device = Device::flex();
    for config in lazy_variants() {
        let model = lazy(&config, &device);
        let memory = model.encode(&context(&[&[1, 2]], &device));
        let sequence = [0, 1, 2, 3, 4, 0];
        let before = values(model.decode(&memory, codes(&sequence)));
        for changed in 0..sequence.len() {
            let mut other = sequence;
            other[changed] = (other[changed] + 1) % 5;
            let after = values(model.decode(&memory, codes(&other)));
            let item_end = (changed / 3 + 1) * 3;
            for code_idx in 0..sequence.len() {
                let of_code = code_idx * VOCAB.codebook_size..(code_idx + 1) * VOCAB.codebook_size;
                let moved = largest_difference(&before[of_code.clone()], &after[of_code]);
                let may_move = code_idx > changed && code_idx < item_end;
                assert_eq!(
                    moved > 1e-6,
                    may_move,
                    "changed {changed}, code {code_idx}: {moved}"
                );
            }
        }
    }
}

/// The items of a request share one pass over its context and are as if each had been asked for alone.
#[test]
fn several_targets_share_one_context() {
    let device = Device::flex();
    for config in lazy_variants() {
        let model = lazy(&config, &device);
        let memory = model.encode(&context(&[&[1, 2, 3], &[4]], &device));
        assert_eq!(
            memory.hidden.dims()[0],
            2 * 3,
            "one vector per item of history"
        );
        let two_items = |rows: [i64; 12]| -> Tensor<2, Int> {
            Tensor::from_data(TensorData::new(rows.to_vec(), [2, 6]), &device)
        };
        let slates = two_items([0, 1, 2, 3, 4, 0, /**/ 4, 4, 1, 2, 0, 3]);
        let together = model.decode(&memory, slates.clone());
        for item_idx in 0..2 {
            let alone = slates.clone().slice_dim(1, 3 * item_idx..3 * item_idx + 3);
            let alone = values(model.decode(&memory, alone));
            let of_item = together
                .clone()
                .slice_dim(1, 3 * item_idx..3 * item_idx + 3);
            let difference = largest_difference(&alone, &values(of_item));
            assert!(difference < 1e-5, "item {item_idx}: {difference}");
        }
        // All blocks that read a set read the same tensors, made once.
        let cache = model.start_cache(&memory);
        let keys = |block_idx: usize| values(cache.contexts[block_idx].memory.parts().0);
        let n_layers = config.n_decoder_layers;
        let set = |block_idx: usize| config.lazy.kv_set(block_idx, n_layers);
        for block_idx in 1..n_layers {
            let is_same = keys(block_idx) == keys(block_idx - 1);
            assert_eq!(is_same, set(block_idx) == set(block_idx - 1));
        }
    }
}

#[test]
fn keys_serve_as_values_where_that_is_set() {
    let device = Device::flex();
    for config in lazy_variants() {
        let model = lazy(&config, &device);
        let memory = model.encode(&context(&[&[1, 2]], &device));
        let cache = model.start_cache(&memory);
        let shared = &cache.contexts[0].memory;
        let (key, value) = shared.parts();
        let is_same = values(key.clone()) == values(value);
        assert_eq!(is_same, config.lazy.values_are_keys);
        // Normalised: the mean square of every key is 1.
        let [_, _, width] = key.dims();
        for key in values(key).chunks(width) {
            let mean_square = key.iter().map(|x| x * x).sum::<f32>() / width as f32;
            assert!((mean_square - 1.0).abs() < 0.01, "{mean_square}");
        }
    }
}

#[test]
fn each_position_has_a_head_of_its_own() {
    let device = Device::flex();
    let mut model = lazy(&lazy_variants()[0], &device);
    let memory = model.encode(&context(&[&[1, 2]], &device));
    let of = |model: &LazyDecoder| values(model.decode(&memory, codes(&[0, 1, 2])));
    let before = of(&model);
    assert_eq!(model.heads.len(), VOCAB.n_levels);
    for level_idx in 0..VOCAB.n_levels {
        let head = &mut model.heads[level_idx];
        head.output.weight = head.output.weight.clone().map(|x| x * 2.0);
        let after = of(&model);
        let of_level = |x: &[f32]| -> Vec<f32> {
            let start = level_idx * VOCAB.codebook_size;
            x[start..start + VOCAB.codebook_size].to_vec()
        };
        let doubled: Vec<f32> = of_level(&before).iter().map(|x| 2.0 * x).collect();
        assert!(largest_difference(&of_level(&after), &doubled) < 1e-5);
        let n_later = (level_idx + 1) * VOCAB.codebook_size;
        assert_eq!(before[n_later..], after[n_later..]);
    }
}

/// One item per history: two items of one request have the same context and cannot both be certain.
#[test]
fn items_are_learned_by_heart() {
    let device = Device::flex().autodiff();
    for config in lazy_variants() {
        let mut model = build(&config, &device);
        let batch = batch(&device);
        let targets = batch.targets.slice_dim(1, 0..VOCAB.n_levels);
        let weight = batch.target_weight.slice_dim(1, 0..VOCAB.n_levels);
        let mut optimizer = AdamConfig::new().init();
        let mut mean = f32::NAN;
        for _ in 0..120 {
            let logits = model.decode(&model.encode(&batch.context), targets.clone());
            let loss = next_token(logits, targets.clone(), weight.clone(), VOCAB.n_levels);
            mean = loss.mean.clone().into_scalar();
            let grads = GradientsParams::from_grads(loss.mean.backward(), &model);
            model = optimizer.step(1e-2, model, grads);
        }
        assert!(mean < 0.05, "loss {mean} after 120 steps");
    }
}

/// At an item's border the cache forgets, so that a slate's second item is decoded as if it were the first.
#[test]
fn a_new_item_starts_afresh() {
    let device = Device::flex();
    let model = lazy(&lazy_variants()[0], &device);
    let memory = model.encode(&context(&[&[1, 2]], &device));
    let tokens = |values: &[u32]| -> Tensor<2, Int> {
        let values: Vec<i64> = values.iter().map(|token| i64::from(*token)).collect();
        let n_tokens = values.len();
        Tensor::from_data(TensorData::new(values, [1, n_tokens]), &device)
    };
    let bos = TokenVocab::BOS;
    let mut cache = model.start_cache(&memory);
    let first = values(model.step(&mut cache, tokens(&[bos])));
    model.step(&mut cache, tokens(&[VOCAB.token(0, 3)]));
    model.step(&mut cache, tokens(&[VOCAB.token(1, 4)]));
    let second = values(model.step(&mut cache, tokens(&[VOCAB.token(2, 1), bos])));
    assert_eq!(first, second);
    assert_eq!(cache.n_tokens(), 5);
    assert_eq!(model.slate_len(), SLATE_LEN);
}
