//! The trainable form of a [`Network`]: linear layers with ReLU between them.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::seed::Seed;
use crate::engine::tokenizer::network::Network;

/// Linear layers with biases, ReLU between them, none after the last.
#[derive(Module, Debug)]
pub(super) struct Mlp {
    layers: Vec<Linear>,
    /// Whether the input is added to the output.
    has_skip: bool,
}

impl Mlp {
    /// Layers drawn on the host, so that every device starts from the same ones. With a skip the last layer is zero:
    /// the whole changes nothing yet.
    pub(super) fn new(
        widths: &[usize],
        has_skip: bool,
        seed: Seed,
        purpose: &str,
        device: &Device,
    ) -> Self {
        let last = widths.len().saturating_sub(2);
        let layers = widths
            .windows(2)
            .enumerate()
            .map(|(layer_idx, pair)| {
                // Keeps the variance through a ReLU.
                let limit = if has_skip && layer_idx == last {
                    0.0
                } else {
                    (6.0 / pair[0] as f32).sqrt()
                };
                let mut rng = seed.rng(purpose, layer_idx as u64);
                let values: Vec<f32> = (0..pair[0] * pair[1])
                    .map(|_| limit * rng.random_range(-1.0..1.0_f32))
                    .collect();
                let bias = TensorData::new(vec![0.0_f32; pair[1]], [pair[1]]);
                Linear {
                    weight: Param::from_data(TensorData::new(values, [pair[0], pair[1]]), device),
                    bias: Some(Param::from_data(bias, device)),
                }
            })
            .collect();
        Self { layers, has_skip }
    }

    /// `[rows, n_inputs]` to `[rows, n_outputs]`.
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut hidden = x.clone();
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            if layer_idx > 0 {
                hidden = relu(hidden);
            }
            hidden = layer.forward(hidden);
        }
        if self.has_skip { hidden + x } else { hidden }
    }

    /// The gradients in the order of [`Network::weights`].
    #[cfg(test)]
    pub(super) fn gradients(&self, grads: &burn::optim::GradientsParams) -> Vec<f64> {
        let mut all = Vec::new();
        for layer in &self.layers {
            all.extend(grads.get::<2>(layer.weight.id).and_then(values).unwrap());
            let bias = layer.bias.as_ref().unwrap();
            all.extend(grads.get::<1>(bias.id).and_then(values).unwrap());
        }
        all.into_iter().map(f64::from).collect()
    }

    /// The weights as they are now. Nothing if the device cannot be read.
    pub(super) fn network(&self) -> Option<Network> {
        let mut widths = Vec::with_capacity(self.layers.len() + 1);
        let mut weights = Vec::new();
        for layer in &self.layers {
            let [n_in, n_out] = layer.weight.dims();
            if widths.is_empty() {
                widths.push(n_in);
            }
            widths.push(n_out);
            weights.extend(values(layer.weight.val())?);
            let bias = layer.bias.as_ref();
            weights.extend(bias.map_or(Some(vec![0.0; n_out]), |bias| values(bias.val()))?);
        }
        Network::new(widths, self.has_skip, weights).ok()
    }
}

/// The numbers of a tensor. Nothing if the device cannot be read.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Option<Vec<f32>> {
    tensor.into_data().convert::<f32>().try_into_vec().ok()
}
