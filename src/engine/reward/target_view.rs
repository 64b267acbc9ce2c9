//! An item seen with a user's eyes: what both reward models begin with. [A 3.3.1; B 2.4.1]
//!
//! ```text
//! v_i = W z_i                          frozen item features z, projected
//! a_i = Attention(v_i, history)        target attention; a learned null key serves empty histories
//! s_i = mean over the history of cos(z_i, z)
//! h_i = MLP[v_i, a_i, v_i * a_i, s_i]
//! ```
//! How like an item is to what the user watched, s_i, is given rather than left to the attention to find: a few
//! thousand noisy slates teach how long items are watched, but hardly that topics have to match.
//! The papers leave open the target-aware operation and all widths. There is no item identity beyond the item
//! features, so that items without feedback can be scored too.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::gelu;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::config::RewardConfig;
use crate::engine::model::attention::{Attention, padding_mask};
use crate::engine::model::init::Initializer;

/// Standard deviation of new positions and of the null key.
const EMBEDDING_STD: f64 = 0.02;

/// Histories and slates as item vectors.
#[derive(Clone, Debug)]
pub struct RewardInput {
    /// `[b, h, d_embed]`, most recent first; h at most `history_len`.
    pub history: Tensor<3>,
    /// `[b, h]`, true where there is no item.
    pub history_is_pad: Tensor<2, Bool>,
    /// `[b, m, d_embed]`.
    pub slate: Tensor<3>,
    /// `[b, m]`, true where there is no item.
    pub slate_is_pad: Tensor<2, Bool>,
}

/// Item features and histories to one vector per item.
#[derive(Module, Debug)]
pub(super) struct TargetView {
    pub(super) project: Linear,
    pub(super) positions: Param<Tensor<2>>,
    pub(super) null_key: Param<Tensor<2>>,
    target_attention: Attention,
    join: Perceptron,
}

/// What a view gives, `[b * m, d_model]` each.
pub(super) struct Viewed {
    /// v_i: the items alone.
    pub(super) items: Tensor<2>,
    /// a_i: what of the history each item calls up.
    pub(super) attended: Tensor<2>,
    /// h_i: the items as the user sees them.
    pub(super) seen: Tensor<2>,
}

impl TargetView {
    pub(super) fn init(
        config: &RewardConfig,
        d_embed: usize,
        init: &mut Initializer<'_>,
        device: &Device,
    ) -> Self {
        let d_model = config.d_model;
        Self {
            project: init.linear(d_embed, d_model),
            positions: init.uniform([config.history_len.max(1), d_model], EMBEDDING_STD),
            null_key: init.uniform([1, d_model], EMBEDDING_STD),
            target_attention: Attention::init(d_model, config.n_heads, init),
            join: Perceptron::init([3 * d_model + 1, config.d_hidden, d_model], init, device),
        }
    }

    pub(super) fn forward(&self, input: RewardInput) -> Viewed {
        let [b, h, d_embed] = input.history.dims();
        let [_, m, _] = input.slate.dims();
        let [_, d_model] = self.null_key.dims();

        let alikeness = alikeness(&input).mul_scalar((d_model as f64).sqrt());
        let items = self.project.forward(input.slate.reshape([b * m, d_embed]));
        let history = self
            .project
            .forward(input.history.reshape([b * h, d_embed]))
            .reshape([b, h, d_model])
            + self.positions.val().slice_dim(0, 0..h).unsqueeze::<3>();

        // The null key closes every history, so that no user is without a key.
        let null_key = self.null_key.val().unsqueeze::<3>().expand([b, 1, d_model]);
        let keys = Tensor::cat(vec![history, null_key], 1).reshape([b * (h + 1), d_model]);
        let no_pad = Tensor::<2, Bool>::zeros([b, 1], &input.history_is_pad.device());
        let keys_are_pad = Tensor::cat(vec![input.history_is_pad, no_pad], 1);

        let attended = self.target_attention.forward(
            items.clone(),
            &self.target_attention.key_value(keys, b),
            Some(&padding_mask(keys_are_pad)),
        );
        let product = items.clone() * attended.clone();
        let joined = Tensor::cat(vec![items.clone(), attended.clone(), product, alikeness], 1);
        Viewed {
            seen: self.join.forward(joined),
            items,
            attended,
        }
    }

    /// The device that holds the weights.
    pub(super) fn device(&self) -> Device {
        self.null_key.val().device()
    }

    /// Longest history that there are positions for.
    pub(super) fn history_len(&self) -> usize {
        self.positions.dims()[0]
    }
}

/// The mean cosine of each item of the slates with the items of the history; 0 where there is no history.
///
/// # Shapes
/// - output: `[b * m, 1]`
fn alikeness(input: &RewardInput) -> Tensor<2> {
    let [b, m, _] = input.slate.dims();
    let is_item = input.history_is_pad.clone().bool_not().float();
    let n_items = is_item.clone().sum_dim(1).clamp_min(1.0).unsqueeze_dim(2);
    let mean = (unit(input.history.clone()) * is_item.unsqueeze_dim(2)).sum_dim(1) / n_items;
    (unit(input.slate.clone()) * mean)
        .sum_dim(2)
        .reshape([b * m, 1])
}

/// Vectors of length 1; those of length 0 stay.
fn unit(vectors: Tensor<3>) -> Tensor<3> {
    let squares = (vectors.clone() * vectors.clone()).sum_dim(2);
    vectors / squares.clamp_min(1e-12).sqrt()
}

/// Two linear layers with a GELU between.
#[derive(Module, Debug)]
pub(super) struct Perceptron {
    hidden: Linear,
    output: Linear,
}

impl Perceptron {
    /// Widths of input, hidden layer and output.
    pub(super) fn init(widths: [usize; 3], init: &mut Initializer<'_>, device: &Device) -> Self {
        let [d_input, d_hidden, d_output] = widths;
        let mut layer = |d_input, d_output| Linear {
            bias: Some(Param::from_data(
                TensorData::zeros::<f32, _>([d_output]),
                device,
            )),
            ..init.linear(d_input, d_output)
        };
        Self {
            hidden: layer(d_input, d_hidden),
            output: layer(d_hidden, d_output),
        }
    }

    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(gelu(self.hidden.forward(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alikeness_is_the_mean_cosine_over_what_there_is() {
        let device = Device::flex();
        let input = RewardInput {
            history: Tensor::from_floats(
                [
                    [[3.0, 0.0], [0.0, 0.5]],
                    [[0.0, 2.0], [9.0, 9.0]],
                    [[1.0, 0.0], [1.0, 0.0]],
                ],
                &device,
            ),
            history_is_pad: Tensor::from_data(
                [[false, false], [false, true], [true, true]],
                &device,
            ),
            slate: Tensor::from_floats([[[1.0, 0.0]], [[4.0, 4.0]], [[1.0, 0.0]]], &device),
            slate_is_pad: Tensor::from_data([[false], [false], [false]], &device),
        };
        let found: Vec<f32> = alikeness(&input).try_into_vec_as().unwrap();
        // One of two items in the same direction; the only item at 45 degrees; no item at all.
        for (found, expected) in found.iter().zip([0.5, 0.5_f32.sqrt(), 0.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }
}
