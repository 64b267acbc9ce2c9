//! Scaled dot-product attention over heads that stand side by side, without a tensor of all scores.
//!
//! Each row of the batch is work of its own: its queries in blocks, one head after the other, with the scores of a
//! block against all keys of the row in a buffer of the thread. The backward pass computes them again from the largest
//! score and the sum of each query, which is cheaper than keeping and reading them.

use burn::tensor::Tensor;
use faer::Accum;
use faer::prelude::ReborrowMut as _;
use rayon::prelude::*;

use super::attention_plain::plain;
use super::attention_scores::{Scores, Softmax};
use super::buffer;
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values};
use super::mask::Mask;
use super::product::{matrix, matrix_mut, product_here};

/// Queries whose scores are computed together.
const BLOCK_QUERIES: usize = 64;

/// Which keys and values the heads of the queries look at.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Heads of the queries.
    pub n_heads: usize,
    /// Heads of the keys and values. Each serves `n_heads / n_kv_heads` neighbouring heads of the queries.
    pub n_kv_heads: usize,
    /// Whether the keys are the values, too.
    pub values_are_keys: bool,
}

impl Heads {
    /// Keys and values of its own for each head.
    pub fn all(n_heads: usize) -> Self {
        Self {
            n_heads,
            n_kv_heads: n_heads,
            values_are_keys: false,
        }
    }
}

/// For each query the mean of its row's values, weighted by the softmax of its scaled products with the keys plus the mask.
/// The queries of a row stand together, as do its keys.
///
/// # Shapes
/// - query, output: `[n_rows * n_queries, n_heads * d_head]`
/// - key_value: `[n_rows, n_keys, 2 * n_kv_heads * d_head]`, the keys of all heads before the values of all heads; half as
///   wide where the values are the keys
/// - mask: added to the scores; broadcasts to `[n_rows, 1, n_queries, n_keys]`; no gradient
pub fn attention(
    query: Tensor<2>,
    key_value: Tensor<3>,
    mask: Option<&Tensor<4>>,
    heads: Heads,
) -> Tensor<2> {
    let [n_query_tokens, d_model] = query.dims();
    let [n_rows, n_keys, d_memory] = key_value.dims();
    if is_on_host(&query.device(), &[query.dtype(), key_value.dtype()]) {
        let operation = Attention {
            n_queries: n_query_tokens / n_rows,
            n_keys,
            heads,
            d_head: d_model / heads.n_heads,
            d_memory,
            scores: Scores {
                n_keys,
                scale: ((d_model / heads.n_heads) as f32).sqrt().recip(),
                mask: mask.map(|mask| Mask::new(mask.clone(), n_keys)),
            },
        };
        return Tensor::from_dispatch(apply(
            operation,
            [query.into_dispatch(), key_value.into_dispatch()],
        ));
    }
    plain(query, key_value, mask, heads)
}

#[derive(Clone, Debug)]
struct Attention {
    n_queries: usize,
    n_keys: usize,
    heads: Heads,
    d_head: usize,
    /// Width of the keys and values of a position.
    d_memory: usize,
    scores: Scores,
}

/// Queries, keys and values, and what turns the scores of each query of each head into weights.
#[derive(Clone, Debug)]
struct Saved {
    operands: [HostTensor; 2],
    softmax: Vec<Softmax>,
}

/// The queries that are worked on.
#[derive(Clone, Copy)]
struct Block {
    head: usize,
    first: usize,
    len: usize,
}

impl Operation<2> for Attention {
    type Saved = Saved;

