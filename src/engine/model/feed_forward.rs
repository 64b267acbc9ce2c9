//! The gated feed-forward layer, dense or as a mixture of experts.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use super::config::ModelConfig;
use super::experts::MixtureOfExperts;
use super::init::Initializer;
use crate::engine::ops;

/// `down(silu(gate(x)) * up(x))`, without biases.
#[derive(Module, Debug)]
pub struct SwiGlu {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl SwiGlu {
    pub(crate) fn init(d_model: usize, d_ff: usize, init: &mut Initializer<'_>) -> Self {
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
        ops::swi_glu(
            x,
            self.gate.weight.val(),
            self.up.weight.val(),
            self.down.weight.val(),
        )
    }
}

/// The feed-forward layer of a block.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a module cannot be boxed, and a model has few of them"
)]
pub enum FeedForward {
    /// One layer for all tokens.
    Dense(SwiGlu),
    /// A few of many layers per token.
    Experts(MixtureOfExperts),
}

impl FeedForward {
    pub(crate) fn init(
        config: &ModelConfig,
        has_experts: bool,
        init: &mut Initializer<'_>,
    ) -> Self {
        if has_experts {
            Self::Experts(MixtureOfExperts::init(config, init))
        } else {
            Self::Dense(SwiGlu::init(config.d_model, config.d_ff, init))
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

    /// The experts, where there are any.
    pub fn experts(&self) -> Option<&MixtureOfExperts> {
        match self {
            Self::Dense(_) => None,
            Self::Experts(layer) => Some(layer),
        }
    }

    /// The experts, to be balanced.
    pub(super) fn experts_mut(&mut self) -> Option<&mut MixtureOfExperts> {
        match self {
            Self::Dense(_) => None,
            Self::Experts(layer) => Some(layer),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::engine::seed::Seed;

    #[test]
    fn swiglu_by_hand() {
        let device = Device::flex();
        let mut layer = SwiGlu::init(1, 2, &mut Initializer::new(Seed(1), &device));
        let weight = |values: Vec<f32>, shape: [usize; 2]| {
            Param::from_data(TensorData::new(values, shape), &device)
        };
        layer.gate.weight = weight(vec![1.0, -1.0], [1, 2]);
        layer.up.weight = weight(vec![2.0, 3.0], [1, 2]);
        layer.down.weight = weight(vec![1.0, 10.0], [2, 1]);
        let output: f32 = layer
            .forward(Tensor::from_floats([[2.0]], &device))
            .into_scalar();
        let silu = |x: f32| x / (1.0 + (-x).exp());
        let expected = silu(2.0) * 4.0 + silu(-2.0) * 6.0 * 10.0;
        assert!((output - expected).abs() < 1e-4, "{output} != {expected}");
    }
}
