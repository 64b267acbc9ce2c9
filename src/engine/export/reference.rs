//! Logits of our own engine for a few histories and slates, so that any other implementation can be compared with it.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::seq::IndexedRandom as _;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::vocab_of;
use crate::engine::batch::{FeatureSpec, HistoryBatch};
use crate::engine::checkpoint::weights;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::ItemIdx;
use crate::engine::error::EngineError;
use crate::engine::run::atomic;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::SemanticIdTable;

/// Histories of different lengths; the first fills the window, so the others are padded.
const N_ROWS: usize = 4;

/// Writes `history_tokens [rows, tokens]`, `codes [rows, items * levels]` and `logits [rows, items * levels, codes]`.
///
/// # Errors
/// If the checkpoint does not fit the configuration or the file cannot be written.
pub(super) fn write(
    path: &Path,
    config: &ExperimentConfig,
    items: &ItemTable,
    checkpoint: &Path,
) -> Result<(), EngineError> {
    let device = Device::flex();
    let slate_len = config.data.session.slate_len;
    let features = FeatureSpec::default();
    let vocab = vocab_of(items);
    let model = config
        .model
        .init(vocab, slate_len, &features, config.seed, &device);
    let model = weights::load(model, checkpoint)?;

    let codes: Vec<u16> = items
        .rows
        .iter()
        .flat_map(|row| row.codes.clone())
        .collect();
    let table = SemanticIdTable::new(items.n_levels, items.codebook_size, codes);
    let catalogue: Vec<u32> = (0..items.rows.len() as u32).collect();
    let mut rng = config.seed.rng("export.reference", 0);
    let mut draw = |n_items: usize| -> Vec<ItemIdx> {
        (0..n_items)
            .filter_map(|_| catalogue.choose(&mut rng).copied().map(ItemIdx))
            .collect()
    };
    let histories: Vec<Vec<ItemIdx>> = (1..=N_ROWS)
        .map(|row| draw(config.model.history_len.div_ceil(row)))
        .collect();
    let targets: Vec<i64> = (0..N_ROWS)
        .flat_map(|_| draw(slate_len))
        .flat_map(|item| table.sid(item).to_vec())
        .map(i64::from)
        .collect();
    let shape = [N_ROWS, slate_len * items.n_levels];
    let slates: Tensor<2, Int> =
        Tensor::from_data(TensorData::new(targets.clone(), shape), &device);

    let history = HistoryBatch::new(&histories, &table, config.model.history_len, &device);
    let logits = model.decode(&model.encode(&history.clone().into()), slates);
    let logits_shape = logits.dims();
    let tokens_shape = history.tokens.dims();
    let read = "a tensor of this type reads back as it is";
    let logits = logits.into_data().try_into_vec::<f32>().expect(read);
    let tokens: Vec<i64> = history.tokens.into_data().iter::<i64>().collect();

    let tensors = [
        (
            "codes",
            Dtype::I64,
            shape.to_vec(),
            le_bytes(&targets, i64::to_le_bytes),
        ),
        (
            "history_tokens",
            Dtype::I64,
            tokens_shape.to_vec(),
            le_bytes(&tokens, i64::to_le_bytes),
        ),
        (
            "logits",
            Dtype::F32,
            logits_shape.to_vec(),
            le_bytes(&logits, f32::to_le_bytes),
        ),
    ];
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data);
        (*name, view.expect("the shapes are those of the values"))
    });
    let bytes = safetensors::serialize(views, None).map_err(|error| EngineError::Io {
        operation: "serialise",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    atomic::write(path, &bytes)
}

fn le_bytes<T: Copy, const N: usize>(values: &[T], of: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| of(*value)).collect()
}
