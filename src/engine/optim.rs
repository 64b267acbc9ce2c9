//! AdamW with clipping by the norm of the whole gradient.
//!
//! burn's own optimiser clips each tensor by itself and restores its state on the default device, which on a
//! machine with a display-only GPU is one that cannot compute; ours keeps the moments where the weights are.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::engine::ops::{self, AdamWStep};

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019). Matrices decay, vectors (norm scales) do not.
pub struct AdamW {
    weight_decay: f64,
    max_grad_norm: f64,
    /// Embedding tables, and their learning rate as a multiple of that of all other weights.
    tables: (Vec<ParamId>, f64),
    /// What the gradients that it is given were multiplied by.
    loss_scale: f64,
    step: u64,
    first: GradientsParams,
    second: GradientsParams,
}

const BETAS: [f64; 2] = [0.9, 0.95];
const EPSILON: f64 = 1e-8;

impl AdamW {
    /// A fresh optimiser. `max_grad_norm` 0 switches clipping off.
    pub fn new(weight_decay: f64, max_grad_norm: f64) -> Self {
        Self {
            weight_decay,
            max_grad_norm,
            tables: (Vec::new(), 1.0),
            loss_scale: 1.0,
            step: 0,
            first: GradientsParams::new(),
            second: GradientsParams::new(),
        }
    }

    /// The same optimiser with `lr_factor` times the learning rate for these parameters. [B 3.3: sparse and dense rates]
    #[must_use]
    pub fn with_tables(self, tables: Vec<ParamId>, lr_factor: f64) -> Self {
        Self {
            tables: (tables, lr_factor),
            ..self
        }
    }

    /// The same optimiser for gradients of a loss that was multiplied by `loss_scale`, which it takes back.
    #[must_use]
    pub fn with_loss_scale(self, loss_scale: f64) -> Self {
        Self { loss_scale, ..self }
    }

    /// One step. Returns the updated module and the gradient's norm before clipping, `[1]`, not yet read back.
    pub fn step<M: Module>(
        &mut self,
        lr: f64,
        module: M,
        mut grads: GradientsParams,
    ) -> (M, Option<Tensor<1>>) {
        self.step += 1;
        let mut norm = SquaredNorm {
            grads: &grads,
            total: None,
        };
        module.visit(&mut norm);
        let unscale = self.loss_scale.recip();
        let norm = norm.total.map(|total| total.sqrt().mul_scalar(unscale));
        let scale = norm
            .clone()
            .filter(|_| self.max_grad_norm > 0.0 || self.loss_scale > 1.0)
            .map(|norm| {
                let clip = if self.max_grad_norm > 0.0 {
                    (norm + 1e-6)
                        .recip()
                        .mul_scalar(self.max_grad_norm)
                        .clamp_max(1.0)
                } else {
                    norm.ones_like()
                };
                clip.mul_scalar(unscale)
            });
        let n_steps = self.step as i32;
        let step = AdamWStep {
            lr,
            decay: 0.0,
            betas: BETAS,
            corrections: BETAS.map(|beta| 1.0 - beta.powi(n_steps)),
            epsilon: EPSILON,
            scale,
        };
        let module = module.map(&mut Update {
            step: &step,
            weight_decay: self.weight_decay,
            tables: &self.tables,
            grads: &mut grads,
            first: &mut self.first,
            second: &mut self.second,
        });
        ops::end_step();
        (module, norm)
    }

    /// The two moments in the shape of `module`, for saving.
    pub fn moments_as<M: Module>(&self, module: &M) -> (M, M) {
        let fill = |moments: &GradientsParams| module.valid().map(&mut Fill { moments });
        (fill(&self.first), fill(&self.second))
    }

    /// Takes up moments saved after `step` steps. The modules must come from clones of the trained one, so that
    /// their parameters carry the same identities.
    pub fn set_moments<M: Module>(&mut self, first: &M, second: &M, step: u64) {
        self.step = step;
        for (module, moments) in [(first, &mut self.first), (second, &mut self.second)] {
            *moments = GradientsParams::new();
            module.visit(&mut Collect { moments });
        }
    }
}

struct SquaredNorm<'a> {
    grads: &'a GradientsParams,
    total: Option<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(grad) = self.grads.get::<D>(param.id) {
            let squared = ops::squared_norm(grad);
            self.total = Some(match self.total.take() {
                Some(total) => total + squared,
                None => squared,
            });
        }
    }
}

