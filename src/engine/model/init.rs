//! Initial weights, drawn on the host from the experiment's seed so that every device starts from the same model.

use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::seed::Seed;

/// Standard deviation of new embeddings: small, so that the first predictions are nearly uniform.
pub(crate) const EMBEDDING_STD: f64 = 0.02;

/// Draws parameters one after the other, each from a stream of its own.
pub(crate) struct Initializer<'a> {
    seed: Seed,
    n_drawn: u64,
    device: &'a Device,
}

impl<'a> Initializer<'a> {
    pub(crate) fn new(seed: Seed, device: &'a Device) -> Self {
        Self {
            seed,
            n_drawn: 0,
            device,
        }
    }

    /// A parameter with values uniform around zero with standard deviation `std`.
    pub(crate) fn uniform<const D: usize>(
        &mut self,
        shape: [usize; D],
        std: f64,
    ) -> Param<Tensor<D>> {
        let mut rng = self.seed.rng("model.init", self.n_drawn);
        self.n_drawn += 1;
        let limit = (std * 3.0_f64.sqrt()) as f32;
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| rng.random_range(-limit..limit))
            .collect();
        Param::from_data(TensorData::new(values, shape), self.device)
    }

    /// A layer without bias that keeps the variance of its input.
    pub(crate) fn linear(&mut self, d_input: usize, d_output: usize) -> Linear {
        Linear {
            weight: self.uniform([d_input, d_output], fan_in_std(d_input)),
            bias: None,
        }
    }

    /// A parameter of ones.
    pub(crate) fn ones<const D: usize>(&self, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::from_data(
            TensorData::new(vec![1.0_f32; shape.iter().product()], shape),
            self.device,
        )
    }

    /// A parameter of zeros.
    pub(crate) fn zeros<const D: usize>(&self, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::from_data(
            TensorData::new(vec![0.0_f32; shape.iter().product()], shape),
            self.device,
        )
    }
}

/// Standard deviation of weights that keep the variance of `d_input` inputs.
pub(crate) fn fan_in_std(d_input: usize) -> f64 {
    (d_input as f64).sqrt().recip()
}

/// A parameter times a factor, recording gradients if it did before.
#[cfg(test)]
pub(super) fn times(param: Param<Tensor<2>>, factor: f64) -> Param<Tensor<2>> {
    param.map(|x| {
        let is_recording = x.is_require_grad();
        (x * factor).detach().set_require_grad(is_recording)
    })
}
