//! Which token goes to which expert, planned on the host.
//!
//! The tokens of each expert are laid out in blocks of equal length, so that all experts are one batched product
//! whose cost follows the number of tokens, however uneven the load is. Nothing is dropped.

/// Longest block. Longer blocks waste more slots, shorter ones copy the experts' weights more often.
const MAX_BLOCK_LEN: usize = 64;
/// Shortest block.
const MIN_BLOCK_LEN: usize = 4;

/// The plan for one batch of tokens. All indices are `i64`, the CPU backend's own index type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Routing {
    /// The chosen experts of each token, best first, `[n_tokens * n_active]`.
    pub(super) experts: Vec<i64>,
    /// The slot where each choice is computed, `[n_active][n_tokens]`.
    pub(super) slots: Vec<Vec<i64>>,
    /// The token in each slot, `[n_blocks * block_len]`; token 0 in slots that nothing reads.
    pub(super) slot_tokens: Vec<i64>,
    /// The expert of each block, ascending.
    pub(super) block_experts: Vec<i64>,
    /// Slots per block.
    pub(super) block_len: usize,
    /// Choices per expert; they sum to `n_tokens * n_active`.
    pub(super) load: Vec<usize>,
}

impl Routing {
    /// Sends each token to its `n_active` best experts; ties go to the lower index.
    ///
    /// # Shapes
    /// - scores: `[n_tokens * n_experts]`
    pub(super) fn new(scores: &[f32], n_experts: usize, n_active: usize) -> Self {
        let n_tokens = scores.len() / n_experts;
        let mut experts = Vec::with_capacity(n_tokens * n_active);
        let mut load = vec![0; n_experts];
        for row in scores.chunks_exact(n_experts) {
            let start = experts.len();
            for _ in 0..n_active {
                let best = best_except(row, &experts[start..]);
                experts.push(best as i64);
                load[best] += 1;
            }
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
        for (choice_idx, expert) in experts.iter().enumerate() {
            let slot = &mut next_slot[*expert as usize];
            slot_tokens[*slot] = (choice_idx / n_active) as i64;
            slots[choice_idx % n_active].push(*slot as i64);
            *slot += 1;
        }
        Self {
            experts,
            slots,
            slot_tokens,
            block_experts,
            block_len,
            load,
        }
    }
}

/// Index of the largest score that is not among `taken`.
fn best_except(row: &[f32], taken: &[i64]) -> usize {
    let mut best: Option<(usize, f32)> = None;
    for (idx, score) in row.iter().enumerate() {
        if taken.contains(&(idx as i64)) {
            continue;
        }
        if best.is_none_or(|(_, largest)| *score > largest) {
            best = Some((idx, *score));
        }
    }
    best.map_or(0, |(idx, _)| idx)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn best_experts_first_and_ties_to_the_lower_index() {
        let scores = [0.1, 0.6, 0.3, /**/ 0.4, 0.2, 0.4];
        assert_eq!(Routing::new(&scores, 3, 2).experts, [1, 2, 0, 2]);
    }

    proptest! {
        #[test]
        fn every_choice_has_a_slot_of_its_own_at_its_expert(
            rows in prop::collection::vec(prop::array::uniform5(0.0_f32..1.0), 1..90),
            n_active in 1_usize..=5,
        ) {
            let routing = Routing::new(&rows.concat(), 5, n_active);
            let mut used = vec![false; routing.slot_tokens.len()];
            for token in 0..rows.len() {
                for choice in 0..n_active {
                    let slot = routing.slots[choice][token] as usize;
                    prop_assert!(!used[slot], "slot {} twice", slot);
                    used[slot] = true;
                    prop_assert_eq!(routing.slot_tokens[slot], token as i64);
                    let expert = routing.experts[token * n_active + choice];
                    prop_assert_eq!(routing.block_experts[slot / routing.block_len], expert);
                }
            }
            prop_assert_eq!(routing.load.iter().sum::<usize>(), rows.len() * n_active);
            // Less than one block per expert is wasted.
            let n_empty = used.iter().filter(|used| !**used).count();
            prop_assert!(n_empty < 5 * routing.block_len);
        }
    }
}
