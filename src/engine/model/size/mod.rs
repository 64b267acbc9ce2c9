//! How large a generator is and what it costs, by arithmetic alone: nothing is allocated, so sizes far beyond this
//! machine's memory are counted all the same.
//!
//! # What is counted
//!
//! Parameters are all trainable values. Active ones are those that one token meets: all but the experts it does not use.
//! Floating-point operations are those of matrix products in one forward pass, a multiplication and an addition counted
//! apart; training takes three times as many. They are told apart by what they serve: the *context* of a request, which
//! is read once, and its *targets*, the items to be predicted.
//!
//! # Against the figures of [V2 Table 1]
//!
//! There, 97.66% of the operations of an encoder-decoder with 0.5B parameters on either side encode 512 tokens of
//! context, 338 of 346 GFLOPs, and 2.34% decode the target, 0.41% with 3000 tokens. That follows from three facts:
//! training costs 6 operations per parameter and token; the context of a request serves 5 targets [V2 appendix B] of 3
//! tokens each; and a tenth of the decoder, the projections of cross-attention to keys and values, works on the context
//! rather than on the target. A block of width d with attentions of 4 d² and a gated feed-forward layer of width 4 d has
//! that tenth: 2 d² of 4 + 4 + 12.
//!
//! ```text
//! context: 6 * (0.5B + 0.05B) * 512 / 5 = 337.9 GFLOPs
//! target:  6 * 0.45B * 3                =   8.1 GFLOPs      8.1 / 346.0 = 2.34%, with 3000 tokens 0.41%
//! ```
//!
//! The lazy decoder's sets of keys and values in [V2 Table 3] cost 0.30 GFLOPs each at 1B, which is
//! `6 * 512 * (3 * 90) * 1792 / 5`: one matrix from three embeddings of width 90 to the keys of all heads.

mod block;
mod encoder_decoder;
mod lazy_decoder;
mod memory;
mod pathways;
#[cfg(test)]
mod tests;
pub mod words;

use serde::Serialize;

use super::config::{ModelConfig, System};
use crate::engine::batch::FeatureSpec;
use crate::engine::tokenizer::vocab::TokenVocab;

pub use memory::MemoryNeed;

/// Operations of a training step per operation of its forward pass: the backward pass takes two more.
pub const TRAINING_PASSES: u64 = 3;

/// Size and cost of one part of a generator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartSize {
    /// What it is, in words.
    pub name: &'static str,
    /// Trainable values.
    pub n_parameters: u64,
    /// Those of experts that a token does not use.
    pub n_idle: u64,
    /// Operations of a forward pass that read the context, once per request.
    pub context_flops: u64,
    /// Operations of a forward pass over all targets of a request.
    pub target_flops: u64,
    /// Values that the backward pass needs, per request: an estimate.
    pub n_kept: u64,
}

/// Size and cost of a generator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelSize {
    /// Its parts, from input to output.
    pub parts: Vec<PartSize>,
    /// What one request consists of.
    pub request: Request,
}

/// One request: a context of full length and the items to be predicted from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Positions of the context.
    pub n_context: u64,
    /// Items to be predicted.
    pub n_items: u64,
    /// Tokens that the decoder reads per item.
    pub tokens_per_item: u64,
    /// Whether all items stand in one sequence, where each sees those before it.
    pub is_sequence: bool,
}

impl ModelSize {
    /// Trainable values.
    pub fn n_parameters(&self) -> u64 {
        self.parts.iter().map(|part| part.n_parameters).sum()
    }

    /// Those that one token meets. [A 4: 13%]
    pub fn n_active_parameters(&self) -> u64 {
        let n_idle: u64 = self.parts.iter().map(|part| part.n_idle).sum();
        self.n_parameters() - n_idle
    }

    /// Operations of a forward pass that read the context of one request.
    pub fn context_flops(&self) -> u64 {
        self.parts.iter().map(|part| part.context_flops).sum()
    }

    /// Operations of a forward pass over the targets of one request.
    pub fn target_flops(&self) -> u64 {
        self.parts.iter().map(|part| part.target_flops).sum()
    }

    /// Operations of a forward pass over one request.
    pub fn forward_flops(&self) -> u64 {
        self.context_flops() + self.target_flops()
    }

    /// Operations of forward and backward pass over one request.
    pub fn training_flops(&self) -> u64 {
        TRAINING_PASSES * self.forward_flops()
    }

    /// Share of the operations that serve the targets. [V2 Table 1]
    pub fn target_share(&self) -> f64 {
        self.target_flops() as f64 / self.forward_flops().max(1) as f64
    }

    /// Memory that training takes.
    pub fn memory(&self, batch_size: usize) -> MemoryNeed {
        MemoryNeed::new(self, batch_size)
    }
}

impl ModelConfig {
    /// Size and cost for a vocabulary, requests of `n_items` items with the longest context, and the features of the reader
    /// of contexts.
    pub fn size(&self, vocab: TokenVocab, n_items: usize, features: &FeatureSpec) -> ModelSize {
        let (n_levels, n_items) = (vocab.n_levels as u64, n_items as u64);
        match self.system {
            System::Session | System::Pathways => {
                let request = Request {
                    n_context: self.n_context_positions(vocab) as u64,
                    n_items,
                    tokens_per_item: n_levels + 1,
                    is_sequence: true,
                };
                encoder_decoder::size(self, vocab, request, features)
            }
            System::Lazy => {
                let request = Request {
                    n_context: self.n_context_positions(vocab) as u64,
                    n_items,
                    tokens_per_item: n_levels,
                    is_sequence: false,
                };
                lazy_decoder::size(self, vocab, request, features)
            }
        }
    }
}
