//! One block: cross-attention to a shared set of keys and values, causal self-attention, feed-forward. [V2 2.2]

use burn::module::Module;
use burn::tensor::Tensor;

use super::cross_attention::CrossAttention;
use crate::engine::model::attention::Attention;
use crate::engine::model::block::DecoderContext;
use crate::engine::model::config::ModelConfig;
use crate::engine::model::feed_forward::FeedForward;
use crate::engine::model::init::Initializer;
use crate::engine::model::norm::Residual;

/// One block of the lazy decoder.
#[derive(Module, Debug)]
pub(super) struct LazyBlock {
    cross_attention: CrossAttention,
    cross_attention_residual: Residual,
    self_attention: Attention,
    self_attention_residual: Residual,
    pub(super) feed_forward: FeedForward,
    feed_forward_residual: Residual,
}

impl LazyBlock {
    pub(super) fn init(config: &ModelConfig, block_idx: usize, init: &mut Initializer<'_>) -> Self {
        Self {
            cross_attention: CrossAttention::init(config.d_model, config.n_heads, init),
            cross_attention_residual: Residual::init(config, init),
            self_attention: Attention::init(config.d_model, config.n_heads, init),
            self_attention_residual: Residual::init(config, init),
            feed_forward: FeedForward::init(config, config.has_decoder_experts(block_idx), init),
            feed_forward_residual: Residual::init(config, init),
        }
    }

    /// Processes the next tokens of every row and adds them to the context.
    ///
    /// # Shapes
    /// - x, output: `[n_rows * n_new, d_model]`
    /// - causal_mask: broadcasts to `[n_rows, 1, n_new, n_new]`; looked at where no token came before
    /// - memory_mask: broadcasts to `[n_requests, 1, 1, n_keys]`
    pub(super) fn forward(
        &self,
        x: Tensor<2>,
        n_rows: usize,
        context: &mut DecoderContext,
        causal_mask: Option<&Tensor<4>>,
        memory_mask: Option<&Tensor<4>>,
    ) -> Tensor<2> {
        let x = self.cross_attention_residual.forward(x, |x| {
            self.cross_attention
                .forward(x, &context.memory, memory_mask)
        });
        let x = self.self_attention_residual.forward(x, |x| {
            self.self_attention
                .forward_causal(x, n_rows, &mut context.past, causal_mask)
        });
        self.feed_forward_residual
            .forward(x, |x| self.feed_forward.forward(x))
    }
}
