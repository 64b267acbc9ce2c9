//! The mask of an attention on the host.

use burn::tensor::Tensor;

use super::extension::{HostTensor, constant, values};

/// Values added to the scores, and how far apart they are for the next row and the next query: 0 where all share them.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    values: HostTensor,
    row_stride: usize,
    query_stride: usize,
}

impl Mask {
    /// # Shapes
    /// - mask: broadcasts to `[n_rows, 1, n_queries, n_keys]`
    pub(super) fn new(mask: Tensor<4>, n_keys: usize) -> Self {
        let [n_rows, n_heads, n_queries, n_mask_keys] = mask.dims();
        assert_eq!(n_heads, 1, "one mask for all heads");
        let mask = if n_mask_keys < n_keys {
            mask.repeat_dim(3, n_keys)
        } else {
            mask
        };
        let stride = |n: usize, stride| if n == 1 { 0 } else { stride };
        Self {
            values: constant(mask),
            row_stride: stride(n_rows, n_queries * n_keys),
            query_stride: stride(n_queries, n_keys),
        }
    }

    /// What is added to the scores of a query, `[n_keys]`.
    pub(super) fn of_query(&self, row_idx: usize, query_idx: usize, n_keys: usize) -> &[f32] {
        let start = row_idx * self.row_stride + query_idx * self.query_stride;
        &values(&self.values)[start..start + n_keys]
    }
}
