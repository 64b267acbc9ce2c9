//! The lazy decoder of OneRec-V2: nothing reads the history but one projection, and the decoder does the rest. [V2 2.2]
//!
//! ```text
//! context:  one vector per position, cut into keys and values that the blocks share
//! decoder:  BOS c1 .. c(L-1)      one item; BOS predicts c1, c1 predicts c2, ..
//! ```
//!
//! It predicts one item. The items of a slate are predicted each by itself from the same context, which is made once
//! per request, however many items are asked for [V2 appendix B]. So the probability of a slate is the product over
//! its items, and a beam over slates forgets its tokens where an item begins.
//! Each position has a norm and an output layer of its own, so `tie_embeddings` has no meaning here.
//! The paper leaves open: what is embedded how (one narrow table for the history and, widened by a matrix, for the
//! decoder's input) and positions in the decoder (none: the levels have tokens of their own).

mod block;
pub mod config;
mod context;
mod cross_attention;
mod positions;
#[cfg(test)]
mod tests;

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Int, Tensor, TensorData};

use self::block::LazyBlock;
use self::config::LazyConfig;
use self::context::ContextProcessor;
use self::positions::PositionInput;
use super::attention::causal_mask;
use super::block::DecoderContext;
use super::cache::DecodeCache;
use super::config::ModelConfig;
use super::context_input::embed;
use super::encoder_decoder::Memory;
use super::experts::MixtureOfExperts;
use super::feed_forward::FeedForward;
use super::init::{EMBEDDING_STD, Initializer};
use super::norm::RmsNorm;
use super::precision::Precision;
use crate::engine::batch::{ContextBatch, FeatureSpec};
use crate::engine::ops::{self, Past};
use crate::engine::tokenizer::vocab::TokenVocab;

/// The lazy decoder.
#[derive(Module, Debug)]
pub struct LazyDecoder {
    /// One narrow row per token, `[vocab_size, d_embed]`.
    pub embeddings: Param<Tensor<2>>,
    positions: PositionInput,
    context: ContextProcessor,
    /// Widens the embeddings of the decoder's tokens to d_model.
    input: Linear,
    blocks: Vec<LazyBlock>,
    /// One per level.
    heads: Vec<LevelHead>,
    #[module(skip)]
    config: LazyConfig,
    n_levels: usize,
    codebook_size: usize,
    slate_len: usize,
    #[module(skip)]
    pub(super) precision: Precision,
}

/// Norm and output layer of one code position. [V2 2.2]
#[derive(Module, Debug)]
struct LevelHead {
    norm: RmsNorm,
    output: Linear,
}

impl LazyDecoder {
    pub(super) fn init(
        config: &ModelConfig,
        vocab: TokenVocab,
        slate_len: usize,
        features: &FeatureSpec,
        init: &mut Initializer<'_>,
    ) -> Self {
        let lazy = &config.lazy;
        Self {
            embeddings: init.uniform([vocab.size(), lazy.d_embed], EMBEDDING_STD),
            positions: PositionInput::init(config, vocab.n_levels, features, init),
            context: ContextProcessor::init(config, vocab.n_levels, init),
            input: init.linear(lazy.d_embed, config.d_model),
            blocks: (0..config.n_decoder_layers)
                .map(|block_idx| LazyBlock::init(config, block_idx, init))
                .collect(),
            heads: (0..vocab.n_levels)
                .map(|_| LevelHead {
                    norm: RmsNorm::init(config.d_model, init),
                    output: Linear {
                        weight: init.uniform([config.d_model, vocab.codebook_size], EMBEDDING_STD),
                        bias: None,
                    },
                })
                .collect(),
            config: lazy.clone(),
            n_levels: vocab.n_levels,
            codebook_size: vocab.codebook_size,
            slate_len,
            precision: config.precision,
        }
    }

    /// The vocabulary the decoder was built for.
    pub fn vocab(&self) -> TokenVocab {
        TokenVocab {
            n_levels: self.n_levels,
            codebook_size: self.codebook_size,
        }
    }

    /// Items a slate can have at most.
    pub fn slate_len(&self) -> usize {
        self.slate_len
    }

    /// See [`Generator::table_ids`](super::Generator::table_ids).
    pub fn table_ids(&self) -> Vec<ParamId> {
        vec![self.embeddings.id]
    }

    /// The layers of experts in order, each with the name of its block: "decoder 2".
    pub fn expert_layers(&self) -> impl Iterator<Item = (String, &MixtureOfExperts)> {
        let layers = self.blocks.iter().zip(1..);
        layers.filter_map(|(block, number)| {
            Some((format!("decoder {number}"), block.feed_forward.experts()?))
        })
    }

    /// The same layers, to be balanced.
    pub fn expert_layers_mut(&mut self) -> impl Iterator<Item = &mut MixtureOfExperts> {
        let layers = self.blocks.iter_mut().map(|block| &mut block.feed_forward);
        layers.filter_map(FeedForward::experts_mut)
    }

    /// See [`Generator::encode`](super::Generator::encode).
    pub fn encode(&self, context: &ContextBatch) -> Memory {
        let positions = self.positions.forward(context, self.embeddings.val());
        let [n_requests, n_positions, width] = positions.values.dims();
        let values = positions.values.reshape([n_requests * n_positions, width]);
        Memory {
            hidden: self.context.forward(self.precision.round(values)),
            n_requests,
            mask: positions.mask,
        }
    }

