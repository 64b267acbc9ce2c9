//! Multi-head attention, the same module for self-, causal and cross-attention: only keys and mask differ. [A 3.2]

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::init::Initializer;

/// Added to the score of a key that must not be seen.
/// Finite, so that a query whose keys are all hidden gives numbers and no NaN.
const HIDDEN: f32 = -1e9;

/// Keys and values of every row, `[rows, n_keys, d_model]` each.
#[derive(Clone, Debug)]
pub struct KeyValue {
    key: Tensor<3>,
    value: Tensor<3>,
}

impl KeyValue {
    /// Puts newer keys and values behind these.
    pub fn append(self, newer: Self) -> Self {
        Self {
            key: Tensor::cat(vec![self.key, newer.key], 1),
            value: Tensor::cat(vec![self.value, newer.value], 1),
        }
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        self.key.device()
    }

    /// Row `i` of the result is row `rows[i]` of these.
    pub fn select_rows(self, rows: &Tensor<1, Int>) -> Self {
        // Flattened because the CPU backend copies whole rows of matrices.
        let select = |x: Tensor<3>| {
            let [n_rows, n_keys, d_model] = x.dims();
            x.reshape([n_rows, n_keys * d_model])
                .select(0, rows.clone())
                .reshape([-1, n_keys as i64, d_model as i64])
        };
        Self {
            key: select(self.key),
            value: select(self.value),
        }
    }
}

/// Scaled dot-product attention with several heads and no biases.
#[derive(Module, Debug)]
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    n_heads: usize,
}

impl Attention {
    pub(crate) fn init(d_model: usize, n_heads: usize, init: &mut Initializer<'_>) -> Self {
        assert!(
            n_heads > 0 && d_model.is_multiple_of(n_heads),
            "{n_heads} heads do not divide d_model {d_model}"
        );
        Self {
            query: init.linear(d_model, d_model),
            key: init.linear(d_model, d_model),
            value: init.linear(d_model, d_model),
            output: init.linear(d_model, d_model),
            n_heads,
        }
    }

    /// Keys and values of `n_rows` sequences.
    ///
    /// # Shapes
    /// - source: `[n_rows * n_keys, d_model]`
    pub fn key_value(&self, source: Tensor<2>, n_rows: usize) -> KeyValue {
        let [n_tokens, d_model] = source.dims();
        let shape = [n_rows, n_tokens / n_rows, d_model];
        KeyValue {
            key: self.key.forward(source.clone()).reshape(shape),
            value: self.value.forward(source).reshape(shape),
        }
    }

    /// Attends from each query to the keys of its row. The queries of a row stand together.
    ///
    /// # Shapes
    /// - x: `[n_rows * n_queries, d_model]`
    /// - memory: `[n_rows, n_keys, d_model]`
    /// - mask: broadcasts to `[n_rows, n_heads, n_queries, n_keys]`
    /// - output: `[n_rows * n_queries, d_model]`
    pub fn forward(&self, x: Tensor<2>, memory: &KeyValue, mask: Option<&Tensor<4>>) -> Tensor<2> {
        let [n_tokens, d_model] = x.dims();
        let [n_rows, _, _] = memory.key.dims();
        let d_head = d_model / self.n_heads;
        let query = self.query.forward(x) * (d_head as f64).sqrt().recip();
        let attended = attend(
            self.split(query.reshape([n_rows, n_tokens / n_rows, d_model])),
            self.split(memory.key.clone()),
            self.split(memory.value.clone()),
            mask,
        );
        self.output
            .forward(attended.swap_dims(1, 2).reshape([n_tokens, d_model]))
    }

    /// `[rows, time, d_model]` to `[rows, heads, time, d_head]`.
    fn split(&self, x: Tensor<3>) -> Tensor<4> {
        let [n_rows, n_time, d_model] = x.dims();
        x.reshape([n_rows, n_time, self.n_heads, d_model / self.n_heads])
            .swap_dims(1, 2)
    }
}

/// Softmax-weighted mean of the values.
///
/// The values are summed with unnormalised weights and divided afterwards:
/// that is `d_head` divisions per query rather than one per key, forwards and backwards.
fn attend(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    mask: Option<&Tensor<4>>,
) -> Tensor<4> {
    let mut scores = query.matmul(key.swap_dims(2, 3));
    if let Some(mask) = mask {
        scores = scores + mask.clone();
    }
    let largest = scores.clone().detach().max_dim(3);
    let weights = (scores - largest).exp();
    let total = weights.clone().sum_dim(3);
    weights.matmul(value) / total
}

/// Hides padded keys from all queries: `[rows, 1, 1, n_keys]`.
///
/// # Shapes
/// - is_pad: `[rows, n_keys]`
pub fn padding_mask(is_pad: Tensor<2, Bool>) -> Tensor<4> {
    let [n_rows, n_keys] = is_pad.dims();
    is_pad
        .float()
        .mul_scalar(HIDDEN)
        .reshape([n_rows, 1, 1, n_keys])
}

/// Hides later tokens from `n_new` tokens that follow `n_past` others: `[1, 1, n_new, n_past + n_new]`.
/// Nothing where there is nothing to hide.
pub fn causal_mask(n_past: usize, n_new: usize, device: &Device) -> Option<Tensor<4>> {
    if n_new == 1 {
        return None;
    }
    let n_keys = n_past + n_new;
    let values: Vec<f32> = (0..n_new)
        .flat_map(|query_idx| {
            (0..n_keys).map(move |key_idx| {
                if key_idx > n_past + query_idx {
                    HIDDEN
                } else {
                    0.0
                }
            })
        })
        .collect();
    Some(Tensor::from_data(
        TensorData::new(values, [1, 1, n_new, n_keys]),
        device,
    ))
}
