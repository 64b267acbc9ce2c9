//! An encoder over the context and a decoder over slates. [A 3.2, eq. 1-4; B 2.2.2, 2.3]
//!
//! ```text
//! encoder:  one vector per position of the context, see the context's input layer
//! decoder:  BOS c1 .. cL BOS c1 .. cL ..           BOS predicts c1, c1 predicts c2, ..; cL predicts nothing
//! ```
//!
//! The output for a position of level l covers the K codes of that level only.
//! The paper leaves open: positions (learned here), biases (none here), the feed-forward gate (SwiGLU here).

use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Int, Tensor, TensorData};

use super::attention::causal_mask;
use super::block::{DecoderBlock, EncoderBlock};
use super::cache::DecodeCache;
use super::config::{ModelConfig, NormPlacement};
use super::context_input::{ContextInput, embed};
use super::experts::MixtureOfExperts;
use super::feed_forward::FeedForward;
use super::init::{EMBEDDING_STD, Initializer};
use super::norm::RmsNorm;
use super::precision::Precision;
use crate::engine::batch::{ContextBatch, FeatureSpec};
use crate::engine::ops::{self, Codewords};
use crate::engine::tokenizer::vocab::TokenVocab;

/// Encoder and decoder.
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    /// One row per token, `[vocab_size, d_model]`; also the output weights where tied.
    pub embeddings: Param<Tensor<2>>,
    /// What the encoder starts from.
    pub context: ContextInput,
    /// `[slate_len * (n_levels + 1), d_model]`.
    pub decoder_positions: Param<Tensor<2>>,
    encoder: Vec<EncoderBlock>,
    /// Closes the residual stream of a pre-norm encoder.
    encoder_norm: Option<RmsNorm>,
    decoder: Vec<DecoderBlock>,
    decoder_norm: Option<RmsNorm>,
    /// One layer per level; empty where the output is tied to the embeddings.
    outputs: Vec<Linear>,
    n_levels: usize,
    codebook_size: usize,
    #[module(skip)]
    pub(super) precision: Precision,
}

/// The encoder's view of a batch of histories.
#[derive(Clone, Debug)]
pub struct Memory {
    /// `[n_requests * n_tokens, d_model]`.
    pub(super) hidden: Tensor<2>,
    pub(super) n_requests: usize,
    pub(super) mask: Option<Tensor<4>>,
}

