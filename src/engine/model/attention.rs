//! Multi-head attention, the same module for self-, causal and cross-attention: only keys and mask differ. [A 3.2]

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::init::Initializer;
use crate::engine::ops::{self, Heads, Past};

/// Added to the score of a key that must not be seen.
/// Finite, so that a query whose keys are all hidden gives numbers and no NaN.
const HIDDEN: f32 = -1e9;

/// Keys and values of every row.
#[derive(Clone, Debug)]
pub struct KeyValue {
    /// Side by side, `[rows, n_keys, 2 * width]`; the keys alone, `[rows, n_keys, width]`, where they are the values.
    joined: Tensor<3>,
    values_are_keys: bool,
}

impl KeyValue {
    /// Keys and values side by side, `[rows, n_keys, 2 * width]`.
    pub fn joined(joined: Tensor<3>) -> Self {
        Self {
            joined,
            values_are_keys: false,
        }
    }

    /// Keys that are the values, too, `[rows, n_keys, width]`.
    pub fn shared(key: Tensor<3>) -> Self {
        Self {
            joined: key,
            values_are_keys: true,
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.joined.dims()[0]
    }

    /// Width of the keys of all heads together.
    pub fn width(&self) -> usize {
        let [_, _, width] = self.joined.dims();
        if self.values_are_keys {
            width
        } else {
            width / 2
        }
    }

    /// For each query the mean of its row's values, weighted by the softmax of its scaled products with the keys.
    /// The queries of a row stand together, and the heads side by side. Narrower keys have fewer heads, each of which
    /// serves a group of neighbouring heads of the queries.
    ///
    /// # Shapes
    /// - query, output: `[n_rows * n_queries, n_heads * d_head]`
    /// - mask: broadcasts to `[n_rows, 1, n_queries, n_keys]`
    pub fn attend(&self, query: Tensor<2>, mask: Option<&Tensor<4>>, n_heads: usize) -> Tensor<2> {
        let [_, d_model] = query.dims();
        let heads = Heads {
            n_heads,
            n_kv_heads: self.width() * n_heads / d_model,
            values_are_keys: self.values_are_keys,
        };
        ops::attention(query, self.joined.clone(), mask, heads)
    }

    /// Keys and values, `[rows, n_keys, width]` each.
    #[cfg(test)]
    pub(super) fn parts(&self) -> (Tensor<3>, Tensor<3>) {
        let [_, _, d_joined] = self.joined.dims();
        let width = self.width();
        let part = |start: usize| self.joined.clone().slice_dim(2, start..start + width);
        (part(0), part(d_joined - width))
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
        let joined = ops::linear([source, self.key.weight.val(), self.value.weight.val()]);
        KeyValue::joined(joined.reshape([n_rows, n_tokens / n_rows, 2 * d_model]))
    }

    /// Causal self-attention of the next tokens of every row to those before, which they join.
    ///
    /// # Shapes
    /// - x, output: `[n_rows * n_new, d_model]`
    /// - causal_mask: broadcasts to `[n_rows, 1, n_new, n_new]`; looked at where no token came before
    pub fn forward_causal(
        &self,
        x: Tensor<2>,
        n_rows: usize,
        past: &mut Past,
        causal_mask: Option<&Tensor<4>>,
    ) -> Tensor<2> {
        let newer = self.key_value(x.clone(), n_rows);
        if past.is_empty() {
            past.append(newer.joined.clone());
            return self.forward(x, &newer, causal_mask);
        }
        past.append(newer.joined);
        let query = ops::linear([x, self.query.weight.val()]);
        let attended = past.attend(query, self.n_heads);
        ops::linear([attended, self.output.weight.val()])
    }

    /// Attends from each query to the keys of its row. The queries of a row stand together.
    ///
    /// # Shapes
    /// - x: `[n_rows * n_queries, d_model]`
    /// - memory: of `n_rows` rows
    /// - mask: broadcasts to `[n_rows, 1, n_queries, n_keys]`
    /// - output: `[n_rows * n_queries, d_model]`
    pub fn forward(&self, x: Tensor<2>, memory: &KeyValue, mask: Option<&Tensor<4>>) -> Tensor<2> {
        let query = ops::linear([x, self.query.weight.val()]);
        let attended = memory.attend(query, mask, self.n_heads);
        ops::linear([attended, self.output.weight.val()])
    }
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

/// Hides later tokens from each of `n_tokens`: `[1, 1, n_tokens, n_tokens]`. Nothing where there is nothing to hide.
pub fn causal_mask(n_tokens: usize, device: &Device) -> Option<Tensor<4>> {
    if n_tokens == 1 {
        return None;
    }
    let values: Vec<f32> = (0..n_tokens)
        .flat_map(|query_idx| {
            (0..n_tokens).map(move |key_idx| if key_idx > query_idx { HIDDEN } else { 0.0 })
        })
        .collect();
    Some(Tensor::from_data(
        TensorData::new(values, [1, 1, n_tokens, n_tokens]),
        device,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.try_into_vec_as().unwrap()
    }

    #[test]
    fn the_causal_mask_hides_later_tokens_only() {
        let device = Device::flex();
        assert!(causal_mask(1, &device).is_none());
        let mask = values(causal_mask(2, &device).unwrap());
        assert_eq!(mask, [0.0, HIDDEN, 0.0, 0.0]);
    }

    /// Each head by itself: its slice of the projections, plain softmax, then the joint output projection.
    #[test]
    fn heads_are_separate_scaled_attentions() {
        let device = Device::flex();
        let (n_rows, n_queries, n_keys, d_model, n_heads) = (2, 3, 5, 6, 2);
        let attention = Attention::init(d_model, n_heads, &mut Initializer::new(Seed(1), &device));
        let random = |n: usize, seed: u64| {
            Initializer::new(Seed(seed), &device)
                .uniform([n, d_model], 1.0)
                .val()
        };
        let x = random(n_rows * n_queries, 2);
        let source = random(n_rows * n_keys, 3);
        let memory = attention.key_value(source.clone(), n_rows);
        let output = values(attention.forward(x.clone(), &memory, None));

        let d_head = d_model / n_heads;
        let mut rows = Vec::new();
        for row in 0..n_rows {
            let x = x
                .clone()
                .slice_dim(0, row * n_queries..(row + 1) * n_queries);
            let source = source
                .clone()
                .slice_dim(0, row * n_keys..(row + 1) * n_keys);
            let heads = (0..n_heads)
                .map(|head| {
                    let part = |x: &Tensor<2>, linear: &Linear| {
                        x.clone()
                            .matmul(linear.weight.val())
                            .slice_dim(1, head * d_head..(head + 1) * d_head)
                    };
                    let scores = part(&x, &attention.query)
                        .matmul(part(&source, &attention.key).transpose())
                        / (d_head as f64).sqrt();
                    burn::tensor::activation::softmax(scores, 1)
                        .matmul(part(&source, &attention.value))
                })
                .collect();
            rows.push(Tensor::cat(heads, 1).matmul(attention.output.weight.val()));
        }
        let expected = values(Tensor::cat(rows, 0));
        for (a, b) in output.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-5, "{output:?} != {expected:?}");
        }
    }
}
