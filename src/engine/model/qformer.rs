//! The compressor: a few learnable queries read any number of vectors per item. [B 2.1.1; Li et al. 2023, BLIP-2]

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::init::Initializer;
use super::query_reader::{QueryReader, QueryReaderSize};
use crate::engine::seed::Seed;

/// Sizes of a [`QFormer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QFormerSize {
    /// Learnable queries: so many vectors come out.
    pub n_queries: usize,
    /// Layers.
    pub n_layers: usize,
    /// Width.
    pub d_model: usize,
    /// Attention heads; divides `d_model`.
    pub n_heads: usize,
    /// Whether each sublayer adds to its input.
    pub residual: bool,
}

/// Vectors of any width, brought to `d_model`, then read by the queries.
#[derive(Module, Debug)]
pub struct QFormer {
    input: Linear,
    reader: QueryReader,
}

impl QFormer {
    /// Draws the parameters. `dim` is that of the vectors it reads.
    pub fn new(size: QFormerSize, dim: usize, seed: Seed, device: &Device) -> Self {
        let mut init = Initializer::new(seed, device);
        let reader = QueryReaderSize {
            d_model: size.d_model,
            n_heads: size.n_heads,
            n_queries: size.n_queries,
            n_layers: size.n_layers,
            d_ff: 2 * size.d_model,
            residual: size.residual,
        };
        Self {
            input: init.linear(dim, size.d_model),
            reader: QueryReader::init(reader, &mut init),
        }
    }

    /// # Shapes
    /// - parts: `[n_items * n_parts, dim]`, the vectors of an item together
    /// - mask: broadcasts to `[n_items, 1, n_queries, n_parts]`
    /// - output: `[n_items * n_queries, d_model]`
    pub fn forward(&self, parts: Tensor<2>, n_items: usize, mask: &Tensor<4>) -> Tensor<2> {
        self.reader
            .forward(self.input.forward(parts), n_items, Some(mask))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::engine::model::attention::padding_mask;
    use crate::engine::model::gradient_check::check_gradients;

    fn size(residual: bool) -> QFormerSize {
        QFormerSize {
            n_queries: 2,
            n_layers: 2,
            d_model: 6,
            n_heads: 2,
            residual,
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
            let model = QFormer::new(size(residual), 5, Seed(1), &device);
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
        let paper = QFormerSize {
            n_queries: 4,
            n_layers: 4,
            d_model: 512,
            n_heads: 8,
            residual: true,
        };
        let model = QFormer::new(paper, 5, Seed(1), &device);
        let found = model.forward(parts(&[0, 1, 2], &device), 1, &no_mask(&device));
        assert_eq!(found.dims(), [4, 512]);
    }

    #[test]
    fn what_fills_an_item_up_is_not_read() {
        let device = Device::flex();
        let model = QFormer::new(size(true), 5, Seed(1), &device);
        let read = |order: &[usize], n_hidden: usize| -> Vec<f32> {
            let is_pad = (0..order.len()).map(|place| place >= order.len() - n_hidden);
            let is_pad = TensorData::new(is_pad.collect::<Vec<bool>>(), [1, order.len()]);
            let mask = padding_mask(Tensor::from_data(is_pad, &device));
            let found = model.forward(parts(order, &device), 1, &mask);
            found.try_into_vec_as().unwrap()
        };
        let (alone, filled) = (read(&[0, 1, 2], 0), read(&[0, 1, 2, 7, 7, 8], 3));
        for (a, b) in alone.iter().zip(&filled) {
            assert!((a - b).abs() < 1e-5, "{alone:?} {filled:?}");
        }
        assert_ne!(read(&[0, 1, 2, 7], 0), alone);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        for residual in [true, false] {
            let model = QFormer::new(size(residual), 5, Seed(2), &device);
            let x = parts(&[0, 1, 2, 3, 4, 5], &device);
            let weights = parts(&[3, 1, 4, 2], &device).slice_dim(1, 0..1);
            check_gradients(model, |model| {
                let found = model.forward(x.clone(), 2, &no_mask(&device));
                (found.tanh() * weights.clone()).sum()
            });
        }
    }
}
