//! One input times several weight matrices, side by side in one output.

use burn::tensor::Tensor;

use super::buffer;
use super::dtype::as_in;
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values, width};
use super::product::{add_product, matrix, matrix_mut, product};

/// `[x w1 | x w2 | ..]`: the first operand is the input, the others are weights.
///
/// # Shapes
/// - x: `[rows, d_input]`
/// - weights: `[d_input, d_output]`, each with its own `d_output`
/// - output: `[rows, sum of d_output]`
pub fn linear<const N: usize>(operands: [Tensor<2>; N]) -> Tensor<2> {
    let dtypes = operands.each_ref().map(Tensor::dtype);
    if is_on_host(&operands[0].device(), &dtypes) {
        let operands = operands.map(Tensor::into_dispatch);
        return Tensor::from_dispatch(apply(Linear, operands));
    }
    let [x, weights @ ..] = &operands[..] else {
        unreachable!("an input and its weights")
    };
    plain(x, weights)
}

fn plain(x: &Tensor<2>, weights: &[Tensor<2>]) -> Tensor<2> {
    let products: Vec<Tensor<2>> = weights
        .iter()
        .map(|weight| x.clone().matmul(as_in(weight.clone(), x)))
        .collect();
    match &products[..] {
        [only] => only.clone(),
        _ => Tensor::cat(products, 1),
    }
}

#[derive(Clone, Debug)]
struct Linear;

impl<const N: usize> Operation<N> for Linear {
    type Saved = [HostTensor; N];

    fn forward(&self, operands: [HostTensor; N]) -> (HostTensor, Self::Saved) {
        let [x, weights @ ..] = &operands[..] else {
            unreachable!("an input and its weights")
        };
        let x = matrix(values(x), width(x));
        let n_rows = x.nrows();
        let d_output: usize = weights.iter().map(width).sum();
        let mut output = buffer::take(n_rows * d_output);
        let mut start = 0;
        for weight in weights {
            let columns = width(weight);
            let part = matrix_mut(&mut output, d_output).subcols_mut(start, columns);
            product(part, x, matrix(values(weight), columns));
            start += columns;
        }
        (tensor(output, [n_rows, d_output]), operands)
    }

    fn backward(
        &self,
        operands: Self::Saved,
        gradient: HostTensor,
        wanted: [bool; N],
    ) -> [Option<HostTensor>; N] {
        let [x, weights @ ..] = &operands[..] else {
            unreachable!("an input and its weights")
        };
        let d_input = width(x);
        let x = matrix(values(x), d_input);
        let n_rows = x.nrows();
        let of_output = matrix(values(&gradient), width(&gradient));
        let mut of_x = wanted[0].then(|| buffer::take(n_rows * d_input));
        let mut found = [const { None }; N];
        let mut start = 0;
        for (weight_idx, weight) in weights.iter().enumerate() {
            let columns = width(weight);
            let of_part = of_output.subcols(start, columns);
            start += columns;
            if let Some(of_x) = &mut of_x {
                let of_x = matrix_mut(of_x, d_input);
                let weight = matrix(values(weight), columns).transpose();
                if weight_idx == 0 {
                    product(of_x, of_part, weight);
                } else {
                    add_product(of_x, of_part, weight);
                }
            }
            if wanted[weight_idx + 1] {
                let mut of_weight = buffer::take(d_input * columns);
                product(matrix_mut(&mut of_weight, columns), x.transpose(), of_part);
                found[weight_idx + 1] = Some(tensor(of_weight, [d_input, columns]));
            }
        }
        found[0] = of_x.map(|of_x| tensor(of_x, [n_rows, d_input]));
        buffer::give(gradient);
        operands.into_iter().for_each(buffer::give);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::check;
    use super::*;

    #[test]
    fn equals_the_plain_products() {
        for (n_rows, d_input, d_outputs) in [(1, 1, [1, 1]), (7, 5, [3, 9]), (70, 33, [17, 1])] {
            let [d_first, d_second] = d_outputs;
            let sizes = [n_rows * d_input, d_input * d_first, d_input * d_second];
            let x = |x: &[Tensor<1>]| x[0].clone().reshape([n_rows, d_input]);
            let first = |x: &[Tensor<1>]| x[1].clone().reshape([d_input, d_first]);
            let second = |x: &[Tensor<1>]| x[2].clone().reshape([d_input, d_second]);
            check(
                &sizes,
                1.0,
                |all| linear([x(all), first(all), second(all)]).flatten(0, 1),
                |all| plain(&x(all), &[first(all), second(all)]).flatten(0, 1),
            );
            check(
                &sizes[..2],
                1.0,
                |all| linear([x(all), first(all)]).flatten(0, 1),
                |all| plain(&x(all), &[first(all)]).flatten(0, 1),
            );
        }
    }

    /// A gradient that is one number everywhere has no memory of its own.
    #[test]
    fn a_sum_reaches_all_weights() {
        let device = burn::tensor::Device::flex().autodiff();
        let x = Tensor::<2>::ones([3, 2], &device);
        let weight = Tensor::<2>::ones([2, 4], &device).require_grad();
        let grads = linear([x, weight.clone()]).sum().backward();
        let found: Vec<f32> = weight.grad(&grads).unwrap().try_into_vec_as().unwrap();
        assert_eq!(found, [3.0; 8]);
    }
}
