//! Logits of our own engine for a few contexts and slates, so that any other implementation can be compared with it.

use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::seq::IndexedRandom as _;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::vocab_of;
use crate::engine::batch::{Array, ArrayValues, ContextReader};
use crate::engine::checkpoint::weights;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::{ItemIdx, Moment, PreparedData, UserIdx};
use crate::engine::error::EngineError;
use crate::engine::run::atomic;
use crate::engine::run::items::ItemTable;
use crate::engine::seed::Seed;

/// Contexts of different lengths, so that some are padded.
const N_ROWS: usize = 4;

/// Random histories, of which the first fills the window.
pub(super) fn random_moments(n_items: usize, history_len: usize, seed: Seed) -> Vec<Moment> {
    let mut rng = seed.rng("export.reference", 0);
    (1..=N_ROWS)
        .map(|row| draw(n_items, history_len.div_ceil(row), &mut rng))
        .map(Moment::from_history)
        .collect()
}

/// Moments of the log: before sessions that are spread over all, and one at which nothing has happened yet.
pub(super) fn logged_moments(data: &PreparedData, history_len: usize) -> Vec<Moment> {
    let n_sessions = data.sessions.len();
    let spread =
        (1..N_ROWS).map(|row| &data.sessions[(row * n_sessions / N_ROWS).min(n_sessions - 1)]);
    let first = UserIdx(0);
    std::iter::once((first, data.dataset.log.rows_of(first).start))
        .chain(spread.map(|session| (session.user, session.first_row)))
        .map(|(user, row)| data.moment(user, row, history_len))
        .collect()
}

fn draw(n_items: usize, n: usize, rng: &mut rand_chacha::ChaCha8Rng) -> Vec<ItemIdx> {
    let catalogue: Vec<u32> = (0..n_items as u32).collect();
    (0..n)
        .filter_map(|_| catalogue.choose(rng).copied().map(ItemIdx))
        .collect()
}

/// Writes the contexts, `codes [rows, items * levels]` and `logits [rows, items * levels, codes]`.
///
/// # Errors
/// If the checkpoint does not fit the configuration or the file cannot be written.
pub(super) fn write(
    path: &Path,
    config: &ExperimentConfig,
    items: &ItemTable,
    reader: &ContextReader<'_>,
    moments: &[Moment],
    checkpoint: &Path,
) -> Result<(), EngineError> {
    let device = Device::flex();
    let slate_len = config.data.session.slate_len;
    let vocab = vocab_of(items);
    let model = config
        .model
        .init(vocab, slate_len, reader.features(), config.seed, &device);
    let model = weights::load(model, checkpoint)?;

    let mut rng = config.seed.rng("export.reference", 1);
    let codes: Vec<i64> = moments
        .iter()
        .flat_map(|_| draw(items.len(), slate_len, &mut rng))
        .flat_map(|item| reader.table().sid(item).to_vec())
        .map(i64::from)
        .collect();
    let shape = [moments.len(), slate_len * items.n_levels];
    let slates: Tensor<2, Int> = Tensor::from_data(TensorData::new(codes.clone(), shape), &device);

    let context = reader.read(moments);
    let logits = model.decode(&model.encode(&context.to_device(&device)), slates);
    let logits_shape = logits.dims();
    let read = "a tensor of this type reads back as it is";
    let logits = logits.into_data().try_into_vec::<f32>().expect(read);

    let mut arrays = context.arrays();
    arrays.push(Array::ints("codes", &shape, &codes));
    arrays.push(Array::floats("logits", &logits_shape, &logits));
    let arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = arrays.into_iter().map(bytes).collect();
    let views = arrays.iter().map(|(name, dtype, shape, data)| {
        let view = TensorView::new(*dtype, shape.clone(), data);
        (name, view.expect("the shapes are those of the values"))
    });
    let bytes = safetensors::serialize(views, None).map_err(|error| EngineError::Io {
        operation: "serialise",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    atomic::write(path, &bytes)
}

/// Name, type, shape and little-endian bytes.
fn bytes(array: Array) -> (String, Dtype, Vec<usize>, Vec<u8>) {
    let (dtype, data) = match array.values {
        ArrayValues::Ints(values) => (Dtype::I64, le_bytes(&values, i64::to_le_bytes)),
        ArrayValues::Floats(values) => (Dtype::F32, le_bytes(&values, f32::to_le_bytes)),
    };
    (array.name, dtype, array.shape, data)
}

fn le_bytes<T: Copy, const N: usize>(values: &[T], of: fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|value| of(*value)).collect()
}
