//! One step of AdamW on one tensor, in one pass over its memory. (Loshchilov and Hutter, 2019)

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::buffer;
use super::extension::{HostTensor, constant, is_on_host, tensor, values};
use super::simd::{BLOCK, dot, vectorised};

/// How far a step goes.
#[derive(Clone, Debug)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f64,
    /// Share of a weight that a step takes away, learning rate included.
    pub decay: f64,
    /// Decay of the two moments.
    pub betas: [f64; 2],
    /// What the moments are divided by, because they start from zero.
    pub corrections: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Factor of the gradient, `[1]`; clipping.
    pub scale: Option<Tensor<1>>,
}

/// Weights and moments after a step; none of the tensors records gradients. Without moments they start from zero.
pub fn adam_w<const D: usize>(
    step: &AdamWStep,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    moments: Option<[Tensor<D>; 2]>,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    if !is_on_host(&weights.device(), &[weights.dtype(), gradient.dtype()]) {
        return plain(step, weights, gradient, moments);
    }
    let shape = weights.dims();
    let host = |values| from_host(tensor(values, shape));
    let n_values = weights.shape().num_elements();
    let [first, second] = match moments {
        Some(moments) => moments.map(|moment| buffer::into_values(constant(moment))),
        None => [vec![0.0; n_values], vec![0.0; n_values]],
    };
    let mut updated = Updated {
        weights: buffer::into_values(constant(weights)),
        first,
        second,
    };
    let gradient = constant(gradient);
    updated.step(step, values(&gradient));
    buffer::give(gradient);
    (
        host(updated.weights),
        [host(updated.first), host(updated.second)],
    )
}

/// Sum of squares, `[1]`.
pub fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if !is_on_host(&x.device(), &[x.dtype()]) {
        return x.square().sum();
    }
    let x = constant(x);
    let parts: Vec<f32> = values(&x)
        .par_chunks(BLOCK)
        .map(|x| {
            vectorised(
                #[inline(always)]
                || dot(x, x),
            )
        })
        .collect();
    let sum: f64 = parts.into_iter().map(f64::from).sum();
    from_host(tensor(vec![sum as f32], [1]))
}

fn from_host<const D: usize>(tensor: HostTensor) -> Tensor<D> {
    Tensor::from_primitive::<burn::backend::Flex>(tensor)
}

fn plain<const D: usize>(
    step: &AdamWStep,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    moments: Option<[Tensor<D>; 2]>,
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let gradient = match &step.scale {
        Some(scale) => gradient * scale.clone().reshape([1; D]),
        None => gradient,
    };
    let newer = [
        gradient.clone().mul_scalar(1.0 - step.betas[0]),
        gradient.square().mul_scalar(1.0 - step.betas[1]),
    ];
    let [first, second] = match moments {
        Some([first, second]) => {
            let [newer_first, newer_second] = newer;
            [
                first.mul_scalar(step.betas[0]) + newer_first,
                second.mul_scalar(step.betas[1]) + newer_second,
            ]
        }
        None => newer,
    };
    let denominator = second
        .clone()
        .div_scalar(step.corrections[1])
        .sqrt()
        .add_scalar(step.epsilon);
    let update = first.clone().mul_scalar(step.lr / step.corrections[0]) / denominator;
    let weights = if step.decay > 0.0 {
        weights.mul_scalar(1.0 - step.decay)
    } else {
        weights
    };
    (weights - update, [first, second])
}

struct Updated {
    weights: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Updated {
    fn step(&mut self, step: &AdamWStep, gradient: &[f32]) {
        let scale = step
            .scale
            .as_ref()
            .map_or(1.0, |scale| values(&constant(scale.clone()))[0]);
        let [beta_1, beta_2] = step.betas.map(|beta| beta as f32);
        let [rest_1, rest_2] = step.betas.map(|beta| (1.0 - beta) as f32);
        let rate = (step.lr / step.corrections[0]) as f32;
        let correction = (1.0 / step.corrections[1]) as f32;
        let kept = (1.0 - step.decay) as f32;
        let epsilon = step.epsilon as f32;
        self.weights
            .par_chunks_mut(BLOCK)
            .zip(self.first.par_chunks_mut(BLOCK))
            .zip(self.second.par_chunks_mut(BLOCK))
            .zip(gradient.par_chunks(BLOCK))
            .for_each(|(((weights, first), second), gradient)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let moments = first.iter_mut().zip(second);
                        for ((weight, (first, second)), gradient) in
                            weights.iter_mut().zip(moments).zip(gradient)
                        {
                            let gradient = gradient * scale;
                            *first = *first * beta_1 + gradient * rest_1;
                            *second = *second * beta_2 + gradient * gradient * rest_2;
                            let root = (*second * correction).sqrt() + epsilon;
                            *weight = *weight * kept - rate * *first / root;
                        }
                    },
                );
            });
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::super::checks::{assert_near, values as read};
    use super::*;

    fn vector(n: usize, step: usize) -> Tensor<1> {
        let values: Vec<f32> = (0..n)
            .map(|idx| ((idx * step) % 23) as f32 / 11.0 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, [n]), &Device::flex())
    }

    #[test]
    fn equals_the_plain_steps() {
        for n in [1, 5, 40_000] {
            let scale = Tensor::<1>::from_floats([0.3], &Device::flex());
            let mut fast = (vector(n, 3), None);
            let mut expected = fast.clone();
            for n_steps in 1..4 {
                let step = AdamWStep {
                    lr: 0.1,
                    decay: 0.02,
                    betas: [0.9, 0.95],
                    corrections: [0.9_f64, 0.95].map(|beta| 1.0 - beta.powi(n_steps)),
                    epsilon: 1e-8,
                    scale: (n_steps != 2).then(|| scale.clone()),
                };
                let gradient = vector(n, 5 + n_steps as usize);
                let (weights, moments) = adam_w(&step, fast.0, gradient.clone(), fast.1);
                fast = (weights, Some(moments));
                let (weights, moments) = plain(&step, expected.0, gradient, expected.1);
                expected = (weights, Some(moments));
            }
            assert_near("weights", &read(&fast.0), &read(&expected.0));
            let (found, expected) = (fast.1.unwrap(), expected.1.unwrap());
            for (found, expected) in found.iter().zip(&expected) {
                assert_near("moments", &read(found), &read(expected));
            }
        }
    }

    #[test]
    fn weights_that_others_hold_stay_as_they_are() {
        let step = AdamWStep {
            lr: 0.1,
            decay: 0.0,
            betas: [0.9, 0.95],
            corrections: [0.1, 0.05],
            epsilon: 1e-8,
            scale: None,
        };
        let weights = vector(50, 3);
        let (updated, _) = adam_w(&step, weights.clone(), vector(50, 7), None);
        assert_ne!(read(&updated), read(&weights));
        assert_eq!(read(&weights), read(&vector(50, 3)));
    }

    #[test]
    fn the_norm_is_the_sum_of_squares() {
        let x = vector(40_000, 3);
        let expected: f64 = read(&x).iter().map(|x| f64::from(*x).powi(2)).sum();
        let found: f32 = squared_norm(x).into_scalar();
        assert!(
            (f64::from(found) / expected - 1.0).abs() < 1e-6,
            "{found}, {expected}"
        );
    }
}
