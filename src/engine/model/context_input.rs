//! The layer in front of the encoder: from a batch of contexts to one vector per position.

use burn::module::{Module, Param};
use burn::tensor::module::embedding;
use burn::tensor::{Int, Tensor};

use super::attention::padding_mask;
use super::config::ModelConfig;
use super::init::{EMBEDDING_STD, Initializer};
use crate::engine::batch::{ContextBatch, ContextReader};
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

/// What the encoder starts from.
#[derive(Clone, Debug)]
pub struct ContextTokens {
    /// `[n_requests * n_positions, d_model]`.
    pub hidden: Tensor<2>,
    /// Number of contexts.
    pub n_requests: usize,
    /// Hides positions that are not there; broadcasts to `[n_requests, n_heads, n_queries, n_positions]`.
    pub mask: Option<Tensor<4>>,
}

/// Learned positions, added to what each position holds, counted from the most recent one.
#[derive(Module, Debug)]
pub struct ContextInput {
    /// The last row belongs to the most recent token, `[n_positions, d_model]`.
    pub positions: Param<Tensor<2>>,
}

impl ContextInput {
    pub(crate) fn init(
        config: &ModelConfig,
        vocab: TokenVocab,
        init: &mut Initializer<'_>,
    ) -> Self {
        let n_positions = config.history_len * (vocab.n_levels + 1);
        Self {
            positions: init.uniform([n_positions, config.d_model], EMBEDDING_STD),
        }
    }

    /// # Shapes
    /// - embeddings: `[vocab_size, d_model]`, those of the generator's tokens
    pub fn forward(&self, context: &ContextBatch, embeddings: Tensor<2>) -> ContextTokens {
        match context {
            ContextBatch::Session(history) => {
                let [n_requests, n_tokens] = history.tokens.dims();
                let [n_positions, _] = self.positions.dims();
                assert!(
                    n_tokens <= n_positions,
                    "{n_tokens} history tokens for {n_positions} positions"
                );
                let positions = self
                    .positions
                    .val()
                    .slice_dim(0, n_positions - n_tokens..n_positions);
                ContextTokens {
                    hidden: embed(embeddings, history.tokens.clone(), positions),
                    n_requests,
                    mask: history
                        .has_padding
                        .then(|| padding_mask(history.is_pad.clone())),
                }
            }
        }
    }
}

impl ModelConfig {
    /// What reads the contexts that a generator of this configuration is built for.
    pub fn reader<'a>(&self, table: &'a SemanticIdTable) -> ContextReader<'a> {
        ContextReader::session(table, self.history_len)
    }
}

/// Embeddings of tokens plus positions, scaled by √d_model so that small initial weights still carry the residual stream.
///
/// # Shapes
/// - embeddings: `[vocab_size, d_model]`
/// - tokens: `[n_rows, n_tokens]`
/// - positions: `[n_tokens, d_model]`
/// - output: `[n_rows * n_tokens, d_model]`
pub fn embed(embeddings: Tensor<2>, tokens: Tensor<2, Int>, positions: Tensor<2>) -> Tensor<2> {
    let [n_rows, n_tokens] = tokens.dims();
    let [_, d_model] = positions.dims();
    let sum = embedding(embeddings, tokens) + positions.unsqueeze();
    (sum * (d_model as f64).sqrt()).reshape([n_rows * n_tokens, d_model])
}
