//! Attention in burn's own operations.

use burn::tensor::Tensor;

use super::attention::Heads;
use super::dtype::{as_in, widen};

/// See [`attention`](super::attention()).
///
/// The values are summed with unnormalised weights and divided afterwards:
/// that is `d_head` divisions per query rather than one per key, forwards and backwards.
pub(super) fn plain(
    query: Tensor<2>,
    key_value: Tensor<3>,
    mask: Option<&Tensor<4>>,
    heads: Heads,
) -> Tensor<2> {
    let [n_query_tokens, d_model] = query.dims();
    let [n_rows, n_keys, d_memory] = key_value.dims();
    let Heads {
        n_heads,
        n_kv_heads,
        ..
    } = heads;
    let d_head = d_model / n_heads;
    let query = query * (d_head as f64).sqrt().recip();
    let query = query
        .reshape([n_rows, n_query_tokens / n_rows, n_heads, d_head])
        .swap_dims(1, 2);
    // Each head of the queries gets the keys and values of its group.
    let of_heads = |x: Tensor<3>| {
        let x = x
            .reshape([n_rows, n_keys, n_kv_heads, d_head])
            .swap_dims(1, 2);
        if n_kv_heads == n_heads {
            return x;
        }
        x.reshape([n_rows, n_kv_heads, 1, n_keys, d_head])
            .repeat_dim(2, n_heads / n_kv_heads)
            .reshape([n_rows, n_heads, n_keys, d_head])
    };
    let d_keys = n_kv_heads * d_head;
    let key = of_heads(key_value.clone().slice_dim(2, 0..d_keys));
    let value = of_heads(key_value.slice_dim(2, d_memory - d_keys..d_memory));
    let mut scores = widen(query.matmul(key.swap_dims(2, 3)));
    if let Some(mask) = mask {
        scores = scores + mask.clone();
    }
    let largest = scores.clone().detach().max_dim(3);
    let weights = (scores - largest).exp();
    let total = weights.clone().sum_dim(3);
    let attended = widen(as_in(weights, &value).matmul(value.clone())) / total;
    as_in(attended, &value)
        .swap_dims(1, 2)
        .reshape([n_query_tokens, d_model])
}
