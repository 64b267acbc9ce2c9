//! One block of the encoder and one of the decoder. [A 3.2, Fig. 2]

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::{Attention, KeyValue};
use super::config::ModelConfig;
use super::feed_forward::FeedForward;
use super::init::Initializer;
use super::norm::Residual;
use crate::engine::ops::Past;

/// Fully visible self-attention, then a feed-forward layer, dense or of experts.
#[derive(Module, Debug)]
pub struct EncoderBlock {
    attention: Attention,
    attention_residual: Residual,
    pub(super) feed_forward: FeedForward,
    feed_forward_residual: Residual,
}

impl EncoderBlock {
    /// The block of index `block_idx` of its stack.
    pub(crate) fn init(config: &ModelConfig, block_idx: usize, init: &mut Initializer<'_>) -> Self {
        Self {
            attention: Attention::init(config.d_model, config.n_heads, init),
            attention_residual: Residual::init(config, init),
            feed_forward: FeedForward::init(config, config.has_encoder_experts(block_idx), init),
            feed_forward_residual: Residual::init(config, init),
        }
    }

    /// # Shapes
    /// - x, output: `[n_rows * n_tokens, d_model]`
    /// - mask: broadcasts to `[n_rows, 1, n_tokens, n_tokens]`
    pub fn forward(&self, x: Tensor<2>, n_rows: usize, mask: Option<&Tensor<4>>) -> Tensor<2> {
        let x = self.attention_residual.forward(x, |x| {
            let own = self.attention.key_value(x.clone(), n_rows);
            self.attention.forward(x, &own, mask)
        });
        self.feed_forward_residual
            .forward(x, |x| self.feed_forward.forward(x))
    }
}

/// What a decoder block sees besides its input.
#[derive(Clone, Debug)]
pub struct DecoderContext {
    /// Keys and values of the encoder's output, one row per request.
    pub memory: KeyValue,
    /// Keys and values of the tokens decoded so far, one row per beam.
    pub past: Past,
}

/// Causal self-attention, cross-attention to the encoder's output, then a feed-forward layer, dense or of experts.
#[derive(Module, Debug)]
pub struct DecoderBlock {
    self_attention: Attention,
    self_attention_residual: Residual,
    cross_attention: Attention,
    cross_attention_residual: Residual,
    pub(super) feed_forward: FeedForward,
    feed_forward_residual: Residual,
}

impl DecoderBlock {
    /// The block of index `block_idx` of its stack.
    pub(crate) fn init(config: &ModelConfig, block_idx: usize, init: &mut Initializer<'_>) -> Self {
        Self {
            self_attention: Attention::init(config.d_model, config.n_heads, init),
            self_attention_residual: Residual::init(config, init),
            cross_attention: Attention::init(config.d_model, config.n_heads, init),
            cross_attention_residual: Residual::init(config, init),
            feed_forward: FeedForward::init(config, config.has_decoder_experts(block_idx), init),
            feed_forward_residual: Residual::init(config, init),
        }
    }

    /// The block's context before the first token.
    ///
    /// # Shapes
    /// - memory: `[n_requests * n_keys, d_model]`
    pub fn start(&self, memory: Tensor<2>, n_requests: usize) -> DecoderContext {
        DecoderContext {
            memory: self.cross_attention.key_value(memory, n_requests),
            past: Past::default(),
        }
    }

    /// Processes the next tokens of every row and adds them to the context.
    ///
    /// # Shapes
    /// - x, output: `[n_rows * n_new, d_model]`
    /// - causal_mask: broadcasts to `[n_rows, 1, n_new, n_new]`; looked at where no token came before
    /// - memory_mask: broadcasts to `[n_requests, 1, n_new * n_rows / n_requests, n_keys]`
    pub fn forward(
        &self,
        x: Tensor<2>,
        n_rows: usize,
        context: &mut DecoderContext,
        causal_mask: Option<&Tensor<4>>,
        memory_mask: Option<&Tensor<4>>,
    ) -> Tensor<2> {
        let x = self.self_attention_residual.forward(x, |x| {
            self.self_attention
                .forward_causal(x, n_rows, &mut context.past, causal_mask)
        });
        let x = self.cross_attention_residual.forward(x, |x| {
            self.cross_attention
                .forward(x, &context.memory, memory_mask)
        });
        self.feed_forward_residual
            .forward(x, |x| self.feed_forward.forward(x))
    }
}
