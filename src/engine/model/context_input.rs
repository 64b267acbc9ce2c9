//! The layer in front of the encoder: from a batch of contexts to one vector per position.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Int, Tensor};

use super::attention::padding_mask;
use super::config::{ModelConfig, System};
use super::init::{EMBEDDING_STD, Initializer};
use super::pathway_input::{PathwayInput, PathwayTokens, n_parameters, n_positions};
use crate::engine::batch::pathway::{PathwayBatch, PathwayReader};
use crate::engine::batch::{ContextBatch, ContextReader, FeatureSpec, HistoryBatch};
use crate::engine::data::PreparedData;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::ops;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::vocab::TokenVocab;

/// What the encoder starts from.
#[derive(Clone, Debug)]
pub struct ContextTokens {
    /// `[n_requests * n_positions, d_model]`.
    pub hidden: Tensor<2>,
    /// Number of contexts.
    pub n_requests: usize,
    /// Hides positions that are not there; broadcasts to `[n_requests, 1, n_queries, n_positions]`.
    pub mask: Option<Tensor<4>>,
}

/// Learned positions, and what features become.
#[derive(Module, Debug)]
pub struct ContextInput {
    /// Within a history, or within each pathway, the last row belongs to the most recent position, `[n_positions, d_model]`.
    pub positions: Param<Tensor<2>>,
    /// Absent where semantic IDs are all that is read.
    pathways: Option<PathwayInput>,
}

impl ModelConfig {
    /// What reads the contexts that a generator of this configuration is built for.
    pub fn reader<'a>(
        &self,
        data: &'a PreparedData,
        table: &'a SemanticIdTable,
        embeddings: &'a ItemEmbeddings,
    ) -> ContextReader<'a> {
        if self.reads_pathways() {
            let reader =
                PathwayReader::new(data, table, embeddings, &self.pathways, self.history_len);
            return ContextReader::pathways(table, self.history_len, reader);
        }
        ContextReader::session(table, self.history_len)
    }

    /// Positions of the context at the most.
    pub fn n_context_positions(&self, vocab: TokenVocab) -> usize {
        match self.system {
            System::Session => self.history_len * (vocab.n_levels + 1),
            System::Pathways => n_positions(self),
            System::Lazy if self.lazy.reads_pathways => n_positions(self),
            System::Lazy => self.history_len,
        }
    }

    /// Trainable values of the layer in front of the encoder; of the lazy decoder those of its pathways.
    pub(super) fn n_input_parameters(&self, vocab: TokenVocab, features: &FeatureSpec) -> usize {
        let positions = self.n_context_positions(vocab) * self.d_model;
        match self.system {
            System::Session => positions,
            System::Pathways => positions + n_parameters(self, features),
            System::Lazy if self.lazy.reads_pathways => n_parameters(&self.narrow(), features),
            System::Lazy => 0,
        }
    }
}

impl ContextInput {
    pub(crate) fn init(
        config: &ModelConfig,
        vocab: TokenVocab,
        features: &FeatureSpec,
        init: &mut Initializer<'_>,
    ) -> Self {
        let n_positions = config.n_context_positions(vocab);
        Self {
            positions: init.uniform([n_positions, config.d_model], EMBEDDING_STD),
            pathways: match config.system {
                System::Session | System::Lazy => None,
                System::Pathways => Some(PathwayInput::init(config, features, init)),
            },
        }
    }

    /// See [`Generator::table_ids`](super::Generator::table_ids).
    pub(super) fn table_ids(&self) -> Vec<ParamId> {
        self.pathways
            .as_ref()
            .map_or_else(Vec::new, PathwayInput::table_ids)
    }

    /// # Shapes
    /// - embeddings: `[vocab_size, d_model]`, those of the generator's tokens
    ///
    /// # Panics
    /// If the context was read for another kind of model.
    pub fn forward(&self, context: &ContextBatch, embeddings: Tensor<2>) -> ContextTokens {
        match (context, &self.pathways) {
            (ContextBatch::Session(history), None) => self.of_history(history, embeddings),
            (ContextBatch::Pathways(batch), Some(pathways)) => {
                self.of_pathways(batch, pathways.forward(batch, &embeddings))
            }
            _ => unreachable!("the context was read for a model of another system"),
        }
    }

    fn of_history(&self, history: &HistoryBatch, embeddings: Tensor<2>) -> ContextTokens {
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

    /// Sets the pathways side by side and adds the positions. [B 2.2.2]
    fn of_pathways(&self, batch: &PathwayBatch, pathways: Vec<PathwayTokens>) -> ContextTokens {
        let [_, d_model] = self.positions.dims();
        let n_requests = batch.n_rows;
        let has_padding = pathways.iter().any(|tokens| tokens.mask.is_some());
        let (mut hidden, mut positions, mut masks) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = 0;
        for tokens in pathways {
            end += tokens.max_positions;
            let n_positions = tokens.n_positions;
            positions.push(self.positions.val().slice_dim(0, end - n_positions..end));
            if has_padding {
                let nothing_hidden =
                    || Tensor::zeros([n_requests, 1, 1, n_positions], &batch.device());
                masks.push(tokens.mask.unwrap_or_else(nothing_hidden));
            }
            hidden.push(tokens.hidden.reshape([n_requests, n_positions, d_model]));
        }
        let hidden: Tensor<3> = Tensor::cat(hidden, 1);
        let positions = Tensor::cat(positions, 0) * (d_model as f64).sqrt();
        ContextTokens {
            hidden: (hidden + positions.unsqueeze()).reshape([-1, d_model as i64]),
            n_requests,
            mask: has_padding.then(|| Tensor::cat(masks, 3)),
        }
    }

    /// See [`Generator::with_embeddings_times`](super::Generator::with_embeddings_times).
    #[cfg(test)]
    pub(super) fn with_embeddings_times(self, factor: f64) -> Self {
        Self {
            positions: super::init::times(self.positions, factor),
            pathways: self
                .pathways
                .map(|pathways| pathways.with_tables_times(factor)),
        }
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
    let [_, d_model] = positions.dims();
    ops::embedding(embeddings, positions, tokens, (d_model as f64).sqrt())
}
