//! Mixture of experts: softmax gate, top k, no renormalisation. [A eq. 2]
//!
//! The residual connection stands outside. There is no load balancing: the paper names none.

use burn::module::{Module, Param};
use burn::tensor::activation::{silu, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::init::{Initializer, fan_in_std};
use super::routing::Routing;

/// Many gated feed-forward layers of which each token uses a few.
#[derive(Module, Debug)]
pub struct MixtureOfExperts {
    /// One centroid per expert, `[d_model, n_experts]`.
    pub router: Param<Tensor<2>>,
    /// `[n_experts, d_model, d_ff]`.
    pub gate: Param<Tensor<3>>,
    /// `[n_experts, d_model, d_ff]`.
    pub up: Param<Tensor<3>>,
    /// `[n_experts, d_ff, d_model]`.
    pub down: Param<Tensor<3>>,
    n_active: usize,
}

impl MixtureOfExperts {
    pub(super) fn init(
        d_model: usize,
        d_ff: usize,
        n_experts: usize,
        n_active: usize,
        init: &mut Initializer<'_>,
    ) -> Self {
        assert!(
            (1..=n_experts).contains(&n_active),
            "{n_active} active experts of {n_experts}"
        );
        let std = fan_in_std(d_model);
        Self {
            router: init.uniform([d_model, n_experts], std),
            gate: init.uniform([n_experts, d_model, d_ff], std),
            up: init.uniform([n_experts, d_model, d_ff], std),
            down: init.uniform([n_experts, d_ff, d_model], fan_in_std(d_ff)),
            n_active,
        }
    }

    /// Sum of the chosen experts' outputs, each times its share of the softmax over all experts.
    ///
    /// # Shapes
    /// - x: `[rows, d_model]`
    /// - output: `[rows, d_model]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [n_rows, d_model] = x.dims();
        let [n_experts, _, _] = self.gate.dims();
        let device = x.device();

        let shares = softmax(x.clone().matmul(self.router.val()), 1);
        let host_shares = shares
            .clone()
            .detach()
            .try_into_vec_as::<f32>()
            .expect("a float tensor reads back as f32");
        let routing = Routing::new(&host_shares, n_experts, self.n_active);

        let n_blocks = routing.block_experts.len();
        let blocks = indices(routing.block_experts, &device);
        let input = x.select(0, indices(routing.slot_tokens, &device)).reshape([
            n_blocks,
            routing.block_len,
            d_model,
        ]);
        let gate = silu(input.clone().matmul(of_blocks(&self.gate, &blocks)));
        let up = input.matmul(of_blocks(&self.up, &blocks));
        let output = (gate * up)
            .matmul(of_blocks(&self.down, &blocks))
            .reshape([n_blocks * routing.block_len, d_model]);

        let experts = Tensor::from_data(
            TensorData::new(routing.experts, [n_rows, self.n_active]),
            &device,
        );
        let shares = shares.gather(1, experts);
        let mut sum: Option<Tensor<2>> = None;
        for (choice_idx, slots) in routing.slots.into_iter().enumerate() {
            let share = shares.clone().slice_dim(1, choice_idx..choice_idx + 1);
            let term = output.clone().select(0, indices(slots, &device)) * share;
            sum = Some(match sum {
                Some(sum) => sum + term,
                None => term,
            });
        }
        sum.expect("at least one expert is active")
    }
}

/// The weights of each block's expert, `[n_blocks, d_input, d_output]`.
fn of_blocks(weights: &Param<Tensor<3>>, blocks: &Tensor<1, Int>) -> Tensor<3> {
    let [n_experts, d_input, d_output] = weights.dims();
    let [n_blocks] = blocks.dims();
    // As a matrix, because the CPU backend then copies and adds whole rows.
    weights
        .val()
        .reshape([n_experts, d_input * d_output])
        .select(0, blocks.clone())
        .reshape([n_blocks, d_input, d_output])
}

/// An index tensor.
fn indices(values: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let n_values = values.len();
    Tensor::from_data(TensorData::new(values, [n_values]), device)
}
