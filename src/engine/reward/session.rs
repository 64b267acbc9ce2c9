//! The session reward model R(u, S): target attention, self-attention, a sum over items, four heads. [A 3.3.1 eq 5-6]
//!
//! ```text
//! v_i = W z_i                          frozen item features z, projected
//! a_i = Attention(v_i, history)        target attention; a learned null key serves empty histories
//! h_i = MLP[v_i, a_i, v_i * a_i]       e_i of the paper: the item, seen with the user's eyes
//! x   = sum_i SelfAttention(h)_i       no positions in the slate: the order of its items does not matter
//! r_x = sigmoid(MLP_x(x))              x in swt, vtr, wtr, ltr
//! ```
//! The paper leaves open the target-aware operation, the number of heads and all widths. It has no item
//! identity here beyond the item features, so that items without feedback can be scored too.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::gelu;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::config::RewardConfig;
use crate::engine::model::attention::{Attention, padding_mask};
use crate::engine::model::init::Initializer;
use crate::engine::seed::Seed;

/// Names of the heads: session watch time, view, follow and like probability.
pub const HEAD_NAMES: [&str; N_HEADS] = ["swt", "vtr", "wtr", "ltr"];

/// Number of heads.
pub const N_HEADS: usize = 4;

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

/// The model; also the judge, when trained on other users.
#[derive(Module, Debug)]
pub struct RewardModel {
    project: Linear,
    positions: Param<Tensor<2>>,
    null_key: Param<Tensor<2>>,
    target_attention: Attention,
    join: Perceptron,
    session_attention: Attention,
    heads: Vec<Perceptron>,
}

impl RewardConfig {
    /// A fresh model for item vectors of `d_embed` dimensions, the same on every device.
    ///
    /// # Panics
    /// If `n_heads` does not divide `d_model`: configurations are checked before.
    pub fn init(&self, d_embed: usize, seed: Seed, device: &Device) -> RewardModel {
        let d_model = self.d_model;
        let mut init = Initializer::new(Seed(seed.derive("reward.init", 0)), device);
        let init = &mut init;
        RewardModel {
            project: init.linear(d_embed, d_model),
            positions: init.uniform([self.history_len.max(1), d_model], EMBEDDING_STD),
            null_key: init.uniform([1, d_model], EMBEDDING_STD),
            target_attention: Attention::init(d_model, self.n_heads, init),
            join: Perceptron::init([3 * d_model, self.d_hidden, d_model], init, device),
            session_attention: Attention::init(d_model, self.n_heads, init),
            heads: (0..N_HEADS)
                .map(|_| Perceptron::init([d_model, self.d_hidden, 1], init, device))
                .collect(),
        }
    }
}

impl RewardModel {
    /// Logits of the four heads.
    ///
    /// # Shapes
    /// - output: `[b, 4]`, order of [`HEAD_NAMES`]
    pub fn forward(&self, input: RewardInput) -> Tensor<2> {
        let [b, h, d_embed] = input.history.dims();
        let [_, m, _] = input.slate.dims();
        let [_, d_model] = self.null_key.dims();

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
        let joined = self
            .join
            .forward(Tensor::cat(vec![items, attended, product], 1));

        let fused = self.session_attention.forward(
            joined.clone(),
            &self.session_attention.key_value(joined, b),
            Some(&padding_mask(input.slate_is_pad.clone())),
        );
        let counts = input.slate_is_pad.bool_not().float().reshape([b, m, 1]);
        let session = (fused.reshape([b, m, d_model]) * counts)
            .sum_dim(1)
            .reshape([b, d_model]);

        let logits = self.heads.iter().map(|head| head.forward(session.clone()));
        Tensor::cat(logits.collect(), 1)
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.null_key.val().device()
    }

    /// Longest history that the model has positions for.
    pub fn history_len(&self) -> usize {
        self.positions.dims()[0]
    }
}

/// Two linear layers with a GELU between.
#[derive(Module, Debug)]
struct Perceptron {
    hidden: Linear,
    output: Linear,
}

