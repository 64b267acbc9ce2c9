//! The gated feed-forward layer as one operation.

use burn::tensor::Tensor;
use burn::tensor::activation::silu;
use rayon::prelude::*;

use super::buffer;
use super::dtype::as_in;
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values, width};
use super::product::{add_product, matrix, matrix_mut, product};
use super::simd::{BLOCK, sigmoid, vectorised};

/// `(silu(x gate) * (x up)) down`.
///
/// # Shapes
/// - x: `[rows, d_input]`
/// - gate, up: `[d_input, d_hidden]`
/// - down: `[d_hidden, d_output]`
/// - output: `[rows, d_output]`
pub fn swi_glu(x: Tensor<2>, gate: Tensor<2>, up: Tensor<2>, down: Tensor<2>) -> Tensor<2> {
    let operands = [x, gate, up, down];
    let dtypes = operands.each_ref().map(Tensor::dtype);
    if is_on_host(&operands[0].device(), &dtypes) {
        let operands = operands.map(Tensor::into_dispatch);
        return Tensor::from_dispatch(apply(SwiGlu, operands));
    }
    let [x, gate, up, down] = operands;
    plain(x, gate, up, down)
}

fn plain(x: Tensor<2>, gate: Tensor<2>, up: Tensor<2>, down: Tensor<2>) -> Tensor<2> {
    let [gate, up, down] = [gate, up, down].map(|weight| as_in(weight, &x));
    (silu(x.clone().matmul(gate)) * x.matmul(up)).matmul(down)
}

#[derive(Clone, Debug)]
struct SwiGlu;

/// Operands, and what the gate and the upward product gave.
#[derive(Clone, Debug)]
struct Saved {
    operands: [HostTensor; 4],
    gated: HostTensor,
    raised: HostTensor,
}

impl Operation<4> for SwiGlu {
    type Saved = Saved;

    fn forward(&self, operands: [HostTensor; 4]) -> (HostTensor, Saved) {
        let [x, gate, up, down] = &operands;
        let (d_hidden, d_output) = (width(gate), width(down));
        let x = matrix(values(x), width(x));
        let n_rows = x.nrows();

        let mut gated = buffer::take(n_rows * d_hidden);
        product(
            matrix_mut(&mut gated, d_hidden),
            x,
            matrix(values(gate), d_hidden),
        );
        let mut raised = buffer::take(n_rows * d_hidden);
        product(
            matrix_mut(&mut raised, d_hidden),
            x,
            matrix(values(up), d_hidden),
        );
        let mut hidden = buffer::take(n_rows * d_hidden);
        combine(&mut hidden, &gated, &raised);
        let mut output = buffer::take(n_rows * d_output);
        product(
            matrix_mut(&mut output, d_output),
            matrix(&hidden, d_hidden),
            matrix(values(down), d_output),
        );
        buffer::keep(hidden);

        let saved = Saved {
            operands,
            gated: tensor(gated, [n_rows, d_hidden]),
            raised: tensor(raised, [n_rows, d_hidden]),
        };
        (tensor(output, [n_rows, d_output]), saved)
    }

    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        wanted: [bool; 4],
    ) -> [Option<HostTensor>; 4] {
        let [x, gate, up, down] = &saved.operands;
        let (d_input, d_hidden, d_output) = (width(x), width(gate), width(down));
        let x = matrix(values(x), d_input);
        let n_rows = x.nrows();
        let of_output = matrix(values(&gradient), d_output);

        let mut hidden = buffer::take(n_rows * d_hidden);
        product(
            matrix_mut(&mut hidden, d_hidden),
            of_output,
            matrix(values(down), d_output).transpose(),
        );
        let mut of_gated = buffer::into_values(saved.gated);
        let mut of_raised = buffer::into_values(saved.raised);
        combine_backward(&mut hidden, &mut of_gated, &mut of_raised);

        let of_down = wanted[3].then(|| {
            let mut of_down = buffer::take(d_hidden * d_output);
            let hidden = matrix(&hidden, d_hidden).transpose();
            product(matrix_mut(&mut of_down, d_output), hidden, of_output);
            tensor(of_down, [d_hidden, d_output])
        });
        buffer::keep(hidden);
        let of_weight = |of_product: &[f32]| {
            let mut of_weight = buffer::take(d_input * d_hidden);
            let of_product = matrix(of_product, d_hidden);
            product(
                matrix_mut(&mut of_weight, d_hidden),
                x.transpose(),
                of_product,
            );
            tensor(of_weight, [d_input, d_hidden])
        };
        let of_gate = wanted[1].then(|| of_weight(&of_gated));
        let of_up = wanted[2].then(|| of_weight(&of_raised));
        let of_x = wanted[0].then(|| {
            let mut of_x = buffer::take(n_rows * d_input);
            let transposed = |weight| matrix(values(weight), d_hidden).transpose();
            product(
                matrix_mut(&mut of_x, d_input),
                matrix(&of_gated, d_hidden),
                transposed(gate),
            );
            add_product(
                matrix_mut(&mut of_x, d_input),
                matrix(&of_raised, d_hidden),
                transposed(up),
            );
            tensor(of_x, [n_rows, d_input])
        });
        buffer::keep(of_gated);
        buffer::keep(of_raised);
        buffer::give(gradient);
        saved.operands.into_iter().for_each(buffer::give);
        [of_x, of_gate, of_up, of_down]
    }
}

