//! The gated feed-forward layer, dense or as a mixture of experts.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::silu;

use super::config::ModelConfig;
use super::experts::MixtureOfExperts;
use super::init::Initializer;

/// `down(silu(gate(x)) * up(x))`, without biases.
#[derive(Module, Debug)]
pub struct SwiGlu {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl SwiGlu {
    pub(super) fn init(d_model: usize, d_ff: usize, init: &mut Initializer<'_>) -> Self {
        Self {
            gate: init.linear(d_model, d_ff),
            up: init.linear(d_model, d_ff),
            down: init.linear(d_ff, d_model),
        }
    }

    /// # Shapes
    /// - x: `[rows, d_model]`
    /// - output: `[rows, d_model]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let gate = silu(self.gate.forward(x.clone()));
        self.down.forward(gate * self.up.forward(x))
    }
}

/// The decoder's feed-forward layer.
#[derive(Module, Debug)]
pub enum FeedForward {
    /// One layer for all tokens.
    Dense(SwiGlu),
    /// A few of many layers per token.
    Experts(MixtureOfExperts),
}

impl FeedForward {
    pub(super) fn init(config: &ModelConfig, init: &mut Initializer<'_>) -> Self {
        if config.n_experts == 0 {
            Self::Dense(SwiGlu::init(config.d_model, config.d_ff, init))
        } else {
            Self::Experts(MixtureOfExperts::init(
                config.d_model,
                config.d_ff_expert,
                config.n_experts,
                config.n_active_experts,
                init,
            ))
        }
    }

    /// # Shapes
    /// - x: `[rows, d_model]`
    /// - output: `[rows, d_model]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(layer) => layer.forward(x),
            Self::Experts(layer) => layer.forward(x),
        }
    }
}
