//! Histories and slates as tensors, and the loss on logged slates. [A 3.3.1 eq 7]

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::session::{N_HEADS, RewardInput};
use crate::engine::data::ItemIdx;
use crate::engine::data::logged_slate::LoggedSlate;
use crate::engine::embedding::ItemEmbeddings;

/// The frozen item vectors on a device, `[n_items, d_embed]`.
#[derive(Clone, Debug)]
pub struct ItemVectors(Tensor<2>);

impl ItemVectors {
    /// Copies the vectors to a device.
    pub fn new(embeddings: &ItemEmbeddings, device: &Device) -> Self {
        let shape = [embeddings.n_items(), embeddings.dim];
        let data = TensorData::new(embeddings.values.clone(), shape);
        Self(Tensor::from_data(data, device))
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