struct Update<'a> {
    /// That of a vector with the common learning rate.
    step: &'a AdamWStep,
    weight_decay: f64,
    tables: &'a (Vec<ParamId>, f64),
    grads: &'a mut GradientsParams,
    first: &'a mut GradientsParams,
    second: &'a mut GradientsParams,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(grad) = self.grads.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let tracked = tensor.is_require_grad();
        let (tables, factor) = self.tables;
        let lr = if tables.contains(&id) {
            self.step.lr * factor
        } else {
            self.step.lr
        };
        let step = AdamWStep {
            lr,
            decay: if D > 1 { lr * self.weight_decay } else { 0.0 },
            ..self.step.clone()
        };
        let moments = self
            .first
            .remove::<D>(id)
            .zip(self.second.remove::<D>(id))
            .map(|(first, second)| [first, second]);
        let (weights, [first, second]) = ops::adam_w(&step, tensor.inner(), grad, moments);
        self.first.register(id, first);
        self.second.register(id, second);
        let updated = Tensor::from_inner(weights).set_require_grad(tracked);
        Param::from_mapped_value(id, updated, mapper)
    }
}

struct Fill<'a> {
    moments: &'a GradientsParams,
}

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let moment = self
            .moments
            .get::<D>(id)
            .unwrap_or_else(|| tensor.zeros_like());
        Param::from_mapped_value(id, moment, mapper)
    }
}

struct Collect<'a> {
    moments: &'a mut GradientsParams,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.moments.register(param.id, param.val());
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[derive(Module, Debug)]
    struct Two {
        table: Param<Tensor<2>>,
        dense: Param<Tensor<2>>,
    }

    /// First steps in closed form: the moments cancel to the gradient's sign, so each weight moves by the rate and decays.
    #[test]
    fn tables_have_a_learning_rate_of_their_own() {
        let device = Device::flex().autodiff();
        let weights =
            |values: [f32; 2]| Param::from_data(TensorData::new(values.to_vec(), [1, 2]), &device);
        let module = Two {
            table: weights([1.0, -2.0]),
            dense: weights([1.0, -2.0]),
        };
        let loss = (module.table.val() + module.dense.val()).square().sum();
        let grads = GradientsParams::from_grads(loss.backward(), &module);
        let mut optimizer = AdamW::new(0.5, 0.0).with_tables(vec![module.table.id], 3.0);
        let (module, _) = optimizer.step(0.01, module, grads);
        for (param, lr) in [(&module.table, 0.03_f32), (&module.dense, 0.01)] {
            let values: Vec<f32> = param.val().inner().try_into_vec_as().unwrap();
            let keep = 1.0 - 0.5 * lr;
            for (value, expected) in values.iter().zip([keep - lr, -2.0 * keep + lr]) {
                assert!((value - expected).abs() < 1e-5, "{value} != {expected}");
            }
        }
    }

    /// Two steps with different gradients, so that Adam's own scaling does not hide a factor.
    #[test]
    fn a_loss_scale_is_taken_back() {
        let device = Device::flex().autodiff();
        let train = |loss_scale: f64, max_grad_norm: f64| -> Vec<f32> {
            let weights = |values: [f32; 2]| {
                Param::from_data(TensorData::new(values.to_vec(), [1, 2]), &device)
            };
            let mut module = Two {
                table: weights([1.0, -2.0]),
                dense: weights([0.5, 3.0]),
            };
            let mut optimizer = AdamW::new(0.1, max_grad_norm).with_loss_scale(loss_scale);
            let mut found = Vec::new();
            for power in [1.0, 0.1] {
                let loss = (module.table.val() * module.dense.val()).square().sum() * power;
                let grads = GradientsParams::from_grads((loss * loss_scale).backward(), &module);
                let (updated, norm) = optimizer.step(0.01, module, grads);
                module = updated;
                found.push(norm.unwrap().into_scalar());
            }
            for param in [&module.table, &module.dense] {
                found.extend(param.val().inner().into_data().iter::<f32>());
            }
            found
        };
        for max_grad_norm in [0.0, 2.0] {
            let expected = train(1.0, max_grad_norm);
            for (found, expected) in train(1024.0, max_grad_norm).iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-5 * expected.abs(),
                    "{found} != {expected}"
                );
            }
        }
    }
}
