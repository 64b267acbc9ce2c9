//! From a history to keys and values that all blocks share. [V2 2.2: context processor]
//!
//! ```text
//! C = position * W                                [d_context = S_kv * L_kv * G_kv * d_head]
//! k_j = RMSNorm(C_(j * S_kv));  v_j = RMSNorm(C_(j * S_kv + 1)), or k_j where S_kv = 1
//! ```
//!
//! Nothing grows with the history. The paper leaves open how items enter: here by the one matrix that the costs in its
//! Table 3 imply, see [`size`](crate::engine::model::size).

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::config::LazyConfig;
use crate::engine::model::attention::KeyValue;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::init::Initializer;
use crate::engine::model::norm::RmsNorm;
use crate::engine::ops;

/// Maps the positions of a context to keys and values.
#[derive(Module, Debug)]
pub(super) struct ContextProcessor {
    projection: Linear,
    /// One per part of the context.
    norms: Vec<RmsNorm>,
}

impl ContextProcessor {
    pub(super) fn init(config: &ModelConfig, n_levels: usize, init: &mut Initializer<'_>) -> Self {
        let lazy = &config.lazy;
        let d_part = lazy.d_part(config.d_model, config.n_heads);
        Self {
            projection: init.linear(lazy.d_position(n_levels), lazy.n_parts() * d_part),
            norms: (0..lazy.n_parts())
                .map(|_| RmsNorm::init(d_part, init))
                .collect(),
        }
    }

    /// One vector per position, wide enough for all keys and values.
    ///
    /// # Shapes
    /// - positions: `[n_requests * n_positions, width]`
    /// - output: `[n_requests * n_positions, d_context]`
    pub(super) fn forward(&self, positions: Tensor<2>) -> Tensor<2> {
        ops::linear([positions, self.projection.weight.val()])
    }

    /// The sets of keys and values, `[n_requests, n_positions, G_kv * d_head]` each.
    ///
    /// # Shapes
    /// - context: `[n_requests * n_positions, d_context]`
    pub(super) fn key_values(
        &self,
        context: &Tensor<2>,
        n_requests: usize,
        config: &LazyConfig,
    ) -> Vec<KeyValue> {
        let [n_rows, d_context] = context.dims();
        let d_part = d_context / self.norms.len();
        let part = |part_idx: usize| {
            let part = context
                .clone()
                .slice_dim(1, part_idx * d_part..(part_idx + 1) * d_part);
            self.norms[part_idx]
                .forward(part)
                .reshape([n_requests, n_rows / n_requests, d_part])
        };
        (0..config.n_kv_sets)
            .map(|set_idx| {
                if config.values_are_keys {
                    KeyValue::shared(part(set_idx))
                } else {
                    let parts = vec![part(2 * set_idx), part(2 * set_idx + 1)];
                    KeyValue::joined(Tensor::cat(parts, 2))
                }
            })
            .collect()
    }
}
