//! Mixture of experts: a gate over scores, the top k of them, loss-free balancing. [A eq. 2; B 2.3]
//!
//! With the default settings the gate is A's: the softmax shares of the chosen experts, not renormalised. Scores,
//! renormalisation and shared experts of later papers are settings. The residual connection stands outside.
//!
//! Balancing (Wang et al., 2024; B names it, A does not): a bias per expert is added to the scores when the top k are
//! chosen, and only then. After each step it rises where an expert had less than the mean load and falls where it had
//! more. The bias is state, not a weight: no gradient reaches it and the optimiser does not know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Tensor, TensorData};

use super::config::{ExpertScore, ModelConfig};
use super::feed_forward::SwiGlu;
use super::init::{Initializer, fan_in_std};
use super::routing::Routing;
use crate::engine::ops::{self, ExpertWeights};

/// Added to the sum that a renormalised gate is divided by.
const GATE_EPSILON: f64 = 1e-20;

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
    /// Added to the scores when experts are chosen, `[n_experts]`; absent without balancing.
    pub balance: Option<Param<Tensor<1>>>,
    /// What every token uses besides; as wide as all shared experts together, which is their sum.
    shared: Option<SwiGlu>,
    n_active: usize,
    renormalise: bool,
    #[module(skip)]
    score: ExpertScore,
    /// Choices per expert since [`Self::take_load`], counted where gradients are recorded. The clones of a layer share
    /// it, so that batches that are computed in parts add up.
    #[module(skip)]
    load: Arc<[AtomicU64]>,
}

