//! Histories and slates as tensors, and the loss on logged slates. [A 3.3.1 eq 7]

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::session::N_HEADS;
use super::target_view::RewardInput;
use crate::engine::data::ItemIdx;
use crate::engine::data::logged_slate::LoggedSlate;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::tokenizer::health::mean_square;

/// The frozen item vectors on a device, `[n_items, d_embed]`, scaled to a mean square of 1: the products of
/// items and histories, which carry the user's taste, would otherwise be too small to learn from.
#[derive(Clone, Debug)]
pub struct ItemVectors(Tensor<2>);

impl ItemVectors {
    /// Copies the vectors to a device.
    pub fn new(embeddings: &ItemEmbeddings, device: &Device) -> Self {
        let power = mean_square(&embeddings.values).sqrt() as f32;
        let scale = if power > 0.0 { power.recip() } else { 1.0 };
        let values: Vec<f32> = embeddings
            .values
            .iter()
            .map(|value| value * scale)
            .collect();
        let shape = [embeddings.n_items(), embeddings.dim];
        Self(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// Vectors and padding mask of some lists of items, `width` long.
    ///
    /// # Shapes
    /// - output: `[b, width, d_embed]` and `[b, width]`
    fn rows(&self, lists: &[Vec<ItemIdx>], width: usize) -> (Tensor<3>, Tensor<2, Bool>) {
        let (b, [n_items, d_embed]) = (lists.len(), self.0.dims());
        let mut idx = vec![0_i32; b * width];
        let mut is_pad = vec![true; b * width];
        for (row, list) in lists.iter().enumerate() {
            assert!(list.len() <= width, "{} items in {width}", list.len());
            for (column, item) in list.iter().enumerate() {
                assert!(item.idx() < n_items, "item {} of {n_items}", item.idx());
                idx[row * width + column] = item.0 as i32;
                is_pad[row * width + column] = false;
            }
        }
        let device = self.0.device();
        let idx = Tensor::<1, Int>::from_data(TensorData::new(idx, [b * width]), &device);
        let vectors = self.0.clone().select(0, idx).reshape([b, width, d_embed]);
        let is_pad = Tensor::from_data(TensorData::new(is_pad, [b, width]), &device);
        (vectors, is_pad)
    }
}

impl RewardInput {
    /// Gathers item vectors. Histories come oldest first, as everywhere; their last `history_len` items are used.
    pub fn new<H, S>(histories: &[H], slates: &[S], items: &ItemVectors, history_len: usize) -> Self
    where
        H: AsRef<[ItemIdx]>,
        S: AsRef<[ItemIdx]>,
    {
        assert_eq!(histories.len(), slates.len(), "one history per slate");
        let histories: Vec<Vec<ItemIdx>> = histories
            .iter()
            .map(|history| {
                let history = history.as_ref().iter().rev();
                history.take(history_len).copied().collect()
            })
            .collect();
        let slates: Vec<Vec<ItemIdx>> =
            slates.iter().map(|slate| slate.as_ref().to_vec()).collect();
        let (history, history_is_pad) = items.rows(&histories, longest(&histories));
        let (slate, slate_is_pad) = items.rows(&slates, longest(&slates));
        Self {
            history,
            history_is_pad,
            slate,
            slate_is_pad,
        }
    }
}

/// Length of the longest list, at least 1: tensors without elements are trouble on some devices.
fn longest(lists: &[Vec<ItemIdx>]) -> usize {
    lists.iter().map(Vec::len).max().unwrap_or(0).max(1)
}

/// Logged slates with their labels.
#[derive(Clone, Debug)]
pub struct RewardBatch {
    /// What the model sees.
    pub input: RewardInput,
    /// `[b, 4]` in `[0, 1]`; 0 where unknown.
    pub labels: Tensor<2>,
    /// `[b, 4]`, 1 where the label is known and the head is trained, else 0.
    pub label_mask: Tensor<2>,
}

impl RewardBatch {
    /// Gathers the vectors and labels of some slates, each with the user's history before it (oldest first).
    /// Heads that are not in `is_trained` have mask 0.
    pub fn new(
        slates: &[&LoggedSlate],
        histories: &[Vec<ItemIdx>],
        items: &ItemVectors,
        history_len: usize,
        is_trained: [bool; N_HEADS],
    ) -> Self {
        let lists: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        let input = RewardInput::new(histories, &lists, items, history_len);
        let mut labels = Vec::with_capacity(slates.len() * N_HEADS);
        let mut mask = Vec::with_capacity(slates.len() * N_HEADS);
        for slate in slates {
            for (label, is_trained) in slate.labels.into_iter().zip(is_trained) {
                let is_known = is_trained && label.is_finite();
                labels.push(if is_known { label } else { 0.0 });
                mask.push(if is_known { 1.0_f32 } else { 0.0 });
            }
        }
        let device = input.slate.device();
        let shape = [slates.len(), N_HEADS];
        Self {
            input,
            labels: Tensor::from_data(TensorData::new(labels, shape), &device),
            label_mask: Tensor::from_data(TensorData::new(mask, shape), &device),
        }
    }
}

/// The loss of a batch.
#[derive(Clone, Debug)]
pub struct RewardLoss {
    /// `[1]`: sum over the heads, what training minimises.
    pub total: Tensor<1>,
    /// `[4]`: mean cross-entropy of each head over the slates with a known label, nats.
    pub per_head: Tensor<1>,
}

/// Binary cross-entropy with soft labels, from logits.
///
/// # Shapes
/// - logits, labels, label_mask: `[b, 4]`
pub fn reward_loss(logits: Tensor<2>, labels: Tensor<2>, label_mask: Tensor<2>) -> RewardLoss {
    let positive = labels.clone() * log_sigmoid(logits.clone());
    let negative = (labels.neg() + 1.0) * log_sigmoid(logits.neg());
    let losses = (positive + negative).neg() * label_mask.clone();
    let n_known = label_mask.sum_dim(0).clamp_min(1.0);
    let per_head = (losses.sum_dim(0) / n_known).reshape([N_HEADS]);
    RewardLoss {
        total: per_head.clone().sum(),
        per_head,
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module as _;
    use burn::optim::{AdamWConfig, GradientsParams};
    use rand::RngExt as _;
    use rand::seq::IndexedRandom as _;

    use super::*;
    use crate::engine::data::UserIdx;
    use crate::engine::eval::metrics::auc;
    use crate::engine::reward::RewardScorer;
    use crate::engine::reward::config::RewardConfig;
    use crate::engine::seed::Seed;

    fn matrix(values: [[f32; N_HEADS]; 2]) -> Tensor<2> {
        Tensor::from_data(values, &Device::flex())
    }

    fn loss_of(logits: [[f32; N_HEADS]; 2]) -> RewardLoss {
        let labels = matrix([[1.0, 0.25, 0.0, 0.0], [0.5, 0.0, 1.0, 0.0]]);
        let mask = matrix([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]]);
        reward_loss(matrix(logits), labels, mask)
    }

    #[test]
    fn loss_by_hand() {
        let loss = loss_of([[0.0, 2.0, -50.0, 9.0], [0.0, 7.0, -50.0, 9.0]]);
        let per_head: Vec<f32> = loss.per_head.try_into_vec_as().unwrap();
        let ln_2 = std::f32::consts::LN_2;
        // -0.25 ln sigmoid(2) - 0.75 ln sigmoid(-2); unknown labels and excluded heads count nothing.
        let second = 0.25 * (1.0 + (-2.0_f32).exp()).ln() + 0.75 * (1.0 + 2.0_f32.exp()).ln();
        for (found, expected) in per_head.iter().zip([ln_2, second, 25.0, 0.0]) {
            assert!((found - expected).abs() < 1e-4, "{per_head:?}");
        }
        let total = loss.total.into_scalar::<f32>();
        assert!((total - per_head.iter().sum::<f32>()).abs() < 1e-4);
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let logits = [[0.3, -1.2, 2.0, 0.4], [-0.7, 0.1, -0.2, 1.5]];
        let leaf = matrix(logits).autodiff().require_grad();
        let labels = matrix([[1.0, 0.25, 0.0, 0.0], [0.5, 0.0, 1.0, 0.0]]);
        let mask = matrix([[1.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]]);
        let grads = reward_loss(leaf.clone(), labels, mask).total.backward();
        let grads: Vec<f32> = leaf.grad(&grads).unwrap().try_into_vec_as().unwrap();
        let step = 1e-2;
        for (idx, grad) in grads.iter().enumerate() {
            let moved = |by: f32| {
                let mut logits = logits;
                logits[idx / N_HEADS][idx % N_HEADS] += by;
                loss_of(logits).total.into_scalar::<f32>()
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (grad - difference).abs() < 1e-3,
                "{idx}: {grad} and {difference}"
            );
        }
    }

    /// Items of two kinds, users who like one of them: the label is the share of the slate that is of that kind.
    /// The second head says the opposite, the third is never known, the fourth is excluded.
    fn planted(n_slates: u64) -> (Vec<LoggedSlate>, Vec<Vec<ItemIdx>>) {
        let of_kind =
            |kind: u32| -> Vec<ItemIdx> { (0..20).map(|idx| ItemIdx(2 * idx + kind)).collect() };
        let mut slates = Vec::new();
        let mut histories = Vec::new();
        for idx in 0..n_slates {
            let mut rng = Seed(17).rng("test.planted", idx);
            let liked = rng.random_range(0..2_u32);
            let n_history = rng.random_range(1..6);
            let history = of_kind(liked)
                .sample(&mut rng, n_history)
                .copied()
                .collect();
            let items: Vec<ItemIdx> = (0..4).map(|_| ItemIdx(rng.random_range(0..40))).collect();
            let n_liked = items.iter().filter(|item| item.0 % 2 == liked).count();
            let label = n_liked as f32 / 4.0;
            histories.push(history);
            slates.push(LoggedSlate {
                user: UserIdx(0),
                first_row: 0,
                items,
                labels: [label, 1.0 - label, f32::NAN, label],
                positives: [0; N_HEADS],
                is_later: false,
            });
        }
        (slates, histories)
    }

    #[test]
    fn planted_preferences_are_learned_and_the_scorer_says_so() {
        let mut rng = Seed(2).rng("test.items", 0);
        let values = (0..40)
            .flat_map(|idx| [if idx % 2 == 0 { 1.0 } else { -1.0 }, 0.0, 0.0])
            .map(|value| value + rng.random_range(-0.5..0.5))
            .collect();
        let embeddings = ItemEmbeddings { values, dim: 3 };
        let config = RewardConfig {
            d_model: 16,
            n_heads: 2,
            d_hidden: 16,
            history_len: 5,
            ..RewardConfig::default()
        };
        let device = Device::flex().autodiff();
        let items = ItemVectors::new(&embeddings, &device);
        let (slates, histories) = planted(1300);
        let (train, test) = slates.split_at(1000);
        let is_trained = [true, true, true, false];

        let weights = [3.0, 1.0, 0.0, 0.0];
        let mut model = config.init(3, Seed(4), &device);
        let mut optimizer = AdamWConfig::new().init();
        for step in 0..120 {
            let mut rng = Seed(4).rng("test.batch", step);
            let idxs: Vec<usize> = (0..64).map(|_| rng.random_range(0..train.len())).collect();
            let batch_slates: Vec<&LoggedSlate> = idxs.iter().map(|idx| &train[*idx]).collect();
            let batch_histories: Vec<Vec<ItemIdx>> =
                idxs.iter().map(|idx| histories[*idx].clone()).collect();
            let batch = RewardBatch::new(&batch_slates, &batch_histories, &items, 5, is_trained);
            let loss = model.loss(batch, weights);
            let grads = GradientsParams::from_grads(loss.total.backward(), &model);
            model = optimizer.step(1e-2, model, grads);
        }

        let scorer = RewardScorer::new(&model, &embeddings, weights);
        let test_slates: Vec<Vec<ItemIdx>> = test.iter().map(|slate| slate.items.clone()).collect();
        let scores = scorer.score(&histories[1000..], &test_slates);
        // Slates with two liked items of four are left out: what remains can be told apart.
        let clear: Vec<usize> = (0..test.len())
            .filter(|idx| (test[*idx].labels[0] - 0.5).abs() > 0.1)
            .collect();
        for head in 0..2 {
            let predicted: Vec<f64> = clear
                .iter()
                .map(|idx| f64::from(scores[*idx].heads[head]))
                .collect();
            let labels: Vec<f64> = clear
                .iter()
                .map(|idx| f64::from(test[*idx].labels[head].round()))
                .collect();
            let area = auc(&predicted, &labels).unwrap();
            assert!(area > 0.8, "head {head}: {area}");
        }

        // The scorer equals the model, and its reward is the weighted mean.
        let model = model.valid();
        let items = ItemVectors::new(&embeddings, &Device::flex());
        let input = RewardInput::new(&histories[1000..1003], &test_slates[..3], &items, 5);
        let probs: Vec<f32> = model.probabilities(input).heads.try_into_vec_as().unwrap();
        for (idx, prob) in probs.iter().enumerate() {
            let score = scores[idx / N_HEADS];
            assert!((score.heads[idx % N_HEADS] - prob).abs() < 1e-5);
            let mean = (3.0 * score.heads[0] + score.heads[1]) / 4.0;
            assert!((score.reward - mean).abs() < 1e-6);
        }
    }

    #[test]
    fn large_sets_are_scored_in_pieces_of_the_same_values() {
        let embeddings = ItemEmbeddings {
            values: (0..80).map(|value| (value as f32 * 0.7).sin()).collect(),
            dim: 2,
        };
        let model = RewardConfig::default().init(2, Seed(1), &Device::flex());
        let scorer = RewardScorer::new(&model, &embeddings, [1.0; 4]);
        let (slates, histories) = planted(600);
        let slates: Vec<Vec<ItemIdx>> = slates.into_iter().map(|slate| slate.items).collect();
        let all = scorer.score(&histories, &slates);
        assert_eq!(all.len(), 600);
        let last = scorer.score(&histories[599..], &slates[599..]);
        assert!((all[599].reward - last[0].reward).abs() < 1e-5);
        let none = RewardScorer::new(&model, &embeddings, [0.0; 4]);
        assert!(none.score(&histories[..1], &slates[..1])[0].reward.abs() < f32::EPSILON);
    }
}
