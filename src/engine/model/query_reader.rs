//! Learnable queries that read any number of vectors into a fixed number: the core of a QFormer. [B 2.1.1, 2.2.1]
//!
//! ```text
//! q' = CrossAttn(q, M, M);   q = FFN(RMSNorm(q'))     for each block
//! ```
//!
//! The report prints no residual connection; with the switch either line adds its input.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::attention::Attention;
use super::feed_forward::SwiGlu;
use super::init::Initializer;
use super::norm::RmsNorm;

/// Cross-attention from the queries to the vectors, then a feed-forward layer.
#[derive(Module, Debug)]
struct ReaderBlock {
    attention: Attention,
    norm: RmsNorm,
    feed_forward: SwiGlu,
}

/// Reads vectors into as many as it has queries.
#[derive(Module, Debug)]
pub struct QueryReader {
    /// `[n_queries, d_model]`.
    queries: Param<Tensor<2>>,
    layers: Vec<ReaderBlock>,
    residual: bool,
}

/// Sizes of a [`QueryReader`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryReaderSize {
    pub(crate) d_model: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_queries: usize,
    pub(crate) n_layers: usize,
    pub(crate) d_ff: usize,
    pub(crate) residual: bool,
}

impl QueryReaderSize {
    /// Trainable values.
    pub(crate) fn n_parameters(self) -> usize {
        let d = self.d_model;
        self.n_queries * d + self.n_layers * (4 * d * d + d + 3 * d * self.d_ff)
    }
}

impl QueryReader {
    pub(crate) fn init(size: QueryReaderSize, init: &mut Initializer<'_>) -> Self {
        let d_model = size.d_model;
        Self {
            queries: init.uniform([size.n_queries, d_model], 1.0),
            layers: (0..size.n_layers)
                .map(|_| ReaderBlock {
                    attention: Attention::init(d_model, size.n_heads, init),
                    norm: RmsNorm::init(d_model, init),
                    feed_forward: SwiGlu::init(d_model, size.d_ff, init),
                })
                .collect(),
            residual: size.residual,
        }
    }

    /// # Shapes
    /// - memory: `[n_rows * n_vectors, d_model]`, the vectors of a row together
    /// - mask: broadcasts to `[n_rows, n_heads, n_queries, n_vectors]`
    /// - output: `[n_rows * n_queries, d_model]`
    pub fn forward(&self, memory: Tensor<2>, n_rows: usize, mask: Option<&Tensor<4>>) -> Tensor<2> {
        let mut queries = self.queries.val().repeat_dim(0, n_rows);
        for layer in &self.layers {
            let memory = layer.attention.key_value(memory.clone(), n_rows);
            let read = layer.attention.forward(queries.clone(), &memory, mask);
            let read = if self.residual { queries + read } else { read };
            let changed = layer.feed_forward.forward(layer.norm.forward(read.clone()));
            queries = if self.residual {
                read + changed
            } else {
                changed
            };
        }
        queries
    }
}