impl MixtureOfExperts {
    pub(super) fn init(config: &ModelConfig, init: &mut Initializer<'_>) -> Self {
        let (n_experts, n_active) = (config.n_experts, config.n_active_experts);
        assert!(
            (1..=n_experts).contains(&n_active),
            "{n_active} active experts of {n_experts}"
        );
        let (d_model, d_ff) = (config.d_model, config.d_ff_expert);
        let std = fan_in_std(d_model);
        Self {
            router: init.uniform([d_model, n_experts], std),
            gate: init.uniform([n_experts, d_model, d_ff], std),
            up: init.uniform([n_experts, d_model, d_ff], std),
            down: init.uniform([n_experts, d_ff, d_model], fan_in_std(d_ff)),
            balance: (config.balance_rate > 0.0)
                .then(|| init.zeros([n_experts]).set_require_grad(false)),
            shared: (config.n_shared_experts > 0)
                .then(|| SwiGlu::init(d_model, config.n_shared_experts * d_ff, init)),
            n_active,
            renormalise: config.renormalise_gate,
            score: config.expert_score,
            load: (0..n_experts).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Sum of the chosen experts' outputs, each times its gate, and of the shared experts' outputs.
    ///
    /// # Shapes
    /// - x: `[rows, d_model]`
    /// - output: `[rows, d_model]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [n_rows, _] = x.dims();
        let [n_experts, _, _] = self.gate.dims();
        let device = x.device();

        let scores = ops::linear([ops::widen(x.clone()), self.router.val()]);
        let scores = match self.score {
            ExpertScore::Softmax => softmax(scores, 1),
            ExpertScore::Sigmoid => sigmoid(scores),
        };
        let ranking = match &self.balance {
            Some(bias) => scores.clone().detach() + bias.val().detach().unsqueeze(),
            None => scores.clone().detach(),
        };
        let ranking = ranking
            .try_into_vec_as::<f32>()
            .expect("a float tensor reads back as f32");
        let routing = Routing::new(&ranking, n_experts, self.n_active);
        if device.is_autodiff() {
            for (count, n_new) in self.load.iter().zip(&routing.load) {
                count.fetch_add(*n_new as u64, Ordering::Relaxed);
            }
        }
        let experts = Tensor::from_data(
            TensorData::new(routing.experts.clone(), [n_rows, self.n_active]),
            &device,
        );
        let mut gates = scores.gather(1, experts);
        if self.renormalise {
            gates = gates.clone() / (gates.sum_dim(1) + GATE_EPSILON);
        }
        let weights = ExpertWeights {
            gate: self.gate.val(),
            up: self.up.val(),
            down: self.down.val(),
        };
        let chosen = ops::experts(x.clone(), gates, routing.experts, weights);
        match &self.shared {
            Some(shared) => chosen + shared.forward(x),
            None => chosen,
        }
    }

    /// Choices per expert since the last call, over all passes that recorded gradients. They sum to tokens times active
    /// experts: nothing is dropped.
    pub fn take_load(&self) -> Vec<u64> {
        let counts = self.load.iter();
        counts
            .map(|count| count.swap(0, Ordering::Relaxed))
            .collect()
    }

    /// Moves every bias by `rate`: up where the load is below the mean, down where it is above. [B 2.3]
    pub fn balance(&mut self, load: &[u64], rate: f64) {
        let total: u64 = load.iter().sum();
        let n_experts = load.len() as u64;
        let moves: Vec<f32> = load
            .iter()
            .map(|n| rate as f32 * f32::from(total.cmp(&(n * n_experts)) as i8))
            .collect();
        self.balance = self.balance.take().map(|bias| {
            bias.map(|bias| {
                let moves = Tensor::<1>::from_floats(moves.as_slice(), &bias.device());
                (bias + moves).detach()
            })
        });
    }

    /// The biases, read back; empty without balancing.
    pub fn biases(&self) -> Vec<f32> {
        self.balance.as_ref().map_or_else(Vec::new, |bias| {
            let bias = bias.val().detach();
            bias.try_into_vec_as()
                .expect("a float tensor reads back as f32")
        })
    }

    /// Number of biases: values that are saved but not trained.
    pub fn n_biases(&self) -> usize {
        self.balance.as_ref().map_or(0, |bias| bias.dims()[0])
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn::tensor::activation::silu;

    use super::*;
    use crate::engine::seed::Seed;

    const D_MODEL: usize = 6;
    const N_EXPERTS: usize = 5;

    fn config(n_active_experts: usize) -> ModelConfig {
        ModelConfig {
            d_model: D_MODEL,
            d_ff_expert: 7,
            n_experts: N_EXPERTS,
            n_active_experts,
            ..ModelConfig::default()
        }
    }

    fn layer(config: &ModelConfig, device: &Device) -> MixtureOfExperts {
        MixtureOfExperts::init(config, &mut Initializer::new(Seed(1), device))
    }

    fn tokens(n_rows: usize, device: &Device) -> Tensor<2> {
        let mut init = Initializer::new(Seed(2), device);
        init.uniform([n_rows, D_MODEL], 2.0).val()
    }

    /// Every expert on every token, times the gate where its score plus bias is among the `n_active` largest.
    fn reference(layer: &MixtureOfExperts, x: &Tensor<2>, biases: &[f32]) -> Vec<f32> {
        let [n_rows, _] = x.dims();
        let scores: Vec<f32> = x
            .clone()
            .matmul(layer.router.val())
            .try_into_vec_as()
            .unwrap();
        let mut sum = match &layer.shared {
            Some(shared) => shared.forward(x.clone()).try_into_vec_as().unwrap(),
            None => vec![0.0; n_rows * D_MODEL],
        };
        let mut gates = vec![0.0; n_rows * N_EXPERTS];
        for (scores, gates) in scores.chunks(N_EXPERTS).zip(gates.chunks_mut(N_EXPERTS)) {
            let exps: f32 = scores.iter().map(|score| score.exp()).sum();
            let scores: Vec<f32> = scores
                .iter()
                .map(|score| match layer.score {
                    ExpertScore::Softmax => score.exp() / exps,
                    ExpertScore::Sigmoid => 1.0 / (1.0 + (-score).exp()),
                })
                .collect();
            let rank = |idx: usize| scores[idx] + biases[idx];
            for idx in 0..N_EXPERTS {
                let n_better = (0..N_EXPERTS)
                    .filter(|other| rank(*other) > rank(idx))
                    .count();
                if n_better < layer.n_active {
                    gates[idx] = scores[idx];
                }
            }
            let chosen: f32 = gates.iter().sum();
            if layer.renormalise {
                gates.iter_mut().for_each(|gate| *gate /= chosen);
            }
        }
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
                let gate = gates[row * N_EXPERTS + expert_idx];
                for column in 0..D_MODEL {
                    sum[row * D_MODEL + column] += gate * output[row * D_MODEL + column];
                }
            }
        }
        sum
    }

