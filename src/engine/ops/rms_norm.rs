//! Root-mean-square normalisation.

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::buffer;
use super::dtype::{as_in, widen};
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values, width};
use super::simd::{BLOCK_ROWS, dot, vectorised};

/// Divides each row by its root mean square, then scales each column.
///
/// # Shapes
/// - x: `[rows, d_model]`
/// - gamma: `[d_model]`
/// - output: `[rows, d_model]`
pub fn rms_norm(x: Tensor<2>, gamma: Tensor<1>, epsilon: f64) -> Tensor<2> {
    if is_on_host(&x.device(), &[x.dtype(), gamma.dtype()]) {
        let operation = RmsNorm {
            epsilon: epsilon as f32,
        };
        return Tensor::from_dispatch(apply(operation, [x.into_dispatch(), gamma.into_dispatch()]));
    }
    plain(x, gamma, epsilon)
}

fn plain(x: Tensor<2>, gamma: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let wide = widen(x.clone());
    let mean_square = wide.clone().square().mean_dim(1);
    let inverse_rms = (mean_square + epsilon).sqrt().recip();
    as_in(wide * inverse_rms * gamma.unsqueeze(), &x)
}

#[derive(Clone, Debug)]
struct RmsNorm {
    epsilon: f32,
}

/// Operands, and one over the root mean square of each row.
#[derive(Clone, Debug)]
struct Saved {
    operands: [HostTensor; 2],
    scales: Vec<f32>,
}

impl Operation<2> for RmsNorm {
    type Saved = Saved;

    fn forward(&self, operands: [HostTensor; 2]) -> (HostTensor, Saved) {
        let [x, gamma] = &operands;
        let d_model = width(gamma);
        let (x, gamma) = (values(x), values(gamma));
        let n_rows = x.len() / d_model;
        let mut output = buffer::take(x.len());
        let mut scales = vec![0.0; n_rows];
        output
            .par_chunks_mut(BLOCK_ROWS * d_model)
            .zip(x.par_chunks(BLOCK_ROWS * d_model))
            .zip(scales.par_chunks_mut(BLOCK_ROWS))
            .for_each(|((output, x), scales)| {
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = output
                            .chunks_exact_mut(d_model)
                            .zip(x.chunks_exact(d_model));
                        for ((output, x), scale) in rows.zip(scales) {
                            let mean_square = dot(x, x) / d_model as f32;
                            *scale = (mean_square + self.epsilon).sqrt().recip();
                            for ((output, x), gamma) in output.iter_mut().zip(x).zip(gamma) {
                                *output = x * *scale * gamma;
                            }
                        }
                    },
                );
            });
        let output = tensor(output, [n_rows, d_model]);
        (output, Saved { operands, scales })
    }

    /// With y = x / rms: the gradient of x is (g gamma - y mean(g gamma y)) / rms, that of gamma the sum of g y.
    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        _wanted: [bool; 2],
    ) -> [Option<HostTensor>; 2] {
        let [x, gamma] = &saved.operands;
        let d_model = width(gamma);
        let (x, gamma) = (values(x), values(gamma));
        let n_rows = x.len() / d_model;
        let mut of_x = buffer::into_values(gradient);
        let parts: Vec<Vec<f32>> = of_x
            .par_chunks_mut(BLOCK_ROWS * d_model)
            .zip(x.par_chunks(BLOCK_ROWS * d_model))
            .zip(saved.scales.par_chunks(BLOCK_ROWS))
            .map(|((of_x, x), scales)| {
                vectorised(
                    #[inline(always)]
                    || backward_rows(of_x, x, scales, gamma),
                )
            })
            .collect();
        let mut of_gamma = vec![0.0; d_model];
        for part in parts {
            for (sum, part) in of_gamma.iter_mut().zip(part) {
                *sum += part;
            }
        }
        saved.operands.into_iter().for_each(buffer::give);
        [
            Some(tensor(of_x, [n_rows, d_model])),
            Some(tensor(of_gamma, [d_model])),
        ]
    }
}

/// Turns the gradients of some rows of the output into those of the input; returns their part of the gradient of `gamma`.
#[inline(always)]
fn backward_rows(gradient: &mut [f32], x: &[f32], scales: &[f32], gamma: &[f32]) -> Vec<f32> {
    let d_model = gamma.len();
    let mut of_gamma = vec![0.0; d_model];
    let rows = gradient
        .chunks_exact_mut(d_model)
        .zip(x.chunks_exact(d_model));
    for ((gradient, x), scale) in rows.zip(scales) {
        for (((gradient, x), gamma), of_gamma) in
            gradient.iter_mut().zip(x).zip(gamma).zip(&mut of_gamma)
        {
            *of_gamma += *gradient * x * scale;
            *gradient *= gamma;
        }
        let slope = dot(gradient, x) * scale * scale / d_model as f32;
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = (*gradient - x * slope) * scale;
        }
    }
    of_gamma
}

#[cfg(test)]
mod tests {
    use super::super::checks::{check, values};
    use super::*;

    #[test]
    fn equals_the_plain_norm() {
        for (n_rows, d_model) in [(1, 1), (3, 37), (200, 8)] {
            let operands =
                |x: &[Tensor<1>]| (x[0].clone().reshape([n_rows, d_model]), x[1].clone());
            // The scale keeps rows away from zero, where the norm bends too fast for a finite difference.
            check(
                &[n_rows * d_model, d_model],
                3.0,
                |x| {
                    let (x, gamma) = operands(x);
                    rms_norm(x, gamma, 1e-1).flatten(0, 1)
                },
                |x| {
                    let (x, gamma) = operands(x);
                    plain(x, gamma, 1e-1).flatten(0, 1)
                },
            );
        }
    }

    #[test]
    fn a_row_of_zeros_stays_zero() {
        let device = burn::tensor::Device::flex().autodiff();
        let x = Tensor::<2>::zeros([2, 3], &device).require_grad();
        let gamma = Tensor::<1>::ones([3], &device);
        let output = rms_norm(x.clone(), gamma, 1e-6);
        assert_eq!(values(&output), [0.0; 6]);
        let grads = output.sum().backward();
        // One over the root of epsilon.
        for gradient in values(&x.grad(&grads).unwrap()) {
            assert!((gradient - 1e3).abs() < 0.1, "{gradient}");
        }
    }
}
