//! The compressor: a few learnable queries read any number of vectors per item. [B 2.1.1; Li et al. 2023, BLIP-2]

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::ItemAlignmentConfig;
use crate::engine::model::attention::Attention;
use crate::engine::model::feed_forward::SwiGlu;
use crate::engine::model::init::Initializer;
use crate::engine::model::norm::RmsNorm;
use crate::engine::seed::Seed;

/// Cross-attention from the queries to an item's vectors, then a feed-forward layer.
#[derive(Module, Debug)]
struct Layer {
    attention: Attention,
    norm: RmsNorm,
    feed_forward: SwiGlu,
}

/// ```text
/// Q' = CrossAttn(Q_i, M, M);   Q_(i+1) = FFN(RMSNorm(Q'))     i = 1..N_c
/// ```
/// With the residual switch either line adds its input. Vectors of another width are brought to `d_model` first.
#[derive(Module, Debug)]
pub struct QFormer {
    input: Linear,
    /// `[n_queries, d_model]`.
    queries: Param<Tensor<2>>,
    layers: Vec<Layer>,
    residual: bool,
}

impl QFormer {
    /// Draws the parameters. `dim` is that of the vectors it reads.
    pub fn new(config: &ItemAlignmentConfig, dim: usize, seed: Seed, device: &Device) -> Self {
        let d_model = config.d_model;
        let mut init = Initializer::new(seed, device);
        Self {
            input: init.linear(dim, d_model),
            queries: init.uniform([config.n_queries, d_model], 1.0),
            layers: (0..config.n_layers)
                .map(|_| Layer {
                    attention: Attention::init(d_model, config.n_heads, &mut init),
                    norm: RmsNorm::init(d_model, &init),
                    feed_forward: SwiGlu::init(d_model, 2 * d_model, &mut init),
                })
                .collect(),
            residual: config.residual,
        }
    }

    /// # Shapes
    /// - parts: `[n_items * n_parts, dim]`, the vectors of an item together
    /// - mask: broadcasts to `[n_items, 1, n_queries, n_parts]`
    /// - output: `[n_items * n_queries, d_model]`
    pub fn forward(&self, parts: Tensor<2>, n_items: usize, mask: &Tensor<4>) -> Tensor<2> {
        let memory = self.input.forward(parts);
        let mut queries = self.queries.val().repeat_dim(0, n_items);
        for layer in &self.layers {
            let memory = layer.attention.key_value(memory.clone(), n_items);
            let read = layer
                .attention
                .forward(queries.clone(), &memory, Some(mask));
            let read = if self.residual { queries + read } else { read };
            let changed = layer.feed_forward.forward(layer.norm.forward(read.clone()));
            queries = if self.residual {
                read + changed
            } else {
                changed
            };
        }
        queries
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::engine::model::gradient_check::check_gradients;

    fn config(residual: bool) -> ItemAlignmentConfig {
        ItemAlignmentConfig {
            n_queries: 2,
            n_layers: 2,
            d_model: 6,
            n_heads: 2,
            residual,
            ..ItemAlignmentConfig::default()
        }
    }

    fn parts(order: &[usize], device: &Device) -> Tensor<2> {
        let values: Vec<f32> = order
            .iter()
            .flat_map(|row| (0..5).map(move |column| ((row * 5 + column) as f32 * 0.7).sin()))
            .collect();
        Tensor::from_data(TensorData::new(values, [order.len(), 5]), device)
    }

    fn no_mask(device: &Device) -> Tensor<4> {
        Tensor::zeros([1, 1, 1, 1], device)
    }

    #[test]
    fn the_order_of_the_vectors_says_nothing_and_the_sizes_are_those_of_the_report() {
        let device = Device::flex();
        for residual in [true, false] {
            let model = QFormer::new(&config(residual), 5, Seed(1), &device);
            let read = |order: &[usize]| -> Vec<f32> {
                let found = model.forward(parts(order, &device), 2, &no_mask(&device));
                assert_eq!(found.dims(), [4, 6]);
                found.try_into_vec_as().unwrap()
            };
            let (found, moved) = (read(&[0, 1, 2, 3, 4, 5]), read(&[2, 0, 1, 4, 5, 3]));
            for (a, b) in found.iter().zip(&moved) {
                assert!((a - b).abs() < 1e-5, "{found:?} {moved:?}");
            }
            assert_ne!(read(&[0, 1, 2, 3, 4, 4]), found);
        }
        let paper = ItemAlignmentConfig {
            d_model: 512,
            n_layers: 1,
            ..ItemAlignmentConfig::default()
        };
        let model = QFormer::new(&paper, 5, Seed(1), &device);
        let found = model.forward(parts(&[0, 1, 2], &device), 1, &no_mask(&device));
        assert_eq!(found.dims(), [4, 512]);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        for residual in [true, false] {
            let model = QFormer::new(&config(residual), 5, Seed(2), &device);
            let x = parts(&[0, 1, 2, 3, 4, 5], &device);
            let weights = parts(&[3, 1, 4, 2], &device).slice_dim(1, 0..1);
            check_gradients(model, |model| {
                let found = model.forward(x.clone(), 2, &no_mask(&device));
                (found.tanh() * weights.clone()).sum()
            });
        }
    }
}