    #[test]
    fn equals_the_dense_sum_of_the_chosen_and_the_shared_experts() {
        let device = Device::flex();
        let biases = [0.0, 0.3, -0.2, 0.15, 0.05];
        for (expert_score, renormalise_gate, n_shared_experts) in [
            (ExpertScore::Softmax, false, 0),
            (ExpertScore::Softmax, true, 1),
            (ExpertScore::Sigmoid, true, 2),
            (ExpertScore::Sigmoid, false, 0),
        ] {
            for n_active in [1, 2, N_EXPERTS] {
                let config = ModelConfig {
                    expert_score,
                    renormalise_gate,
                    n_shared_experts,
                    ..config(n_active)
                };
                let mut layer = layer(&config, &device);
                for n_rows in [1, 9, 70] {
                    let x = tokens(n_rows, &device);
                    for biases in [[0.0; N_EXPERTS], biases] {
                        layer.balance = Some(Param::from_data(
                            TensorData::new(biases.to_vec(), [N_EXPERTS]),
                            &device,
                        ));
                        let expected = reference(&layer, &x, &biases);
                        let output: Vec<f32> = layer.forward(x.clone()).try_into_vec_as().unwrap();
                        for (a, b) in output.iter().zip(&expected) {
                            assert!((a - b).abs() < 1e-5, "{config:?}, {n_rows} rows: {a}, {b}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_shared_expert_adds_its_output_to_the_routed_sum() {
        let device = Device::flex();
        let config = ModelConfig {
            n_shared_experts: 1,
            ..config(2)
        };
        let mut layer = layer(&config, &device);
        let x = tokens(11, &device);
        let both = layer.forward(x.clone());
        let shared = layer.shared.take().unwrap().forward(x.clone());
        let difference = both - layer.forward(x) - shared;
        let largest: f32 = difference.abs().max().into_scalar();
        assert!(largest < 1e-5, "{largest}");
    }

    #[test]
    fn biases_follow_the_sign_of_the_missing_load() {
        let mut layer = layer(&config(2), &Device::flex());
        layer.balance(&[4, 0, 2, 3, 1], 0.5);
        layer.balance(&[4, 2, 2, 1, 1], 0.25);
        assert_eq!(layer.biases(), [-0.75, 0.5, 0.0, -0.25, 0.75]);
    }

    #[test]
    fn a_skewed_router_becomes_even_and_nothing_is_dropped() {
        let device = Device::flex().autodiff();
        let mut layer = layer(&config(2), &device);
        // Every token has a large first element, which the router gives to the first expert.
        let mut init = Initializer::new(Seed(3), &device);
        let n_rows = 400;
        let x = init.uniform([n_rows, D_MODEL], 0.5).val();
        let x = x.slice_assign([0..n_rows, 0..1], Tensor::ones([n_rows, 1], &device));
        layer.router = layer.router.map(|router| {
            let first = Tensor::from_floats([[3.0, 0.0, 0.0, 0.0, -1.0]], &router.device());
            router.slice_assign([0..1, 0..N_EXPERTS], first)
        });
        let passes = |layer: &mut MixtureOfExperts, n_passes: usize| {
            let mut load = Vec::new();
            for _ in 0..n_passes {
                layer.forward(x.clone());
                load = layer.take_load();
                assert_eq!(
                    load.iter().sum::<u64>(),
                    2 * n_rows as u64,
                    "choices of a pass"
                );
                layer.balance(&load, 0.002);
            }
            *load.iter().max().unwrap() as f64 * N_EXPERTS as f64 / (2 * n_rows) as f64
        };
        let before = passes(&mut layer, 1);
        let after = passes(&mut layer, 800);
        assert!(before > 2.0, "the router is not skewed: {before}");
        assert!(after < 1.3, "max over mean {after}");

        let mut unbalanced = layer.clone();
        unbalanced.balance = None;
        assert!(
            passes(&mut unbalanced, 2) > 2.0,
            "the bias alone evens the load"
        );
    }

    #[test]
    fn no_gradient_reaches_the_biases_and_inference_counts_no_load() {
        let device = Device::flex().autodiff();
        let layer = layer(&config(2), &device);
        let bias = layer.balance.as_ref().unwrap().val();
        assert!(!bias.is_require_grad());
        let grads = layer.forward(tokens(9, &device)).square().sum().backward();
        assert!(bias.grad(&grads).is_none());
        assert!(layer.router.val().grad(&grads).is_some());
        assert_eq!(layer.take_load().iter().sum::<u64>(), 18);

        layer.valid().forward(tokens(9, &Device::flex()));
        assert_eq!(layer.take_load(), [0; N_EXPERTS]);
    }

    /// Central differences of the sum of squares, per element of the router and of one expert matrix.
    #[test]
    fn gradients_reach_the_router_and_the_chosen_experts() {
        let device = Device::flex().autodiff();
        let mut layer = layer(&config(2), &device);
        let x = tokens(2, &device);
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