    /// See [`Generator::decode`](super::Generator::decode). Each code is given those of its own item alone.
    pub fn decode(&self, memory: &Memory, codes: Tensor<2, Int>) -> Tensor<3> {
        let [n_rows, n_codes] = codes.dims();
        let n_items = n_rows * n_codes / self.n_levels;
        let tokens = self.item_tokens(codes.reshape([n_items, self.n_levels]));
        let hidden = self.advance(&mut self.start_cache(memory), tokens);
        let [_, d_model] = hidden.dims();
        let hidden = hidden.reshape([n_items, self.n_levels, d_model]);
        let logits = (0..self.n_levels)
            .map(|level_idx| {
                let hidden = hidden
                    .clone()
                    .slice_dim(1, level_idx..level_idx + 1)
                    .reshape([n_items, d_model]);
                self.level_logits(hidden, level_idx)
            })
            .collect();
        Tensor::cat(logits, 1).reshape([n_rows, n_codes, self.codebook_size])
    }

    /// See [`Generator::start_cache`](super::Generator::start_cache).
    pub fn start_cache(&self, memory: &Memory) -> DecodeCache {
        let sets = self
            .context
            .key_values(&memory.hidden, memory.n_requests, &self.config);
        let n_layers = self.blocks.len();
        DecodeCache {
            contexts: (0..n_layers)
                .map(|layer_idx| DecoderContext {
                    memory: sets[self.config.kv_set(layer_idx, n_layers)].clone(),
                    past: Past::default(),
                })
                .collect(),
            memory_mask: memory.mask.clone(),
            n_tokens: 0,
        }
    }

    /// See [`Generator::step`](super::Generator::step). Tokens of earlier items are forgotten.
    pub fn step(&self, cache: &mut DecodeCache, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [n_rows, n_new] = tokens.dims();
        cache.n_tokens += n_new;
        let level_idx = (cache.n_tokens - 1) % (self.n_levels + 1);
        assert!(
            level_idx < self.n_levels,
            "no level follows token {}",
            cache.n_tokens
        );
        let n_of_item = level_idx + 1;
        let n_kept = n_new.min(n_of_item);
        if n_kept == n_of_item {
            cache
                .contexts
                .iter_mut()
                .for_each(|context| context.past = Past::default());
        }
        let tokens = tokens.slice_dim(1, n_new - n_kept..n_new);
        let hidden = self.advance(cache, tokens);
        let [_, d_model] = hidden.dims();
        let last = hidden
            .reshape([n_rows, n_kept, d_model])
            .slice_dim(1, n_kept - 1..n_kept)
            .reshape([n_rows, d_model]);
        self.level_logits(last, level_idx)
    }

    /// Runs the blocks over the next tokens of every row: `[n_rows * n_new, d_model]`.
    fn advance(&self, cache: &mut DecodeCache, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [n_rows, n_new] = tokens.dims();
        let [_, d_embed] = self.embeddings.dims();
        let mask = causal_mask(n_new, &tokens.device());
        let no_positions = Tensor::zeros([n_new, d_embed], &tokens.device());
        let embedded = embed(self.embeddings.val(), tokens, no_positions);
        let mut hidden = ops::linear([embedded, self.input.weight.val()]);
        for (block, context) in self.blocks.iter().zip(&mut cache.contexts) {
            hidden = block.forward(
                hidden,
                n_rows,
                context,
                mask.as_ref(),
                cache.memory_mask.as_ref(),
            );
        }
        hidden
    }

    /// Decoder input of given items: BOS and all codes but the last, as tokens.
    ///
    /// # Shapes
    /// - codes, output: `[n_items, n_levels]`
    fn item_tokens(&self, codes: Tensor<2, Int>) -> Tensor<2, Int> {
        let [n_items, n_levels] = codes.dims();
        let device = codes.device();
        let bos = Tensor::full([n_items, 1], i64::from(TokenVocab::BOS), &device);
        if n_levels == 1 {
            return bos;
        }
        let offsets: Vec<i64> = (0..n_levels - 1)
            .map(|level_idx| i64::from(self.vocab().token(level_idx, 0)))
            .collect();
        let offsets: Tensor<2, Int> =
            Tensor::from_data(TensorData::new(offsets, [1, n_levels - 1]), &device);
        let tokens = codes.slice_dim(1, 0..n_levels - 1) + offsets;
        Tensor::cat(vec![bos, tokens], 1)
    }

    /// # Shapes
    /// - hidden: `[n_rows, d_model]`
    /// - output: `[n_rows, codebook_size]`
    fn level_logits(&self, hidden: Tensor<2>, level_idx: usize) -> Tensor<2> {
        let head = &self.heads[level_idx];
        let hidden = self.precision.round(head.norm.forward(hidden));
        ops::widen(ops::linear([hidden, head.output.weight.val()]))
    }

    /// See [`Generator::with_embeddings_times`](super::Generator::with_embeddings_times).
    #[cfg(test)]
    pub(super) fn with_embeddings_times(mut self, factor: f64) -> Self {
        self.embeddings = self.embeddings.map(|x| {
            let is_recording = x.is_require_grad();
            (x * factor).detach().set_require_grad(is_recording)
        });
        self.positions = self.positions.with_tables_times(factor);
        self
    }
}
