//! How large a generator is and what it costs, by arithmetic alone.

use super::config::{ModelConfig, NormPlacement};
use crate::engine::batch::FeatureSpec;
use crate::engine::tokenizer::vocab::TokenVocab;

/// Size and cost of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelSize {
    /// Trainable values.
    pub n_parameters: usize,
    /// Those that one token meets: all but the experts it does not use. [A 4: 13%]
    pub n_active_parameters: usize,
    /// Floating-point operations of one forward pass over a full history and slate, multiply and add counted apart.
    /// Matrix products only.
    pub forward_flops: u64,
}

impl ModelConfig {
    /// Size for a vocabulary, slates of `slate_len` items and the features of the reader of contexts. What brings features
    /// to the encoder is counted among the parameters, but not among the operations.
    pub fn size(&self, vocab: TokenVocab, slate_len: usize, features: &FeatureSpec) -> ModelSize {
        let d = self.d_model;
        let item_len = vocab.n_levels + 1;
        let n_history = self.n_context_positions(vocab);
        let n_slate = slate_len * item_len;
        let attention = 4 * d * d;
        let dense = 3 * d * self.d_ff;
        let expert = 3 * d * self.d_ff_expert;
        let router = d * self.n_experts;
        let final_norms = match self.norm {
            NormPlacement::Pre => 2 * d,
            NormPlacement::Post => 0,
        };
        let output = vocab.n_levels * vocab.codebook_size * d;

        let experts = router + (self.n_experts + self.n_shared_experts) * expert;
        let idle = (self.n_experts - self.n_active_experts.min(self.n_experts)) * expert;
        let n_encoder_experts = (0..self.n_encoder_layers)
            .filter(|block_idx| self.has_encoder_experts(*block_idx))
            .count();
        let n_decoder_experts = (0..self.n_decoder_layers)
            .filter(|block_idx| self.has_decoder_experts(*block_idx))
            .count();
        let feed_forward = |n_layers: usize, n_with_experts: usize, per_layer: usize| {
            (n_layers - n_with_experts) * dense + n_with_experts * per_layer
        };
        let n_parameters = (vocab.size() + n_slate) * d
            + self.n_input_parameters(vocab, features)
            + self.n_encoder_layers * (attention + 2 * d)
            + feed_forward(self.n_encoder_layers, n_encoder_experts, experts)
            + self.n_decoder_layers * (2 * attention + 3 * d)
            + feed_forward(self.n_decoder_layers, n_decoder_experts, experts)
            + final_norms
            + if self.tie_embeddings { 0 } else { output };

        let encoder = n_history * attention + 2 * n_history * n_history * d;
        let decoder = n_slate * (2 * attention - 2 * d * d)
            + 2 * n_history * d * d
            + 2 * n_slate * (n_slate + n_history) * d;
        let active = experts - idle;
        let n_products = self.n_encoder_layers * encoder
            + n_history * feed_forward(self.n_encoder_layers, n_encoder_experts, active)
            + self.n_decoder_layers * decoder
            + n_slate * feed_forward(self.n_decoder_layers, n_decoder_experts, active)
            + slate_len * output;
        ModelSize {
            n_parameters,
            n_active_parameters: n_parameters - (n_encoder_experts + n_decoder_experts) * idle,
            forward_flops: 2 * n_products as u64,
        }
    }
}
