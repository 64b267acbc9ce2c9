//! Vectors of tokens plus vectors of their positions.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};
use rayon::prelude::*;

use super::buffer;
use super::extension::{HostTensor, Operation, apply, integers, is_on_host, tensor, values, width};
use super::simd::vectorised;

/// Parts of the vocabulary that are summed in parallel, each over all tokens.
const N_PARTS: usize = 16;

/// `(weights[token] + positions[place of the token in its row]) * scale`.
///
/// # Shapes
/// - weights: `[vocab_size, d_model]`
/// - positions: `[n_tokens, d_model]`
/// - tokens: `[rows, n_tokens]`
/// - output: `[rows * n_tokens, d_model]`
pub fn embedding(
    weights: Tensor<2>,
    positions: Tensor<2>,
    tokens: Tensor<2, Int>,
    scale: f64,
) -> Tensor<2> {
    if is_on_host(&weights.device(), &[weights.dtype(), positions.dtype()]) {
        let operation = Embedding {
            tokens: integers(tokens),
            scale: scale as f32,
        };
        return Tensor::from_dispatch(apply(
            operation,
            [weights.into_dispatch(), positions.into_dispatch()],
        ));
    }
    plain(weights, positions, tokens, scale)
}

fn plain(
    weights: Tensor<2>,
    positions: Tensor<2>,
    tokens: Tensor<2, Int>,
    scale: f64,
) -> Tensor<2> {
    let [n_rows, n_tokens] = tokens.dims();
    let [_, d_model] = weights.dims();
    let vectors = burn::tensor::module::embedding(weights, tokens) + positions.unsqueeze();
    (vectors * scale).reshape([n_rows * n_tokens, d_model])
}

#[derive(Clone, Debug)]
struct Embedding {
    tokens: Arc<[i64]>,
    scale: f32,
}

/// Numbers of vectors of each kind and their width.
#[derive(Clone, Copy, Debug)]
struct Saved {
    vocab_size: usize,
    n_positions: usize,
    d_model: usize,
}

impl Operation<2> for Embedding {
    type Saved = Saved;

    fn forward(&self, [weights, positions]: [HostTensor; 2]) -> (HostTensor, Saved) {
        let d_model = width(&weights);
        let (weights, positions) = (values(&weights), values(&positions));
        let saved = Saved {
            vocab_size: weights.len() / d_model,
            n_positions: positions.len() / d_model,
            d_model,
        };
        let mut output = buffer::take(self.tokens.len() * d_model);
        output
            .par_chunks_mut(positions.len())
            .zip(self.tokens.par_chunks(saved.n_positions))
            .for_each(|(output, tokens)| {
                let places = positions.chunks_exact(d_model).zip(tokens);
                vectorised(
                    #[inline(always)]
                    || {
                        for (output, (position, token)) in
                            output.chunks_exact_mut(d_model).zip(places)
                        {
                            let start = *token as usize * d_model;
                            let weights = &weights[start..start + d_model];
                            for ((output, weight), position) in
                                output.iter_mut().zip(weights).zip(position)
                            {
                                *output = (weight + position) * self.scale;
                            }
                        }
                    },
                );
            });
        let n_tokens = self.tokens.len();
        (tensor(output, [n_tokens, d_model]), saved)
    }

    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        wanted: [bool; 2],
    ) -> [Option<HostTensor>; 2] {
        let d_model = saved.d_model;
        let of_output = values(&gradient);
        let of_weights = wanted[0].then(|| {
            let mut sums = buffer::zeros(saved.vocab_size * d_model);
            let part_len = saved.vocab_size.div_ceil(N_PARTS);
            sums.par_chunks_mut(part_len * d_model)
                .enumerate()
                .for_each(|(part_idx, sums)| {
                    let first = part_idx * part_len;
                    let vectors = of_output.chunks_exact(d_model);
                    vectorised(
                        #[inline(always)]
                        || {
                            for (token, vector) in self.tokens.iter().zip(vectors) {
                                let place = (*token as usize).wrapping_sub(first);
                                if let Some(sum) = sums.chunks_exact_mut(d_model).nth(place) {
                                    add(sum, vector, self.scale);
                                }
                            }
                        },
                    );
                });
            tensor(sums, [saved.vocab_size, d_model])
        });
        let of_positions = wanted[1].then(|| {
            let mut sums = buffer::zeros(saved.n_positions * d_model);
            sums.par_chunks_mut(d_model)
                .enumerate()
                .for_each(|(position_idx, sum)| {
                    let vectors = of_output.chunks_exact(d_model).skip(position_idx);
                    vectorised(
                        #[inline(always)]
                        || {
                            for vector in vectors.step_by(saved.n_positions) {
                                add(sum, vector, self.scale);
                            }
                        },
                    );
                });
            tensor(sums, [saved.n_positions, d_model])
        });
        buffer::give(gradient);
        [of_weights, of_positions]
    }
}

#[inline(always)]
fn add(sum: &mut [f32], vector: &[f32], scale: f32) {
    for (sum, value) in sum.iter_mut().zip(vector) {
        *sum += value * scale;
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::super::checks::check;
    use super::*;

    #[test]
    fn equals_the_plain_composition() {
        for (n_rows, n_tokens, vocab_size, d_model) in [(1, 1, 1, 1), (3, 5, 7, 4), (9, 4, 40, 33)]
        {
            // Some tokens come several times, some never.
            let tokens = |device: &Device| {
                let tokens: Vec<i64> = (0..n_rows * n_tokens)
                    .map(|idx| (idx * idx % vocab_size) as i64)
                    .collect();
                Tensor::<2, Int>::from_data(TensorData::new(tokens, [n_rows, n_tokens]), device)
            };
            let operands = |x: &[Tensor<1>]| {
                (
                    x[0].clone().reshape([vocab_size, d_model]),
                    x[1].clone().reshape([n_tokens, d_model]),
                    tokens(&x[0].device()),
                )
            };
            check(
                &[vocab_size * d_model, n_tokens * d_model],
                1.0,
                |x| {
                    let (weights, positions, tokens) = operands(x);
                    embedding(weights, positions, tokens, 3.0).flatten(0, 1)
                },
                |x| {
                    let (weights, positions, tokens) = operands(x);
                    plain(weights, positions, tokens, 3.0).flatten(0, 1)
                },
            );
        }
    }
}
