//! The session reward model R(u, S): target attention, self-attention, a sum over items, four heads. [A 3.3.1 eq 5-6]
//!
//! ```text
//! h_i = e_i of the paper               the item, seen with the user's eyes, see `TargetView`
//! x   = sum_i SelfAttention(h)_i       no positions in the slate: the order of its items does not matter
//! r_x = sigmoid(MLP_x(x))              x in swt, vtr, wtr, ltr
//! ```
//! The paper leaves open the number of attention heads and all widths.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::config::RewardConfig;
use super::target_view::{Perceptron, RewardInput, TargetView};
use crate::engine::model::attention::{Attention, padding_mask};
use crate::engine::model::init::Initializer;
use crate::engine::seed::Seed;

/// Names of the heads: session watch time, view, follow and like probability.
pub const HEAD_NAMES: [&str; N_HEADS] = ["swt", "vtr", "wtr", "ltr"];

/// Number of heads.
pub const N_HEADS: usize = 4;

/// The model; also the judge, when trained on other users.
#[derive(Module, Debug)]
pub struct SessionModel {
    view: TargetView,
    session_attention: Attention,
    heads: Vec<Perceptron>,
}

impl RewardConfig {
    /// A fresh session model for item vectors of `d_embed` dimensions, the same on every device.
    ///
    /// # Panics
    /// If `n_heads` does not divide `d_model`: configurations are checked before.
    pub(super) fn init_session(&self, d_embed: usize, seed: Seed, device: &Device) -> SessionModel {
        let d_model = self.d_model;
        let mut init = Initializer::new(Seed(seed.derive("reward.init", 0)), device);
        let init = &mut init;
        SessionModel {
            view: TargetView::init(self, d_embed, init, device),
            session_attention: Attention::init(d_model, self.n_heads, init),
            heads: (0..N_HEADS)
                .map(|_| Perceptron::init([d_model, self.d_hidden, 1], init, device))
                .collect(),
        }
    }
}

impl SessionModel {
    /// Logits of the four heads.
    ///
    /// # Shapes
    /// - output: `[b, 4]`, order of [`HEAD_NAMES`]
    pub fn forward(&self, input: RewardInput) -> Tensor<2> {
        let [b, m, _] = input.slate.dims();
        let slate_is_pad = input.slate_is_pad.clone();
        let seen = self.view.forward(input).seen;
        let [_, d_model] = seen.dims();
        let fused = self.session_attention.forward(
            seen.clone(),
            &self.session_attention.key_value(seen, b),
            Some(&padding_mask(slate_is_pad.clone())),
        );
        let counts = slate_is_pad.bool_not().float().reshape([b, m, 1]);
        let session = (fused.reshape([b, m, d_model]) * counts)
            .sum_dim(1)
            .reshape([b, d_model]);

        let logits = self.heads.iter().map(|head| head.forward(session.clone()));
        Tensor::cat(logits.collect(), 1)
    }

    pub(super) fn view(&self) -> &TargetView {
        &self.view
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::TensorData;

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
        let model = config().init_session(D_EMBED, Seed(11), &Device::flex());
        let input = RewardInput::new(&histories, &slates, &vectors(), model.view.history_len());
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
        let model = config().init_session(D_EMBED, Seed(11), &device);
        let sum = |model: &SessionModel| model.forward(input.clone()).sum();
        let grads = sum(&model).backward();
        let step = 1e-2;
        // One weight of each part: the second of the null key, of the first position and of the projection.
        type Move = fn(SessionModel, Tensor<2>) -> SessionModel;
        let moved: [(&Param<Tensor<2>>, Move); 3] = [
            (&model.view.null_key, |mut model, by| {
                model.view.null_key = model.view.null_key.map(|weight| weight + by);
                model
            }),
            (&model.view.positions, |mut model, by| {
                model.view.positions = model.view.positions.map(|weight| weight + by);
                model
            }),
            (&model.view.project.weight, |mut model, by| {
                model.view.project.weight = model.view.project.weight.map(|weight| weight + by);
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
