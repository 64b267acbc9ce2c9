//! The generator as everything else sees it: contexts in, logits over the codes of each level out, whatever is inside.

use burn::module::{Module, ParamId};
use burn::tensor::{Device, Int, Tensor};

use super::cache::DecodeCache;
use super::config::{ModelConfig, System};
use super::encoder_decoder::{EncoderDecoder, Memory};
use super::experts::MixtureOfExperts;
use super::init::Initializer;
use super::lazy_decoder::LazyDecoder;
use super::precision::Precision;
use crate::engine::batch::{ContextBatch, FeatureSpec};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::vocab::TokenVocab;

/// A model that writes slates of semantic IDs.
///
/// Built on an autodiff device it records gradients and drops out. To infer, use [`Module::valid`] of it with batches
/// on [`Device::inner`], or [`ContextBatch::without_autodiff`]: the weights are shared, nothing is recorded.
#[derive(Module, Debug)]
pub enum Generator {
    /// An encoder over the context and a decoder that attends to its output. [A 3.2; B 2.2 and 2.3]
    EncoderDecoder(EncoderDecoder),
    /// A decoder that attends to the history without an encoder. [V2 2.2]
    Lazy(LazyDecoder),
}

impl ModelConfig {
    /// A new generator for slates of up to `slate_len` items, the same on every device.
    ///
    /// `features` are those of the reader of contexts.
    ///
    /// # Panics
    /// If `n_heads` does not divide `d_model` or more experts are active than there are: configurations are checked before.
    pub fn init(
        &self,
        vocab: TokenVocab,
        slate_len: usize,
        features: &FeatureSpec,
        seed: Seed,
        device: &Device,
    ) -> Generator {
        let mut init = Initializer::new(seed, device);
        match self.system {
            System::Session | System::Pathways => Generator::EncoderDecoder(EncoderDecoder::init(
                self, vocab, slate_len, features, &mut init,
            )),
            System::Lazy => Generator::Lazy(LazyDecoder::init(
                self, vocab, slate_len, features, &mut init,
            )),
        }
    }
}

impl Generator {
    /// The vocabulary the generator was built for.
    pub fn vocab(&self) -> TokenVocab {
        match self {
            Self::EncoderDecoder(model) => model.vocab(),
            Self::Lazy(model) => model.vocab(),
        }
    }

    /// Items a slate can have at most.
    pub fn slate_len(&self) -> usize {
        match self {
            Self::EncoderDecoder(model) => model.slate_len(),
            Self::Lazy(model) => model.slate_len(),
        }
    }

    /// Numbers that the blocks compute with.
    pub fn precision(&self) -> Precision {
        match self {
            Self::EncoderDecoder(model) => model.precision,
            Self::Lazy(model) => model.precision,
        }
    }

    /// Number of trainable values.
    pub fn n_parameters(&self) -> usize {
        let n_biases: usize = self
            .expert_layers()
            .into_iter()
            .map(|(_, layer)| layer.n_biases())
            .sum();
        self.num_params() - n_biases
    }

    /// The tables of tokens and features, of which a batch meets few rows: they may have a learning rate of their own.
    pub fn table_ids(&self) -> Vec<ParamId> {
        match self {
            Self::EncoderDecoder(model) => model.table_ids(),
            Self::Lazy(model) => model.table_ids(),
        }
    }

    /// The layers of experts in order, each with the name of its block: "encoder 1".
    pub fn expert_layers(&self) -> Vec<(String, &MixtureOfExperts)> {
        match self {
            Self::EncoderDecoder(model) => model.expert_layers().collect(),
            Self::Lazy(model) => model.expert_layers().collect(),
        }
    }

    /// The same layers, to be balanced.
    pub fn expert_layers_mut(&mut self) -> Vec<&mut MixtureOfExperts> {
        match self {
            Self::EncoderDecoder(model) => model.expert_layers_mut().collect(),
            Self::Lazy(model) => model.expert_layers_mut().collect(),
        }
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        match self {
            Self::EncoderDecoder(model) => model.embeddings.val().device(),
            Self::Lazy(model) => model.embeddings.val().device(),
        }
    }

    /// Reads the contexts, once per request.
    pub fn encode(&self, context: &ContextBatch) -> Memory {
        match self {
            Self::EncoderDecoder(model) => model.encode(context),
            Self::Lazy(model) => model.encode(context),
        }
    }

    /// Logits of every code of given slates, each given the codes before it (teacher forcing). A request may have
    /// several slates, which stand together.
    ///
    /// # Shapes
    /// - codes: `[n_rows, n_items * n_levels]`, in `0..codebook_size`
    /// - output: `[n_rows, n_items * n_levels, codebook_size]`
    pub fn decode(&self, memory: &Memory, codes: Tensor<2, Int>) -> Tensor<3> {
        match self {
            Self::EncoderDecoder(model) => model.decode(memory, codes),
            Self::Lazy(model) => model.decode(memory, codes),
        }
    }

    /// A cache for decoding step by step, with one row per request.
    pub fn start_cache(&self, memory: &Memory) -> DecodeCache {
        match self {
            Self::EncoderDecoder(model) => model.start_cache(memory),
            Self::Lazy(model) => model.start_cache(memory),
        }
    }

    /// Feeds the next tokens of every row and returns the logits of the level that follows the last of them.
    ///
    /// # Shapes
    /// - tokens: `[n_rows, n_new]`
    /// - output: `[n_rows, codebook_size]`
    ///
    /// # Panics
    /// If the last token completes an item, after which BOS must come.
    pub fn step(&self, cache: &mut DecodeCache, tokens: Tensor<2, Int>) -> Tensor<2> {
        match self {
            Self::EncoderDecoder(model) => model.step(cache, tokens),
            Self::Lazy(model) => model.step(cache, tokens),
        }
    }

    /// Embeddings and positions times a factor: those of a new model are so small that all codes are nearly equally
    /// likely and that the loss bends within any step that f32 can resolve.
    #[cfg(test)]
    pub(crate) fn with_embeddings_times(self, factor: f64) -> Self {
        match self {
            Self::EncoderDecoder(model) => {
                Self::EncoderDecoder(model.with_embeddings_times(factor))
            }
            Self::Lazy(model) => Self::Lazy(model.with_embeddings_times(factor)),
        }
    }
}