/// `hidden = silu(gated) * raised`.
pub(super) fn combine(hidden: &mut [f32], gated: &[f32], raised: &[f32]) {
    hidden
        .par_chunks_mut(BLOCK)
        .zip(gated.par_chunks(BLOCK))
        .zip(raised.par_chunks(BLOCK))
        .for_each(|((hidden, gated), raised)| {
            vectorised(
                #[inline(always)]
                || {
                    for ((hidden, gated), raised) in hidden.iter_mut().zip(gated).zip(raised) {
                        *hidden = gated * sigmoid(*gated) * raised;
                    }
                },
            );
        });
}

/// Turns the gradient of `hidden` into `hidden`, and the two factors into their gradients.
pub(super) fn combine_backward(hidden: &mut [f32], gated: &mut [f32], raised: &mut [f32]) {
    hidden
        .par_chunks_mut(BLOCK)
        .zip(gated.par_chunks_mut(BLOCK))
        .zip(raised.par_chunks_mut(BLOCK))
        .for_each(|((hidden, gated), raised)| {
            vectorised(
                #[inline(always)]
                || {
                    for ((hidden, gated), raised) in hidden.iter_mut().zip(gated).zip(raised) {
                        let (of_hidden, x, factor) = (*hidden, *gated, *raised);
                        let share = sigmoid(x);
                        let silu = x * share;
                        *hidden = silu * factor;
                        *raised = of_hidden * silu;
                        *gated = of_hidden * factor * (share + silu * (1.0 - share));
                    }
                },
            );
        });
}

#[cfg(test)]
mod tests {
    use super::super::checks::check;
    use super::*;

    #[test]
    fn equals_the_plain_layer() {
        for (n_rows, d_input, d_hidden, d_output) in [(1, 1, 1, 1), (5, 3, 7, 2), (130, 9, 40, 9)] {
            let operands = |x: &[Tensor<1>]| {
                [
                    x[0].clone().reshape([n_rows, d_input]),
                    x[1].clone().reshape([d_input, d_hidden]),
                    x[2].clone().reshape([d_input, d_hidden]),
                    x[3].clone().reshape([d_hidden, d_output]),
                ]
            };
            let weights = d_input * d_hidden;
            check(
                &[n_rows * d_input, weights, weights, d_hidden * d_output],
                1.0,
                |x| {
                    let [x, gate, up, down] = operands(x);
                    swi_glu(x, gate, up, down).flatten(0, 1)
                },
                |x| {
                    let [x, gate, up, down] = operands(x);
                    plain(x, gate, up, down).flatten(0, 1)
                },
            );
        }
    }
}
