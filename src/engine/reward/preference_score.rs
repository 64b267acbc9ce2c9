//! The preference score: one number for a user and an item, fused from a tower per objective. [B 2.4.1]
//!
//! ```text
//! t_x = gelu(W_x h_i)                  hidden state of the tower of objective x; its own prediction is sigmoid(w_x t_x)
//! p   = sigmoid(MLP[t_swt, t_vtr, t_wtr, t_ltr, a_i, v_i])
//! L   = sum_x BCE(y_x, sigmoid(w_x t_x)) + sum_x weight_x BCE(y_x, p)
//! ```
//! The same p is held against every label, so for inputs that say nothing it is the weighted mean of the labels.
//! The user is represented by what the item calls up in the history (a_i), the item by its projection (v_i), see
//! `TargetView`. The score of a slate is the mean over its items. Weights and sizes are not published.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::{gelu, sigmoid};
use burn::tensor::{Device, Tensor};

use super::batch::{RewardBatch, RewardLoss, reward_loss};
use super::config::RewardConfig;
use super::session::N_HEADS;
use super::target_view::{Perceptron, RewardInput, TargetView};
use crate::engine::model::init::Initializer;
use crate::engine::seed::Seed;

/// The model; also the judge, when trained on other users.
#[derive(Module, Debug)]
pub struct PreferenceScore {
    view: TargetView,
    towers: Vec<Linear>,
    tower_outputs: Vec<Linear>,
    fuse: Perceptron,
}

/// Logits of single items, `[b * m, _]` each.
struct ItemLogits {
    /// `[b * m, 4]`.
    towers: Tensor<2>,
    /// `[b * m, 1]`.
    preference: Tensor<2>,
}

impl RewardConfig {
    /// A fresh preference score for item vectors of `d_embed` dimensions, the same on every device.
    ///
    /// # Panics
    /// If `n_heads` does not divide `d_model`: configurations are checked before.
    pub(super) fn init_preference_score(
        &self,
        d_embed: usize,
        seed: Seed,
        device: &Device,
    ) -> PreferenceScore {
        let (d_model, d_hidden) = (self.d_model, self.d_hidden);
        let mut init = Initializer::new(Seed(seed.derive("reward.init", 0)), device);
        let init = &mut init;
        PreferenceScore {
            view: TargetView::init(self, d_embed, init, device),
            towers: (0..N_HEADS)
                .map(|_| init.linear(d_model, d_hidden))
                .collect(),
            tower_outputs: (0..N_HEADS).map(|_| init.linear(d_hidden, 1)).collect(),
            fuse: Perceptron::init(
                [N_HEADS * d_hidden + 2 * d_model, d_hidden, 1],
                init,
                device,
            ),
        }
    }
}

impl PreferenceScore {
    fn item_logits(&self, input: RewardInput) -> ItemLogits {
        let viewed = self.view.forward(input);
        let hidden: Vec<Tensor<2>> = self
            .towers
            .iter()
            .map(|tower| gelu(tower.forward(viewed.seen.clone())))
            .collect();
        let outputs = self
            .tower_outputs
            .iter()
            .zip(&hidden)
            .map(|(output, hidden)| output.forward(hidden.clone()));
        let towers = Tensor::cat(outputs.collect(), 1);
        let mut fused = hidden;
        fused.extend([viewed.attended, viewed.items]);
        ItemLogits {
            towers,
            preference: self.fuse.forward(Tensor::cat(fused, 1)),
        }
    }

    /// The loss of a batch of single items: the towers' own, and the preference against every label by its weight.
    /// The per-head losses are those of the towers.
    pub(super) fn loss(&self, batch: RewardBatch, weights: [f64; N_HEADS]) -> RewardLoss {
        let [n_rows, n_items, _] = batch.input.slate.dims();
        assert_eq!(n_items, 1, "the preference score learns from single items");
        let logits = self.item_logits(batch.input);
        let towers = reward_loss(
            logits.towers,
            batch.labels.clone(),
            batch.label_mask.clone(),
        );
        let fused = reward_loss(
            logits.preference.expand([n_rows, N_HEADS]),
            batch.labels,
            batch.label_mask,
        );
        let weights = weights.map(|weight| weight as f32);
        let weights = Tensor::<1>::from_floats(weights, &towers.per_head.device());
        RewardLoss {
            total: towers.total + (fused.per_head * weights).sum(),
            per_head: towers.per_head,
        }
    }

