//! Sizes of the generator.

use serde::{Deserialize, Serialize};

/// Sizes of the generator. [A 3.2, 5.1.1; what the paper leaves open is a setting]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Attention heads; divides d_model.
    pub n_heads: usize,
    /// Encoder blocks; the paper uses as many as decoder blocks.
    pub n_encoder_layers: usize,
    /// Decoder blocks.
    pub n_decoder_layers: usize,
    /// Width of the encoder's feed-forward layers and, without experts, of the decoder's.
    pub d_ff: usize,
    /// Experts of each decoder block; 0 makes it dense. [A 5.1.1: 24]
    pub n_experts: usize,
    /// Experts used per token. [A 5.1.1: 2]
    pub n_active_experts: usize,
    /// Width of one expert.
    pub d_ff_expert: usize,
    /// Items of history, n. [A 5.1.1: 256]
    pub history_len: usize,
    /// Normalise before a sublayer (pre) or after the residual sum (post). [A Fig. 2 suggests post; pre trains more easily]
    pub norm: NormPlacement,
    /// Whether input and output share the code embeddings. [A does not say]
    pub tie_embeddings: bool,
    /// Dropout probability in the residual branches.
    pub dropout: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            d_model: 128,
            n_heads: 4,
            n_encoder_layers: 2,
            n_decoder_layers: 2,
            d_ff: 256,
            n_experts: 24,
            n_active_experts: 2,
            d_ff_expert: 128,
            history_len: 20,
            norm: NormPlacement::Pre,
            tie_embeddings: true,
            dropout: 0.0,
        }
    }
}

/// Where RMSNorm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormPlacement {
    /// x + f(norm(x)).
    Pre,
    /// norm(x + f(x)).
    Post,
}