    fn forward(&self, operands: [HostTensor; 2]) -> (HostTensor, Saved) {
        let d_model = self.heads.n_heads * self.d_head;
        let (query, key_value) = (values(&operands[0]), values(&operands[1]));
        let mut output = buffer::take(query.len());
        let mut softmax = vec![Softmax::default(); query.len() / self.d_head];
        output
            .par_chunks_mut(self.n_queries * d_model)
            .zip(query.par_chunks(self.n_queries * d_model))
            .zip(key_value.par_chunks(self.n_keys * self.d_memory))
            .zip(softmax.par_chunks_mut(self.n_queries * self.heads.n_heads))
            .enumerate()
            .for_each_init(
                || vec![0.0; self.scores_len()],
                |scores, (row_idx, (((output, query), key_value), softmax))| {
                    self.forward_row(scores, row_idx, output, query, key_value, softmax);
                },
            );
        let n_query_tokens = query.len() / d_model;
        let output = tensor(output, [n_query_tokens, d_model]);
        (output, Saved { operands, softmax })
    }

    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        _wanted: [bool; 2],
    ) -> [Option<HostTensor>; 2] {
        let d_model = self.heads.n_heads * self.d_head;
        let (query, key_value) = (values(&saved.operands[0]), values(&saved.operands[1]));
        let mut of_query = buffer::take(query.len());
        let mut of_key_value = buffer::take(key_value.len());
        of_query
            .par_chunks_mut(self.n_queries * d_model)
            .zip(of_key_value.par_chunks_mut(self.n_keys * self.d_memory))
            .zip(query.par_chunks(self.n_queries * d_model))
            .zip(key_value.par_chunks(self.n_keys * self.d_memory))
            .zip(values(&gradient).par_chunks(self.n_queries * d_model))
            .zip(
                saved
                    .softmax
                    .par_chunks(self.n_queries * self.heads.n_heads),
            )
            .enumerate()
            .for_each_init(
                || [vec![0.0; self.scores_len()], vec![0.0; self.scores_len()]],
                |scratch,
                 (
                    row_idx,
                    (((((of_query, of_key_value), query), key_value), gradient), softmax),
                )| {
                    let row = BackwardRow {
                        query,
                        key_value,
                        gradient,
                        softmax,
                    };
                    self.backward_row(scratch, row_idx, &row, of_query, of_key_value);
                },
            );
        let n_query_tokens = query.len() / d_model;
        let n_rows = n_query_tokens / self.n_queries;
        saved.operands.into_iter().for_each(buffer::give);
        buffer::give(gradient);
        [
            Some(tensor(of_query, [n_query_tokens, d_model])),
            Some(tensor(of_key_value, [n_rows, self.n_keys, self.d_memory])),
        ]
    }
}

/// What the backward pass of one row reads.
struct BackwardRow<'a> {
    query: &'a [f32],
    key_value: &'a [f32],
    gradient: &'a [f32],
    softmax: &'a [Softmax],
}

impl Attention {
    fn scores_len(&self) -> usize {
        BLOCK_QUERIES.min(self.n_queries) * self.n_keys
    }

    /// The blocks of a row: all blocks of a head, then those of the next.
    fn blocks(&self) -> impl Iterator<Item = Block> {
        let n_queries = self.n_queries;
        (0..self.heads.n_heads).flat_map(move |head| {
            (0..n_queries)
                .step_by(BLOCK_QUERIES)
                .map(move |first| Block {
                    head,
                    first,
                    len: BLOCK_QUERIES.min(n_queries - first),
                })
        })
    }

    fn forward_row(
        &self,
        scores: &mut [f32],
        row_idx: usize,
        output: &mut [f32],
        query: &[f32],
        key_value: &[f32],
        softmax: &mut [Softmax],
    ) {
        let d_model = self.heads.n_heads * self.d_head;
        let mut output = matrix_mut(output, d_model);
        let query = matrix(query, d_model);
        let key_value = matrix(key_value, self.d_memory);
        for block in self.blocks() {
            let column = block.head * self.d_head;
            let [key_column, value_column] = self.memory_columns(block.head);
            let key = key_value.subcols(key_column, self.d_head);
            let value = key_value.subcols(value_column, self.d_head);
            let query = query.submatrix(block.first, column, block.len, self.d_head);
            let scores = &mut scores[..block.len * self.n_keys];
            let softmax = &mut softmax[self.place(block)..][..block.len];
            product_here(
                matrix_mut(scores, self.n_keys),
                Accum::Replace,
                query,
                key.transpose(),
            );
            self.scores
                .normalise(scores, (row_idx, block.first), softmax);
            let output = output
                .rb_mut()
                .submatrix_mut(block.first, column, block.len, self.d_head);
            product_here(output, Accum::Replace, matrix(scores, self.n_keys), value);
        }
    }