impl Perceptron {
    /// Widths of input, hidden layer and output.
    fn init(widths: [usize; 3], init: &mut Initializer<'_>, device: &Device) -> Self {
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

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(gelu(self.hidden.forward(x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::ItemIdx;
    use crate::engine::embedding::ItemEmbeddings;
    use crate::engine::reward::ItemVectors;
    use rand::RngExt as _;

    const N_ITEMS: usize = 12;
    const D_EMBED: usize = 5;

    fn config() -> RewardConfig {
        RewardConfig {
            d_model: 6,
            n_heads: 2,
            d_hidden: 7,
            history_len: 4,
            ..RewardConfig::default()
        }
    }

    fn vectors() -> ItemVectors {
        let mut rng = Seed(3).rng("test.vectors", 0);
        let embeddings = ItemEmbeddings {
            values: (0..N_ITEMS * D_EMBED)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect(),
            dim: D_EMBED,
        };
        ItemVectors::new(&embeddings, &Device::flex())
    }

    /// Logits of some (history, slate) pairs, each scored with all others in one batch.
    fn logits(pairs: &[(&[u32], &[u32])]) -> Vec<Vec<f32>> {
        let items = |list: &[u32]| -> Vec<ItemIdx> { list.iter().copied().map(ItemIdx).collect() };
        let histories: Vec<Vec<ItemIdx>> = pairs.iter().map(|pair| items(pair.0)).collect();
        let slates: Vec<Vec<ItemIdx>> = pairs.iter().map(|pair| items(pair.1)).collect();
        let model = config().init(D_EMBED, Seed(11), &Device::flex());
        let input = RewardInput::new(&histories, &slates, &vectors(), model.history_len());
        let values: Vec<f32> = model.forward(input).try_into_vec_as().unwrap();
        values.chunks(N_HEADS).map(<[f32]>::to_vec).collect()
    }

    #[track_caller]
    fn same(a: &[f32], b: &[f32]) {
        let far = a.iter().zip(b).any(|(a, b)| (a - b).abs() > 1e-5);
        assert!(!far && a.len() == b.len(), "{a:?} is not {b:?}");
    }

    #[test]
    fn the_order_of_a_slate_does_not_matter() {
        let logits = logits(&[
            (&[1, 2, 3], &[4, 5, 6]),
            (&[1, 2, 3], &[6, 4, 5]),
            (&[1, 2, 3], &[4, 5, 7]),
            (&[2, 1, 3], &[4, 5, 6]),
        ]);
        same(&logits[0], &logits[1]);
        // Another item or another order of the history does matter.
        assert!((logits[0][0] - logits[2][0]).abs() > 1e-4);
        assert!((logits[0][0] - logits[3][0]).abs() > 1e-7);
    }

    #[test]
    fn padding_does_not_matter() {
        let alone = logits(&[(&[1, 2], &[4, 5])]);
        let padded = logits(&[(&[1, 2], &[4, 5]), (&[7, 8, 9, 10], &[1, 2, 3, 4, 5])]);
        same(&alone[0], &padded[0]);
        // Only the last four items of a history are seen.
        let long = logits(&[(&[11, 0, 7, 8, 9, 10], &[1, 2, 3, 4, 5])]);
        same(&long[0], &padded[1]);
    }

    #[test]
    fn an_empty_history_has_a_score_of_its_own() {
        let logits = logits(&[(&[], &[4, 5]), (&[], &[4, 6]), (&[1], &[4, 5])]);
        assert!(logits.iter().flatten().all(|logit| logit.is_finite()));
        assert_ne!(logits[0], logits[1]);
        assert_ne!(logits[0], logits[2]);
        let alone = self::logits(&[(&[], &[4, 5])]);
        same(&alone[0], &logits[0]);
    }
    #[test]
    fn gradients_of_the_weights_agree_with_finite_differences() {
        let device = Device::flex().autodiff();
        let items = |list: &[u32]| -> Vec<ItemIdx> { list.iter().copied().map(ItemIdx).collect() };
        let input = RewardInput::new(
            &[items(&[1, 2, 3]), items(&[])],
            &[items(&[4, 5]), items(&[6, 7, 8])],
            &vectors(),
            4,
        );
        let model = config().init(D_EMBED, Seed(11), &device);
        let sum = |model: &RewardModel| model.forward(input.clone()).sum();
        let grads = sum(&model).backward();
        let step = 1e-2;
        // One weight of each part: the second of the null key, of the first position and of the projection.
        type Move = fn(RewardModel, Tensor<2>) -> RewardModel;
        let moved: [(&Param<Tensor<2>>, Move); 3] = [
            (&model.null_key, |mut model, by| {
                model.null_key = model.null_key.map(|weight| weight + by);
                model
            }),
            (&model.positions, |mut model, by| {
                model.positions = model.positions.map(|weight| weight + by);
                model
            }),
            (&model.project.weight, |mut model, by| {
                model.project.weight = model.project.weight.map(|weight| weight + by);
                model
            }),
        ];
        for (idx, (weight, move_by)) in moved.into_iter().enumerate() {
            let grad: Vec<f32> = weight.grad(&grads).unwrap().try_into_vec_as().unwrap();
            let mut by = vec![0.0_f32; grad.len()];
            by[1] = step;
            let by = Tensor::<2>::from_data(TensorData::new(by, weight.dims()), &device);
            let up = sum(&move_by(model.clone(), by.clone())).into_scalar::<f32>();
            let down = sum(&move_by(model.clone(), by.neg())).into_scalar::<f32>();
            let difference = (up - down) / (2.0 * step);
            assert!(
                (grad[1] - difference).abs() < 2e-3 * (1.0 + difference.abs()),
                "part {idx}: {} and {difference}",
                grad[1]
            );
            assert!(grad[1].abs() > 1e-5, "part {idx} has no gradient");
        }
    }
}
