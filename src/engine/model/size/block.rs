//! The layers that all generators are made of.

use super::{PartSize, Request};
use crate::engine::model::config::ModelConfig;

/// Counts of the layers of one configuration.
pub(super) struct Layers<'a> {
    config: &'a ModelConfig,
    d_model: u64,
}

/// Tokens that a layer works on: those of the context and those of the targets of one request.
#[derive(Clone, Copy)]
pub(super) struct Tokens {
    pub(super) context: u64,
    pub(super) target: u64,
}

impl Request {
    /// Tokens of all targets.
    pub(super) fn n_target(&self) -> u64 {
        self.n_items * self.tokens_per_item
    }

    /// Pairs of tokens that self-attention of the decoder compares.
    fn n_target_pairs(&self) -> u64 {
        if self.is_sequence {
            self.n_target() * self.n_target()
        } else {
            self.n_items * self.tokens_per_item * self.tokens_per_item
        }
    }
}

impl PartSize {
    /// Adds a matrix that each of some tokens is multiplied with.
    pub(super) fn matrix(&mut self, n_values: u64, tokens: Tokens) {
        self.n_parameters += n_values;
        self.products(n_values, tokens);
    }

    /// Adds `n_products` multiplications and additions per token.
    fn products(&mut self, n_products: u64, tokens: Tokens) {
        self.context_flops += 2 * n_products * tokens.context;
        self.target_flops += 2 * n_products * tokens.target;
    }
}

impl<'a> Layers<'a> {
    pub(super) fn new(config: &'a ModelConfig) -> Self {
        Self {
            config,
            d_model: config.d_model as u64,
        }
    }

    /// Norm, then self-attention of the context's tokens with each other.
    pub(super) fn context_attention(&self, part: &mut PartSize, n_context: u64) {
        let d = self.d_model;
        let tokens = Tokens {
            context: n_context,
            target: 0,
        };
        part.n_parameters += d;
        part.matrix(4 * d * d, tokens);
        part.context_flops += 2 * 2 * n_context * n_context * d;
        part.n_kept += 8 * n_context * d + 2 * self.heads() * n_context * n_context;
    }

    /// Norm, then causal self-attention of the targets' tokens.
    pub(super) fn target_attention(&self, part: &mut PartSize, request: Request) {
        let d = self.d_model;
        let n_target = request.n_target();
        let tokens = Tokens {
            context: 0,
            target: n_target,
        };
        part.n_parameters += d;
        part.matrix(4 * d * d, tokens);
        part.target_flops += 2 * 2 * request.n_target_pairs() * d;
        part.n_kept += 8 * n_target * d + 2 * self.heads() * request.n_target_pairs();
    }

    /// Norm, then attention of the targets' tokens to the context; with projections of its own to keys and values, which
    /// work on the context, or without.
    pub(super) fn cross_attention(
        &self,
        part: &mut PartSize,
        request: Request,
        projects_context: bool,
    ) {
        let d = self.d_model;
        let (n_context, n_target) = (request.n_context, request.n_target());
        let target = Tokens {
            context: 0,
            target: n_target,
        };
        part.n_parameters += d;
        part.matrix(2 * d * d, target);
        if projects_context {
            let context = Tokens {
                context: n_context,
                target: 0,
            };
            part.matrix(2 * d * d, context);
            part.n_kept += 2 * n_context * d;
        }
        part.target_flops += 2 * 2 * n_target * n_context * d;
        part.n_kept += 6 * n_target * d + 2 * self.heads() * n_target * n_context;
    }

    /// Norm, then a gated feed-forward layer, dense or of experts.
    pub(super) fn feed_forward(&self, part: &mut PartSize, has_experts: bool, tokens: Tokens) {
        let d = self.d_model;
        let n_tokens = tokens.context + tokens.target;
        part.n_parameters += d;
        if !has_experts {
            let d_ff = self.config.d_ff as u64;
            part.matrix(3 * d * d_ff, tokens);
            part.n_kept += n_tokens * (2 * d + 4 * d_ff);
            return;
        }
        let expert = 3 * d * self.config.d_ff_expert as u64;
        let n_experts = self.config.n_experts as u64;
        let n_active = self.config.n_active_experts as u64;
        let n_shared = self.config.n_shared_experts as u64;
        part.matrix(d * n_experts, tokens);
        part.matrix((n_active + n_shared) * expert, tokens);
        part.n_parameters += (n_experts - n_active) * expert;
        part.n_idle += (n_experts - n_active) * expert;
        let n_wide = (n_active + n_shared) * self.config.d_ff_expert as u64;
        part.n_kept += n_tokens * ((2 + 2 * n_active) * d + n_experts + 4 * n_wide);
    }

    /// An output layer of one level, for one token of each item.
    pub(super) fn output(&self, part: &mut PartSize, codebook_size: u64, request: Request) {
        let tokens = Tokens {
            context: 0,
            target: request.n_items,
        };
        part.matrix(self.d_model * codebook_size, tokens);
        // Logits, their logarithms, and the gradient of both.
        part.n_kept += request.n_items * (self.d_model + 3 * codebook_size);
    }

    fn heads(&self) -> u64 {
        self.config.n_heads as u64
    }
}