impl EncoderDecoder {
    pub(super) fn init(
        config: &ModelConfig,
        vocab: TokenVocab,
        slate_len: usize,
        features: &FeatureSpec,
        init: &mut Initializer<'_>,
    ) -> Self {
        let d_model = config.d_model;
        let item_len = vocab.n_levels + 1;
        let final_norm = |init: &Initializer<'_>| {
            (config.norm == NormPlacement::Pre).then(|| RmsNorm::init(d_model, init))
        };
        let n_outputs = if config.tie_embeddings {
            0
        } else {
            vocab.n_levels
        };
        Self {
            embeddings: init.uniform([vocab.size(), d_model], EMBEDDING_STD),
            context: ContextInput::init(config, vocab, features, init),
            decoder_positions: init.uniform([slate_len * item_len, d_model], EMBEDDING_STD),
            encoder: (0..config.n_encoder_layers)
                .map(|block_idx| EncoderBlock::init(config, block_idx, init))
                .collect(),
            encoder_norm: final_norm(init),
            decoder: (0..config.n_decoder_layers)
                .map(|block_idx| DecoderBlock::init(config, block_idx, init))
                .collect(),
            decoder_norm: final_norm(init),
            outputs: (0..n_outputs)
                .map(|_| Linear {
                    weight: init.uniform([d_model, vocab.codebook_size], EMBEDDING_STD),
                    bias: None,
                })
                .collect(),
            n_levels: vocab.n_levels,
            codebook_size: vocab.codebook_size,
            precision: config.precision,
        }
    }

    /// The vocabulary the generator was built for.
    pub fn vocab(&self) -> TokenVocab {
        TokenVocab {
            n_levels: self.n_levels,
            codebook_size: self.codebook_size,
        }
    }

    /// Items a slate can have at most.
    pub fn slate_len(&self) -> usize {
        self.decoder_positions.dims()[0] / (self.n_levels + 1)
    }

    /// See [`Generator::table_ids`](super::Generator::table_ids).
    pub fn table_ids(&self) -> Vec<ParamId> {
        let mut ids = self.context.table_ids();
        ids.push(self.embeddings.id);
        ids
    }

    /// The layers of experts in order, each with the name of its block: "encoder 1".
    pub fn expert_layers(&self) -> impl Iterator<Item = (String, &MixtureOfExperts)> {
        let encoder = self.encoder.iter().map(|block| &block.feed_forward);
        let decoder = self.decoder.iter().map(|block| &block.feed_forward);
        let encoder = encoder
            .zip(1..)
            .map(|(layer, number)| ("encoder", number, layer));
        let decoder = decoder
            .zip(1..)
            .map(|(layer, number)| ("decoder", number, layer));
        encoder.chain(decoder).filter_map(|(stack, number, layer)| {
            Some((format!("{stack} {number}"), layer.experts()?))
        })
    }

    /// The same layers, to be balanced.
    pub fn expert_layers_mut(&mut self) -> impl Iterator<Item = &mut MixtureOfExperts> {
        let encoder = self.encoder.iter_mut().map(|block| &mut block.feed_forward);
        let decoder = self.decoder.iter_mut().map(|block| &mut block.feed_forward);
        encoder.chain(decoder).filter_map(FeedForward::experts_mut)
    }

    /// See [`Generator::encode`](super::Generator::encode).
    pub fn encode(&self, context: &ContextBatch) -> Memory {
        let tokens = self.context.forward(context, self.embeddings.val());
        let mut hidden = tokens.hidden;
        for block in &self.encoder {
            hidden = block.forward(hidden, tokens.n_requests, tokens.mask.as_ref());
        }
        if let Some(norm) = &self.encoder_norm {
            hidden = norm.forward(hidden);
        }
        Memory {
            hidden: self.precision.round(hidden),
            n_requests: tokens.n_requests,
            mask: tokens.mask,
        }
    }

    /// See [`Generator::decode`](super::Generator::decode).
    pub fn decode(&self, memory: &Memory, codes: Tensor<2, Int>) -> Tensor<3> {
        let [n_rows, n_codes] = codes.dims();
        let n_items = n_codes / self.n_levels;
        let hidden = self.advance(&mut self.start_cache(memory), self.session_tokens(codes));
        let shape = [n_rows, n_codes, self.codebook_size];
        if self.outputs.is_empty() {
            let codewords = Codewords {
                start: TokenVocab::N_SPECIAL,
                n_levels: self.n_levels,
                codebook_size: self.codebook_size,
            };
            let hidden = self.precision.round(hidden);
            let logits = ops::level_logits(hidden, self.embeddings.val(), codewords);
            return ops::widen(logits).reshape(shape);
        }
        let [_, d_model] = hidden.dims();
        let hidden = hidden.reshape([n_rows * n_items, self.n_levels + 1, d_model]);
        let logits = (0..self.n_levels)
            .map(|level_idx| {
                let hidden = hidden
                    .clone()
                    .slice_dim(1, level_idx..level_idx + 1)
                    .reshape([n_rows * n_items, d_model]);
                self.level_logits(hidden, level_idx)
            })
            .collect();
        Tensor::cat(logits, 1).reshape(shape)
    }

    /// See [`Generator::start_cache`](super::Generator::start_cache).
    pub fn start_cache(&self, memory: &Memory) -> DecodeCache {
        DecodeCache {
            contexts: self
                .decoder
                .iter()
                .map(|block| block.start(memory.hidden.clone(), memory.n_requests))
                .collect(),
            memory_mask: memory.mask.clone(),
            n_tokens: 0,
        }
    }

    /// See [`Generator::step`](super::Generator::step).
    pub fn step(&self, cache: &mut DecodeCache, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [n_rows, n_new] = tokens.dims();
        let hidden = self.advance(cache, tokens);
        let [_, d_model] = hidden.dims();
        let level_idx = (cache.n_tokens - 1) % (self.n_levels + 1);
        assert!(
            level_idx < self.n_levels,
            "no level follows token {}",
            cache.n_tokens
        );
        let last = hidden
            .reshape([n_rows, n_new, d_model])
            .slice_dim(1, n_new - 1..n_new)
            .reshape([n_rows, d_model]);
        self.level_logits(last, level_idx)
    }

    /// Runs the decoder over the next tokens of every row: `[n_rows * n_new, d_model]`.
    fn advance(&self, cache: &mut DecodeCache, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [n_rows, n_new] = tokens.dims();
        let n_past = cache.n_tokens;
        cache.n_tokens += n_new;
        let positions = self
            .decoder_positions
            .val()
            .slice_dim(0, n_past..cache.n_tokens);
        let mask = causal_mask(n_new, &tokens.device());
        let mut hidden = embed(self.embeddings.val(), tokens, positions);
        for (block, context) in self.decoder.iter().zip(&mut cache.contexts) {
            hidden = block.forward(
                hidden,
                n_rows,
                context,
                mask.as_ref(),
                cache.memory_mask.as_ref(),
            );
        }
        match &self.decoder_norm {
            Some(norm) => norm.forward(hidden),
            None => hidden,
        }
    }

    /// Decoder input of given slates: BOS before the codes of each item, codes as tokens.
    fn session_tokens(&self, codes: Tensor<2, Int>) -> Tensor<2, Int> {
        let [n_rows, n_codes] = codes.dims();
        let n_items = n_codes / self.n_levels;
        let device = codes.device();
        let offsets: Vec<i64> = (0..self.n_levels)
            .map(|level_idx| i64::from(self.vocab().token(level_idx, 0)))
            .collect();
        let offsets: Tensor<2, Int> =
            Tensor::from_data(TensorData::new(offsets, [1, self.n_levels]), &device);
        let tokens = codes.reshape([n_rows * n_items, self.n_levels]) + offsets;
        let bos = Tensor::full([n_rows * n_items, 1], i64::from(TokenVocab::BOS), &device);
        Tensor::cat(vec![bos, tokens], 1).reshape([n_rows, n_items * (self.n_levels + 1)])
    }

    /// # Shapes
    /// - hidden: `[n_rows, d_model]`
    /// - output: `[n_rows, codebook_size]`
    fn level_logits(&self, hidden: Tensor<2>, level_idx: usize) -> Tensor<2> {
        let hidden = self.precision.round(hidden);
        if let Some(output) = self.outputs.get(level_idx) {
            return ops::widen(ops::linear([hidden, output.weight.val()]));
        }
        let start = self.vocab().token(level_idx, 0) as usize;
        let codewords = self
            .embeddings
            .val()
            .slice_dim(0, start..start + self.codebook_size);
        ops::widen(hidden.matmul(self.precision.round(codewords).transpose()))
    }

    /// See [`Generator::with_embeddings_times`](super::Generator::with_embeddings_times).
    #[cfg(test)]
    pub(super) fn with_embeddings_times(mut self, factor: f64) -> Self {
        self.embeddings = super::init::times(self.embeddings, factor);
        self.decoder_positions = super::init::times(self.decoder_positions, factor);
        self.context = self.context.with_embeddings_times(factor);
        self
    }
}
