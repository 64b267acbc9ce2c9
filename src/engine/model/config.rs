//! Sizes of the generator.

use serde::{Deserialize, Serialize};

use crate::engine::batch::pathway::PathwayConfig;

/// Sizes of the generator. [A 3.2, 5.1.1; what the paper leaves open is a setting]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Which of the papers' models: what the encoder reads. [A 3.2; B 2.2]
    pub system: System,
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
    /// Positive items of history, n; in the second system the length of the positive-feedback pathway.
    /// [A 5.1.1 and B 2.2.1: 256]
    pub history_len: usize,
    /// Normalise before a sublayer (pre) or after the residual sum (post). [A Fig. 2 suggests post; pre trains more easily]
    pub norm: NormPlacement,
    /// Whether input and output share the code embeddings. [A does not say]
    pub tie_embeddings: bool,
    /// Dropout probability in the residual branches.
    pub dropout: f64,
    /// The pathways that the second system's encoder reads.
    pub pathways: PathwayConfig,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            system: System::Session,
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
            pathways: PathwayConfig::default(),
        }
    }
}

/// Which of the papers' models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// The encoder reads the semantic IDs of the last positive items. [A 3.2]
    Session,
    /// The encoder reads pathways of features. [B 2.2]
    Pathways,
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