    fn backward_row(
        &self,
        scratch: &mut [Vec<f32>; 2],
        row_idx: usize,
        row: &BackwardRow<'_>,
        of_query: &mut [f32],
        of_key_value: &mut [f32],
    ) {
        let d_model = self.heads.n_heads * self.d_head;
        let [scores, slopes] = scratch;
        let mut of_query = matrix_mut(of_query, d_model);
        let mut of_key_value = matrix_mut(of_key_value, self.d_memory);
        let query = matrix(row.query, d_model);
        let key_value = matrix(row.key_value, self.d_memory);
        let gradient = matrix(row.gradient, d_model);
        for block in self.blocks() {
            let column = block.head * self.d_head;
            let [key_column, value_column] = self.memory_columns(block.head);
            let key = key_value.subcols(key_column, self.d_head);
            let value = key_value.subcols(value_column, self.d_head);
            let query = query.submatrix(block.first, column, block.len, self.d_head);
            let gradient = gradient.submatrix(block.first, column, block.len, self.d_head);
            let weights = &mut scores[..block.len * self.n_keys];
            let slopes = &mut slopes[..block.len * self.n_keys];
            product_here(
                matrix_mut(weights, self.n_keys),
                Accum::Replace,
                query,
                key.transpose(),
            );
            product_here(
                matrix_mut(slopes, self.n_keys),
                Accum::Replace,
                gradient,
                value.transpose(),
            );
            let softmax = &row.softmax[self.place(block)..][..block.len];
            self.scores
                .slopes(weights, slopes, (row_idx, block.first), softmax);
            // The first block of a group of heads writes, later ones add; so do values where they are the keys.
            let is_first = block.first == 0 && block.head.is_multiple_of(self.group_len());
            let accum = |is_first| {
                if is_first { Accum::Replace } else { Accum::Add }
            };
            let slopes = matrix(slopes, self.n_keys);
            let of_query =
                of_query
                    .rb_mut()
                    .submatrix_mut(block.first, column, block.len, self.d_head);
            product_here(of_query, Accum::Replace, slopes, key);
            let of_key = of_key_value.rb_mut().subcols_mut(key_column, self.d_head);
            product_here(of_key, accum(is_first), slopes.transpose(), query);
            let of_value = of_key_value.rb_mut().subcols_mut(value_column, self.d_head);
            let weights = matrix(weights, self.n_keys);
            let is_first = is_first && !self.heads.values_are_keys;
            product_here(of_value, accum(is_first), weights.transpose(), gradient);
        }
    }

    /// Heads of the queries that share a head of keys and values.
    fn group_len(&self) -> usize {
        self.heads.n_heads / self.heads.n_kv_heads
    }

    /// Where the keys and the values of a head of the queries begin.
    fn memory_columns(&self, head: usize) -> [usize; 2] {
        let column = head / self.group_len() * self.d_head;
        let d_keys = self.heads.n_kv_heads * self.d_head;
        [column, self.d_memory - d_keys + column]
    }

