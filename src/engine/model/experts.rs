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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    const D_MODEL: usize = 6;
    const N_EXPERTS: usize = 5;

    fn layer(n_active: usize, device: &Device) -> MixtureOfExperts {
        let mut init = Initializer::new(Seed(1), device);
        MixtureOfExperts::init(D_MODEL, 7, N_EXPERTS, n_active, &mut init)
    }

    /// Every expert on every token, times the gate where it is among the `n_active` largest.
    fn reference(layer: &MixtureOfExperts, x: &Tensor<2>) -> Vec<f32> {
        let [n_rows, _] = x.dims();
        let shares = softmax(x.clone().matmul(layer.router.val()), 1);
        let shares: Vec<f32> = shares.try_into_vec_as().unwrap();
        let mut sum = vec![0.0; n_rows * D_MODEL];
        for expert_idx in 0..N_EXPERTS {
            let weight = |weights: &Param<Tensor<3>>| -> Tensor<2> {
                weights.val().select_dim(0, expert_idx)
            };
            let gate = silu(x.clone().matmul(weight(&layer.gate)));
            let up = x.clone().matmul(weight(&layer.up));
            let output: Vec<f32> = (gate * up)
                .matmul(weight(&layer.down))
                .try_into_vec_as()
                .unwrap();
            for row in 0..n_rows {
                let shares = &shares[row * N_EXPERTS..(row + 1) * N_EXPERTS];
                let share = shares[expert_idx];
                if shares.iter().filter(|other| **other > share).count() < layer.n_active {
                    for column in 0..D_MODEL {
                        sum[row * D_MODEL + column] += share * output[row * D_MODEL + column];
                    }
                }
            }
        }
        sum
    }

    #[test]
    fn equals_the_dense_sum_with_the_gate_as_it_is() {
        let device = Device::flex();
        for n_active in [1, 2, N_EXPERTS] {
            let layer = layer(n_active, &device);
            for n_rows in [1, 9, 70] {
                let x = Initializer::new(Seed(2), &device)
                    .uniform([n_rows, D_MODEL], 2.0)
                    .val();
                let expected = reference(&layer, &x);
                let output: Vec<f32> = layer.forward(x).try_into_vec_as().unwrap();
                for (a, b) in output.iter().zip(&expected) {
                    assert!((a - b).abs() < 1e-5, "{n_active} active, {n_rows} rows");
                }
            }
        }
    }

    /// Central differences of the sum of squares, per element of the router and of one expert matrix.
    #[test]
    fn gradients_reach_the_router_and_the_chosen_experts() {
        let device = Device::flex().autodiff();
        let mut layer = layer(2, &device);
        let x = Initializer::new(Seed(2), &device)
            .uniform([2, D_MODEL], 2.0)
            .val();
        let loss = |layer: &MixtureOfExperts| layer.forward(x.clone()).square().sum();
        let grads = loss(&layer).backward();
        let router: Vec<f32> = layer
            .router
            .val()
            .grad(&grads)
            .unwrap()
            .try_into_vec_as()
            .unwrap();
        let down: Vec<f32> = layer
            .down
            .val()
            .grad(&grads)
            .unwrap()
            .try_into_vec_as()
            .unwrap();
        assert!(router.iter().any(|g| g.abs() > 0.1), "{router:?}");
        assert!(
            down.contains(&0.0),
            "an expert that no token chose has no gradient"
        );

        let step = 2e-3;
        for (element_idx, gradient) in router.iter().enumerate() {
            let original = layer.router.clone();
            let mut at = |offset: f32| -> f32 {
                layer.router = original.clone().map(|x| shifted(x, element_idx, offset));
                loss(&layer).into_scalar()
            };
            let measured = (at(step) - at(-step)) / (2.0 * step);
            layer.router = original;
            assert_near(measured, *gradient);
        }
        for (element_idx, gradient) in down.iter().enumerate() {
            let original = layer.down.clone();
            let mut at = |offset: f32| -> f32 {
                layer.down = original.clone().map(|x| shifted(x, element_idx, offset));
                loss(&layer).into_scalar()
            };
            let measured = (at(step) - at(-step)) / (2.0 * step);
            layer.down = original;
            assert_near(measured, *gradient);
        }
    }

    /// `x` with `offset` added to one element.
    fn shifted<const D: usize>(x: Tensor<D>, element_idx: usize, offset: f32) -> Tensor<D> {
        let shape = x.dims();
        let mut values = vec![0.0; shape.iter().product()];
        values[element_idx] = offset;
        let device = x.device();
        (x + Tensor::from_data(TensorData::new(values, shape), &device))
            .detach()
            .require_grad()
    }

    fn assert_near(measured: f32, gradient: f32) {
        let error = (measured - gradient).abs();
        assert!(
            error < 0.01 * gradient.abs() + 0.01,
            "measured {measured}, gradient {gradient}"
        );
    }
}
