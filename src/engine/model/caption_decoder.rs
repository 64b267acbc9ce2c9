//! The text decoder that keeps aligned item vectors telling what an item is: it must say the item's own words from
//! them. [B 2.1.1, L_caption; there LLaMA 3, here a small decoder trained along with the compressor]

use burn::module::{Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::attention::causal_mask;
use super::block::EncoderBlock;
use super::config::ModelConfig;
use super::init::Initializer;
use crate::engine::embedding::item_alignment::captions::{CAPTION_LEN, Captions};
use crate::engine::seed::Seed;

/// Blocks of the decoder.
const N_LAYERS: usize = 2;

/// A causal decoder over an item's compressed vectors, a beginning mark and its words.
#[derive(Module, Debug)]
pub struct CaptionDecoder {
    /// `[n_words + 1, d_model]`; the last row is the beginning mark.
    words: Param<Tensor<2>>,
    /// `[n_queries + CAPTION_LEN, d_model]`.
    positions: Param<Tensor<2>>,
    blocks: Vec<EncoderBlock>,
    n_words: usize,
}

impl CaptionDecoder {
    /// Draws the parameters.
    pub fn new(
        captions: &Captions,
        n_queries: usize,
        d_model: usize,
        n_heads: usize,
        seed: Seed,
        device: &Device,
    ) -> Self {
        let config = ModelConfig {
            d_model,
            n_heads,
            d_ff: 2 * d_model,
            dropout: 0.0,
            ..ModelConfig::default()
        };
        let mut init = Initializer::new(seed, device);
        let std = (d_model as f64).sqrt().recip();
        Self {
            words: init.uniform([captions.n_words() + 1, d_model], std),
            positions: init.uniform([n_queries + CAPTION_LEN, d_model], std),
            blocks: (0..N_LAYERS)
                .map(|block_idx| EncoderBlock::init(&config, block_idx, &mut init))
                .collect(),
            n_words: captions.n_words(),
        }
    }

    /// `-mean_k log P(t_(k+1) | vectors, t_1..t_k)` over the words of these items, `[1]`; 0 where they have none.
    ///
    /// # Shapes
    /// - vectors: `[items * n_queries, d_model]`
    pub fn loss(&self, vectors: Tensor<2>, captions: &Captions, items: &[u32]) -> Tensor<1> {
        let device = vectors.device();
        let (n_items, [n_vectors, d_model]) = (items.len(), vectors.dims());
        let n_queries = n_vectors / n_items;
        let n_tokens = n_queries + CAPTION_LEN;
        let (mut inputs, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            let text = captions.of(*item);
            for place in 0..CAPTION_LEN {
                let before = place.checked_sub(1).map(|idx| text.get(idx).unwrap_or(&0));
                inputs.push(before.map_or(self.n_words as i32, |word| *word as i32));
                targets.push(text.get(place).map_or(0, |word| *word as i32));
                weights.push(f32::from(u8::from(place < text.len())));
            }
        }
        let n_places = n_items * CAPTION_LEN;
        let n_said = weights.iter().sum::<f32>().max(1.0);
        let inputs = Tensor::<1, Int>::from_data(TensorData::new(inputs, [n_places]), &device);
        let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [n_places, 1]), &device);
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [n_places, 1]), &device);

        let text = self.words.val().select(0, inputs);
        let joined = Tensor::cat(
            vec![
                vectors.reshape([n_items, n_queries, d_model]),
                text.reshape([n_items, CAPTION_LEN, d_model]),
            ],
            1,
        ) + self.positions.val().unsqueeze::<3>();
        let mut x = joined.reshape([n_items * n_tokens, d_model]);
        let mask = causal_mask(n_tokens, &device);
        for block in &self.blocks {
            x = block.forward(x, n_items, mask.as_ref());
        }
        let said = x
            .reshape([n_items, n_tokens, d_model])
            .slice_dim(1, n_queries..n_tokens)
            .reshape([n_places, d_model]);
        let vocabulary = self.words.val().slice_dim(0, 0..self.n_words);
        let log_probs = log_softmax(said.matmul(vocabulary.transpose()), 1);
        -(log_probs.gather(1, targets) * weights).sum() / n_said
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::GradientsParams;

    use super::*;
    use crate::engine::data::{Item, ItemCatalog};
    use crate::engine::model::gradient_check::check_gradients;
    use crate::engine::optim::AdamW;

    fn captions() -> Captions {
        let titles = [
            "red shoe",
            "red shirt",
            "blue shoe",
            "blue shirt",
            "a thing",
        ];
        let items = titles.map(|title| Item {
            title: title.to_owned(),
            ..Item::default()
        });
        Captions::new(&ItemCatalog {
            items: items.to_vec(),
        })
    }

    fn vectors(device: &Device) -> Tensor<2> {
        let values: Vec<f32> = (0..40).map(|idx| (idx as f32 * 0.9).sin()).collect();
        Tensor::from_data(TensorData::new(values, [10, 4]), device)
    }

    #[test]
    fn gradients_agree_with_finite_differences_and_the_loss_falls() {
        let device = Device::flex().autodiff();
        let captions = captions();
        let items = [0, 1, 2, 3, 4];
        let mut model = CaptionDecoder::new(&captions, 2, 4, 2, Seed(3), &device);
        let loss = |model: &CaptionDecoder| model.loss(vectors(&device), &captions, &items);
        check_gradients(model.clone(), loss);
        let first: f32 = loss(&model).into_scalar();
        let mut optimizer = AdamW::new(0.0, 1.0);
        for _ in 0..150 {
            let grads = GradientsParams::from_grads(loss(&model).backward(), &model);
            (model, _) = optimizer.step(0.02, model, grads);
        }
        let last: f32 = loss(&model).into_scalar();
        assert!(last < 0.2 * first, "{first} {last}");
        // Only the vectors tell the items apart: without them no first word is better than a guess among four.
        let blind: f32 = model
            .loss(vectors(&device) * 0.0, &captions, &items)
            .into_scalar();
        assert!(blind > 3.0 * last, "{blind} {last}");
    }
}
