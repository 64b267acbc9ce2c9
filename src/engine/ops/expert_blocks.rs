//! The experts in burn's own operations: blocks of slots in one batched product.
//!
//! The tokens of each expert are laid out in blocks of equal length, so that all experts are one product whose cost
//! follows the number of tokens, however uneven the load is. Nothing is dropped.

use burn::tensor::activation::silu;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::dtype::{as_in, widen};
use super::expert::ExpertWeights;

/// Longest block. Longer blocks waste more slots, shorter ones copy the experts' weights more often.
const MAX_BLOCK_LEN: usize = 64;
/// Shortest block.
const MIN_BLOCK_LEN: usize = 4;

/// See [`experts`](super::experts).
pub(super) fn experts(
    x: Tensor<2>,
    shares: Tensor<2>,
    chosen: Vec<i64>,
    weights: ExpertWeights,
) -> Tensor<2> {
    let [_, d_model] = x.dims();
    let [_, n_active] = shares.dims();
    let [n_experts, _, _] = weights.gate.dims();
    let device = x.device();
    let layout = Layout::new(&chosen, n_experts, n_active);

    let n_blocks = layout.block_experts.len();
    let blocks = indices(layout.block_experts, &device);
    let input = x
        .clone()
        .select(0, indices(layout.slot_tokens, &device))
        .reshape([n_blocks, layout.block_len, d_model]);
    // Rounded before they are copied.
    let of_blocks = |weights| of_blocks(as_in(weights, &x), &blocks);
    let gate = silu(input.clone().matmul(of_blocks(weights.gate)));
    let up = input.matmul(of_blocks(weights.up));
    let output = (gate * up)
        .matmul(of_blocks(weights.down))
        .reshape([n_blocks * layout.block_len, d_model]);

    let mut sum: Option<Tensor<2>> = None;
    for (choice_idx, slots) in layout.slots.into_iter().enumerate() {
        let share = shares.clone().slice_dim(1, choice_idx..choice_idx + 1);
        let term = widen(output.clone().select(0, indices(slots, &device))) * share;
        sum = Some(match sum {
            Some(sum) => sum + term,
            None => term,
        });
    }
    as_in(sum.expect("at least one expert is active"), &x)
}

/// The weights of each block's expert, `[n_blocks, d_input, d_output]`.
fn of_blocks(weights: Tensor<3>, blocks: &Tensor<1, Int>) -> Tensor<3> {
    let [n_experts, d_input, d_output] = weights.dims();
    let [n_blocks] = blocks.dims();
    weights
        .reshape([n_experts, d_input * d_output])
        .select(0, blocks.clone())
        .reshape([n_blocks, d_input, d_output])
}

/// An index tensor.
fn indices(values: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let n_values = values.len();
    Tensor::from_data(TensorData::new(values, [n_values]), device)
}

/// Where the choices of one batch of tokens are computed.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    /// The slot of each choice, `[n_active][n_tokens]`.
    slots: Vec<Vec<i64>>,
    /// The token in each slot, `[n_blocks * block_len]`; token 0 in slots that nothing reads.
    slot_tokens: Vec<i64>,
    /// The expert of each block, ascending.
    block_experts: Vec<i64>,
    /// Slots per block.
    block_len: usize,
}

impl Layout {
    /// # Shapes
    /// - chosen: `[n_tokens * n_active]`
    fn new(chosen: &[i64], n_experts: usize, n_active: usize) -> Self {
        let n_tokens = chosen.len() / n_active;
        let mut load = vec![0; n_experts];
        for expert in chosen {
            load[*expert as usize] += 1;
        }
        let mean_load = (n_tokens * n_active).div_ceil(n_experts);
        let block_len = mean_load
            .next_power_of_two()
            .clamp(MIN_BLOCK_LEN, MAX_BLOCK_LEN);
        let mut block_experts = Vec::new();
        let mut next_slot = vec![0; n_experts];
        for (expert_idx, n_slots) in load.iter().enumerate() {
            next_slot[expert_idx] = block_experts.len() * block_len;
            let n_blocks = usize::div_ceil(*n_slots, block_len);
            block_experts.extend(std::iter::repeat_n(expert_idx as i64, n_blocks));
        }

        let mut slot_tokens = vec![0; block_experts.len() * block_len];
        let mut slots = vec![Vec::with_capacity(n_tokens); n_active];
        for (choice_idx, expert) in chosen.iter().enumerate() {
            let slot = &mut next_slot[*expert as usize];
            slot_tokens[*slot] = (choice_idx / n_active) as i64;
            slots[choice_idx % n_active].push(*slot as i64);
            *slot += 1;
        }
        Self {
            slots,
            slot_tokens,
            block_experts,
            block_len,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_choice_has_a_slot_of_its_own_at_its_expert(
            tokens in prop::collection::vec((0_i64..5, 1_i64..5), 1..90),
        ) {
            let chosen: Vec<i64> = tokens
                .iter()
                .flat_map(|(first, step)| [*first, (first + step) % 5])
                .collect();
            let layout = Layout::new(&chosen, 5, 2);
            let mut used = vec![false; layout.slot_tokens.len()];
            for (choice, expert) in chosen.iter().enumerate() {
                let slot = layout.slots[choice % 2][choice / 2] as usize;
                prop_assert!(!used[slot], "slot {} twice", slot);
                used[slot] = true;
                prop_assert_eq!(layout.slot_tokens[slot], choice as i64 / 2);
                prop_assert_eq!(layout.block_experts[slot / layout.block_len], *expert);
            }
            // Less than one block per expert is wasted.
            let n_empty = used.iter().filter(|used| !**used).count();
            prop_assert!(n_empty < 5 * layout.block_len);
        }
    }
}
