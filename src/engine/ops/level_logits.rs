//! Products of the decoder's states with the codewords of the level that follows each, without a copy of either.

use burn::tensor::Tensor;

use super::buffer;
use super::dtype::as_in;
use super::extension::{HostTensor, Operation, apply, is_on_host, tensor, values, width};
use super::product::{matrix, matrix_mut, product};

/// Where the codewords stand among the embeddings: one range of `codebook_size` rows per level, the first at `start`.
#[derive(Clone, Copy, Debug)]
pub struct Codewords {
    /// Row of the first codeword of the first level.
    pub start: usize,
    /// Levels of a semantic ID.
    pub n_levels: usize,
    /// Codewords of a level.
    pub codebook_size: usize,
}

/// Logits of each code of each level. The states of an item are those that predict its levels, then one that predicts
/// nothing.
///
/// # Shapes
/// - hidden: `[n_items * (n_levels + 1), d_model]`
/// - embeddings: `[vocab_size, d_model]`
/// - output: `[n_items * n_levels, codebook_size]`
pub fn level_logits(hidden: Tensor<2>, embeddings: Tensor<2>, codewords: Codewords) -> Tensor<2> {
    if is_on_host(&hidden.device(), &[hidden.dtype(), embeddings.dtype()]) {
        let operands = [hidden.into_dispatch(), embeddings.into_dispatch()];
        return Tensor::from_dispatch(apply(codewords, operands));
    }
    plain(hidden, embeddings, codewords)
}

fn plain(hidden: Tensor<2>, embeddings: Tensor<2>, codewords: Codewords) -> Tensor<2> {
    let Codewords {
        start,
        n_levels,
        codebook_size,
    } = codewords;
    let [n_states, d_model] = hidden.dims();
    let n_items = n_states / (n_levels + 1);
    let hidden = hidden.reshape([n_items, n_levels + 1, d_model]);
    let logits = (0..n_levels).map(|level_idx| {
        let first = start + level_idx * codebook_size;
        let codewords = embeddings
            .clone()
            .slice_dim(0, first..first + codebook_size);
        hidden
            .clone()
            .slice_dim(1, level_idx..level_idx + 1)
            .reshape([n_items, d_model])
            .matmul(as_in(codewords, &hidden).transpose())
    });
    Tensor::cat(logits.collect(), 1).reshape([n_items * n_levels, codebook_size])
}

impl Operation<2> for Codewords {
    type Saved = [HostTensor; 2];

    fn forward(&self, operands: [HostTensor; 2]) -> (HostTensor, Self::Saved) {
        let d_model = width(&operands[0]);
        let states = matrix(values(&operands[0]), (self.n_levels + 1) * d_model);
        let embeddings = matrix(values(&operands[1]), d_model);
        let n_rows = states.nrows() * self.n_levels;
        let mut output = buffer::take(n_rows * self.codebook_size);
        for level_idx in 0..self.n_levels {
            let first = level_idx * self.codebook_size;
            product(
                matrix_mut(&mut output, self.n_levels * self.codebook_size)
                    .subcols_mut(first, self.codebook_size),
                states.subcols(level_idx * d_model, d_model),
                embeddings
                    .subrows(self.start + first, self.codebook_size)
                    .transpose(),
            );
        }
        (tensor(output, [n_rows, self.codebook_size]), operands)
    }

    fn backward(
        &self,
        operands: Self::Saved,
        gradient: HostTensor,
        _wanted: [bool; 2],
    ) -> [Option<HostTensor>; 2] {
        let d_model = width(&operands[0]);
        let states_width = (self.n_levels + 1) * d_model;
        let states = matrix(values(&operands[0]), states_width);
        let embeddings = matrix(values(&operands[1]), d_model);
        let of_logits = matrix(values(&gradient), self.n_levels * self.codebook_size);
        let mut of_states = buffer::zeros(values(&operands[0]).len());
        let mut of_embeddings = buffer::zeros(values(&operands[1]).len());
        for level_idx in 0..self.n_levels {
            let first = level_idx * self.codebook_size;
            let of_level = of_logits.subcols(first, self.codebook_size);
            product(
                matrix_mut(&mut of_states, states_width).subcols_mut(level_idx * d_model, d_model),
                of_level,
                embeddings.subrows(self.start + first, self.codebook_size),
            );
            product(
                matrix_mut(&mut of_embeddings, d_model)
                    .subrows_mut(self.start + first, self.codebook_size),
                of_level.transpose(),
                states.subcols(level_idx * d_model, d_model),
            );
        }
        let n_states = states.nrows() * (self.n_levels + 1);
        let vocab_size = embeddings.nrows();
        buffer::give(gradient);
        operands.into_iter().for_each(buffer::give);
        [
            Some(tensor(of_states, [n_states, d_model])),
            Some(tensor(of_embeddings, [vocab_size, d_model])),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::check;
    use super::*;

    #[test]
    fn equals_the_plain_products() {
        for (n_items, n_levels, codebook_size, d_model) in
            [(1, 1, 1, 1), (5, 3, 7, 4), (70, 2, 9, 5)]
        {
            let codewords = Codewords {
                start: 3,
                n_levels,
                codebook_size,
            };
            // One row more than the codewords take.
            let vocab_size = 3 + n_levels * codebook_size + 1;
            let hidden =
                |x: &[Tensor<1>]| x[0].clone().reshape([n_items * (n_levels + 1), d_model]);
            let embeddings = |x: &[Tensor<1>]| x[1].clone().reshape([vocab_size, d_model]);
            check(
                &[n_items * (n_levels + 1) * d_model, vocab_size * d_model],
                1.0,
                |x| level_logits(hidden(x), embeddings(x), codewords).flatten(0, 1),
                |x| plain(hidden(x), embeddings(x), codewords).flatten(0, 1),
            );
        }
    }
}
