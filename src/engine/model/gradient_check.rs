//! Gradients against finite differences, for tests.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::seed::Seed;

/// Compares the gradient of each trained parameter with central differences, along itself and along random directions.
/// The first finds wrong values, the second finds paths that carry no gradient at all.
pub(crate) fn check_gradients<M: Module>(model: M, loss: impl Fn(&M) -> Tensor<1>) {
    let mut gradients = CollectGradients {
        gradients: loss(&model).backward(),
        found: Vec::new(),
    };
    model.visit(&mut gradients);
    assert!(!gradients.found.is_empty(), "no parameters");
    for (param_idx, gradient) in gradients.found.iter().enumerate() {
        let norm = length(gradient);
        assert!(norm > 0.0, "parameter {param_idx} has no gradient");
        let mut rng = Seed(5).rng("test.direction", param_idx as u64);
        let along = gradient.iter().map(|g| g / norm).collect();
        let random = unit(
            gradient
                .iter()
                .map(|_| rng.random_range(-1.0..1.0))
                .collect(),
        );
        for direction in [along, random] {
            let slope: f32 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let step = 3e-3;
            let at = |scale: f32| -> f64 {
                let mut nudge = Nudge {
                    param_idx,
                    offset: direction.iter().map(|d| d * scale).collect(),
                    n_seen: 0,
                };
                let value: f32 = loss(&model.clone().map(&mut nudge)).into_scalar();
                f64::from(value)
            };
            let measured = (at(step) - at(-step)) / f64::from(2.0 * step);
            let error = (measured - f64::from(slope)).abs();
            assert!(
                error < f64::from(0.01 * norm) + 1e-3,
                "parameter {param_idx}: slope {slope}, measured {measured}, gradient length {norm}"
            );
        }
    }
}

fn length(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>().sqrt()
}

fn unit(x: Vec<f32>) -> Vec<f32> {
    let length = length(&x);
    x.into_iter().map(|x| x / length).collect()
}

/// Reads the gradient of every parameter in order.
struct CollectGradients {
    gradients: Gradients,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for CollectGradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.val().is_require_grad() {
            return;
        }
        let gradient = param.val().grad(&self.gradients).unwrap();
        self.found.push(gradient.try_into_vec_as().unwrap());
    }
}

/// Adds an offset to one parameter.
struct Nudge {
    param_idx: usize,
    offset: Vec<f32>,
    n_seen: usize,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        self.n_seen += 1;
        if self.n_seen - 1 != self.param_idx {
            return param;
        }
        let offset = TensorData::new(self.offset.clone(), param.dims());
        param.map(|x| {
            let offset = Tensor::from_data(offset, &x.device());
            (x + offset).detach().require_grad()
        })
    }
}