    /// Where the first query of a block stands among the row's softmaxes.
    fn place(&self, block: Block) -> usize {
        block.head * self.n_queries + block.first
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::super::checks::{check, values as read};
    use super::*;

    /// Sizes of a case: rows, queries, keys, heads, width of a head.
    type Sizes = (usize, usize, usize, usize, usize);

    fn compare(sizes: Sizes, mask: impl Fn(&Device) -> Option<Tensor<4>>) {
        compare_heads(sizes, Heads::all(sizes.3), mask);
    }

    fn compare_heads(sizes: Sizes, heads: Heads, mask: impl Fn(&Device) -> Option<Tensor<4>>) {
        let (n_rows, n_queries, n_keys, n_heads, d_head) = sizes;
        let d_model = n_heads * d_head;
        let n_parts = if heads.values_are_keys { 1 } else { 2 };
        let d_memory = n_parts * heads.n_kv_heads * d_head;
        let operands = |x: &[Tensor<1>]| {
            (
                x[0].clone().reshape([n_rows * n_queries, d_model]),
                x[1].clone().reshape([n_rows, n_keys, d_memory]),
                mask(&x[0].device()),
            )
        };
        check(
            &[n_rows * n_queries * d_model, n_rows * n_keys * d_memory],
            1.0,
            |x| {
                let (query, key_value, mask) = operands(x);
                attention(query, key_value, mask.as_ref(), heads).flatten(0, 1)
            },
            |x| {
                let (query, key_value, mask) = operands(x);
                plain(query, key_value, mask.as_ref(), heads).flatten(0, 1)
            },
        );
    }

    fn mask(
        shape: [usize; 4],
        is_hidden: impl Fn(usize, usize, usize) -> bool,
        device: &Device,
    ) -> Option<Tensor<4>> {
        let [n_rows, _, n_queries, n_keys] = shape;
        let mut values = Vec::new();
        for row in 0..n_rows {
            for query in 0..n_queries {
                for key in 0..n_keys {
                    values.push(if is_hidden(row, query, key) {
                        -1e9_f32
                    } else {
                        0.0
                    });
                }
            }
        }
        Some(Tensor::from_data(TensorData::new(values, shape), device))
    }

    #[test]
    fn equals_the_plain_composition() {
        for sizes in [
            (1, 1, 1, 1, 1),
            (3, 5, 7, 2, 3),
            (2, 70, 9, 3, 4),
            (2, 130, 130, 1, 8),
        ] {
            compare(sizes, |_| None);
        }
    }

    #[test]
    fn heads_of_a_group_share_keys_that_may_be_the_values() {
        for values_are_keys in [false, true] {
            for (n_heads, n_kv_heads) in [(4, 4), (4, 2), (6, 1)] {
                let heads = Heads {
                    n_heads,
                    n_kv_heads,
                    values_are_keys,
                };
                let (n_rows, n_queries, n_keys) = (3, 70, 5);
                compare_heads((n_rows, n_queries, n_keys, n_heads, 3), heads, |device| {
                    let shape = [n_rows, 1, 1, n_keys];
                    mask(shape, |row, _, key| key < row, device)
                });
            }
        }
    }

    #[test]
    fn padding_hides_keys_of_a_row_even_all_of_them() {
        let (n_rows, n_queries, n_keys) = (4, 66, 11);
        compare((n_rows, n_queries, n_keys, 2, 4), |device| {
            let shape = [n_rows, 1, 1, n_keys];
            mask(shape, |row, _, key| key < row * 4, device)
        });
    }

    #[test]
    fn causal_masks_are_shared_by_the_rows_or_not() {
        let (n_rows, n_queries, n_keys) = (2, 6, 9);
        for n_masks in [1, n_rows] {
            compare((n_rows, n_queries, n_keys, 3, 2), |device| {
                let shape = [n_masks, 1, n_queries, n_keys];
                mask(shape, |row, query, key| key > query + 3 + row, device)
            });
        }
    }

    #[test]
    fn weights_are_the_softmax_of_the_scores() {
        let device = Device::flex();
        let ln = |x: f32| x.ln();
        // One head of width 1, one query 1; scores ln 1, ln 2, ln 5 and a hidden key.
        let query = Tensor::<2>::from_floats([[1.0]], &device);
        let key_value = Tensor::<3>::from_floats(
            [[[ln(1.0), 8.0], [ln(2.0), 0.0], [ln(5.0), 8.0], [90.0, 1e6]]],
            &device,
        );
        let mask = mask([1, 1, 1, 4], |_, _, key| key == 3, &device);
        let output = read(&attention(query, key_value, mask.as_ref(), Heads::all(1)));
        // (1 * 8 + 5 * 8) / 8.
        assert!((output[0] - 6.0).abs() < 1e-4, "{output:?}");
    }

    #[test]
    fn large_scores_stay_finite() {
        let device = Device::flex();
        let query = Tensor::<2>::from_floats([[300.0], [-300.0]], &device);
        let key_value = Tensor::<3>::from_floats([[[300.0, 300.0], [-300.0, -300.0]]], &device);
        let output = attention(query, key_value, None, Heads::all(1));
        assert_eq!(read(&output), [300.0, -300.0]);
    }
}
