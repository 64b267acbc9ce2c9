//! Sizes of the generator.

use serde::{Deserialize, Serialize};

use super::lazy_decoder::config::LazyConfig;
pub use super::precision::Precision;
use crate::engine::batch::pathway::PathwayConfig;

/// Sizes of the generator. [A 3.2, 5.1.1; what the paper leaves open is a setting]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Which of the papers' models. [A 3.2; B 2.2; V2 2.2]
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
    /// Experts of each block that has them; 0 makes all blocks dense. [A 5.1.1: 24]
    pub n_experts: usize,
    /// Experts used per token. [A 5.1.1: 2]
    pub n_active_experts: usize,
    /// Width of one expert.
    pub d_ff_expert: usize,
    /// Whether the encoder has experts too, not the decoder alone. [A: no; B Table 1: in its largest model]
    pub encoder_experts: bool,
    /// Blocks at the start of a stack that stay dense. [A, B: 0; V2: 2]
    pub n_dense_blocks: usize,
    /// Of the blocks after those, every how-manieth has experts: 1 is each of them. [A: 1; B does not say, 2 fits the
    /// size of its largest model]
    pub expert_every_blocks: usize,
    /// Experts that every token uses besides those it chooses. [A, B: 0; V2: 1]
    pub n_shared_experts: usize,
    /// How the router's products become scores. [A eq. 2: softmax; B does not say; DeepSeek-V3: sigmoid]
    pub expert_score: ExpertScore,
    /// Whether the scores of the chosen experts are divided by their sum. [A eq. 2: no; B does not say; DeepSeek-V3: yes]
    pub renormalise_gate: bool,
    /// Gamma of loss-free balancing: how far a bias moves per step; 0 leaves the load as it comes.
    /// [B 2.3 names the method; DeepSeek-V3: 0.001; A names none]
    pub balance_rate: f64,
    /// Positive items of history, n; in the second system the length of the positive-feedback pathway.
    /// [A 5.1.1 and B 2.2.1: 256]
    pub history_len: usize,
    /// Normalise before a sublayer (pre) or after the residual sum (post). [A Fig. 2 suggests post; pre trains more easily]
    pub norm: NormPlacement,
    /// Whether input and output share the code embeddings. [A does not say]
    pub tie_embeddings: bool,
    /// Dropout probability in the residual branches.
    pub dropout: f64,
    /// Numbers that the blocks compute with; weights and their updates stay f32. [A, B, V2 do not say]
    pub precision: Precision,
    /// The pathways that the second system's encoder reads.
    pub pathways: PathwayConfig,
    /// What only the lazy decoder has.
    pub lazy: LazyConfig,
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
            encoder_experts: false,
            n_dense_blocks: 0,
            expert_every_blocks: 1,
            n_shared_experts: 0,
            expert_score: ExpertScore::Softmax,
            renormalise_gate: false,
            balance_rate: 1e-3,
            history_len: 20,
            norm: NormPlacement::Pre,
            tie_embeddings: true,
            dropout: 0.0,
            precision: Precision::F32,
            pathways: PathwayConfig::default(),
            lazy: LazyConfig::default(),
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
    /// No encoder: a decoder that writes each item by itself attends to the context. [V2 2.2]
    Lazy,
}

impl ModelConfig {
    /// Whether contexts are pathways of features, rather than the semantic IDs of the last positive items.
    pub fn reads_pathways(&self) -> bool {
        match self.system {
            System::Session => false,
            System::Pathways => true,
            System::Lazy => self.lazy.reads_pathways,
        }
    }

    /// The pathways of the lazy decoder, which are as narrow as its embeddings.
    pub(super) fn narrow(&self) -> Self {
        Self {
            d_model: self.lazy.d_embed,
            n_heads: 1,
            d_ff: 2 * self.lazy.d_embed,
            ..self.clone()
        }
    }

    /// Whether the decoder block of that index has experts. In every group of `expert_every_blocks` it is the last one.
    pub fn has_decoder_experts(&self, block_idx: usize) -> bool {
        let every = self.expert_every_blocks.max(1);
        self.n_experts > 0
            && block_idx >= self.n_dense_blocks
            && (block_idx - self.n_dense_blocks + 1).is_multiple_of(every)
    }

    /// Whether the encoder block of that index has experts.
    pub fn has_encoder_experts(&self, block_idx: usize) -> bool {
        self.encoder_experts && self.has_decoder_experts(block_idx)
    }
}

/// How the router's products become scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpertScore {
    /// Shares of all experts, which sum to 1.
    Softmax,
    /// Each expert by itself, between 0 and 1.
    Sigmoid,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experts_stand_where_the_settings_say() {
        let blocks = |n_dense_blocks, expert_every_blocks| -> Vec<usize> {
            let config = ModelConfig {
                n_dense_blocks,
                expert_every_blocks,
                ..ModelConfig::default()
            };
            assert!(!config.has_encoder_experts(3), "the decoder alone");
            (0..6)
                .filter(|idx| config.has_decoder_experts(*idx))
                .collect()
        };
        assert_eq!(blocks(0, 1), [0, 1, 2, 3, 4, 5]);
        assert_eq!(blocks(0, 2), [1, 3, 5]);
        assert_eq!(blocks(2, 1), [2, 3, 4, 5]);
        let both = ModelConfig {
            encoder_experts: true,
            expert_every_blocks: 2,
            ..ModelConfig::default()
        };
        assert!(both.has_encoder_experts(1) && !both.has_encoder_experts(0));
        let dense = ModelConfig {
            n_experts: 0,
            ..both
        };
        assert!(!dense.has_encoder_experts(1) && !dense.has_decoder_experts(1));
    }
}