    /// Mean probabilities over the items of each slate: of the towers, `[b, 4]`, and the preference score, `[b, 1]`.
    pub(super) fn probabilities(&self, input: RewardInput) -> (Tensor<2>, Tensor<2>) {
        let [b, m, _] = input.slate.dims();
        let is_item = input.slate_is_pad.clone().bool_not().float();
        let logits = self.item_logits(input);
        let n_items = is_item.clone().sum_dim(1).clamp_min(1.0);
        let mean = |logits: Tensor<2>| {
            let [_, width] = logits.dims();
            let probs = sigmoid(logits).reshape([b, m, width]) * is_item.clone().reshape([b, m, 1]);
            probs.sum_dim(1).reshape([b, width]) / n_items.clone()
        };
        (mean(logits.towers), mean(logits.preference))
    }

    pub(super) fn view(&self) -> &TargetView {
        &self.view
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamWConfig, GradientsParams};
    use burn::tensor::{Bool, TensorData};

    use super::*;
    use crate::engine::model::gradient_check::check_gradients;

    const D_EMBED: usize = 3;

    fn config() -> RewardConfig {
        RewardConfig {
            d_model: 6,
            n_heads: 2,
            d_hidden: 5,
            history_len: 4,
            ..RewardConfig::default()
        }
    }

    /// Rows that all look alike, with the given labels of two objectives; the third is never known.
    fn batch(labels: &[[f32; 2]], device: &Device) -> RewardBatch {
        let n = labels.len();
        let tensor = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        let vectors = |len: usize| {
            tensor([0.5, -0.5, 1.0].repeat(n * len), [n * len, D_EMBED]).reshape([n, len, D_EMBED])
        };
        let no_pad = |len: usize| Tensor::<2, Bool>::zeros([n, len], device);
        let known = |[a, b]: &[f32; 2]| [*a, *b, 0.0, 0.0];
        RewardBatch {
            input: RewardInput {
                history: vectors(2),
                history_is_pad: no_pad(2),
                slate: vectors(1),
                slate_is_pad: no_pad(1),
            },
            labels: tensor(labels.iter().flat_map(known).collect(), [n, 4]),
            label_mask: tensor([1.0, 1.0, 0.0, 0.0].repeat(n), [n, 4]),
        }
    }

    #[test]
    fn inputs_that_say_nothing_give_the_weighted_mean_of_the_labels() {
        let device = Device::flex().autodiff();
        let labels = [[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        let mut model = config().init_preference_score(D_EMBED, Seed(1), &device);
        let mut optimizer = AdamWConfig::new().with_weight_decay(0.0).init();
        for _ in 0..300 {
            let loss = model.loss(batch(&labels, &device), [3.0, 1.0, 5.0, 0.0]);
            let grads = GradientsParams::from_grads(loss.total.backward(), &model);
            model = optimizer.step(1e-2, model, grads);
        }
        let (towers, preference) = model.probabilities(batch(&labels, &device).input);
        let preference: Vec<f32> = preference.try_into_vec_as().unwrap();
        // Means .75 and .25, weights 3 and 1; the third objective has no label and counts nothing.
        assert!((preference[0] - 0.625).abs() < 0.01, "{preference:?}");
        let towers: Vec<f32> = towers.try_into_vec_as().unwrap();
        assert!((towers[0] - 0.75).abs() < 0.01 && (towers[1] - 0.25).abs() < 0.01);
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        let labels = [[1.0, 0.25], [0.5, 0.0]];
        let mut batch = batch(&labels, &device);
        batch.label_mask = Tensor::ones([2, 4], &device);
        let model = config().init_preference_score(D_EMBED, Seed(2), &device);
        check_gradients(model, |model| {
            model.loss(batch.clone(), [1.0, 2.0, 0.5, 1.0]).total
        });
    }
}
