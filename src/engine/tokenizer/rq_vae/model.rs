//! The model and its loss, as functions of a batch of vectors. [TIGER 3.1]

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

use super::mlp::{Mlp, values};
use crate::engine::tokenizer::sinkhorn::{EPSILON, likeliest, transport};

/// Passes over rows and columns of a batch's transport. [LC-Rec: 50]
const TRANSPORT_PASSES: usize = 50;

/// Encoder, codebooks and decoder.
#[derive(Module, Debug)]
pub(super) struct RqVae {
    pub(super) encoder: Mlp,
    pub(super) decoder: Mlp,
    /// Per level `[codebook_size, d_latent]`.
    pub(super) codebooks: Vec<Param<Tensor<2>>>,
}

/// What a batch gives.
pub(super) struct RqVaeOutput {
    /// `[1]`: mean squared error per element of the decoded vectors.
    pub(super) reconstruction: Tensor<1>,
    /// `[1]`: mean over the levels of how far codewords and residuals are apart, pulled from both sides.
    pub(super) quantisation: Tensor<1>,
    /// Per level `[batch]`.
    pub(super) codes: Vec<Tensor<1, Int>>,
    /// Per level `[batch, d_latent]`: what the levels before left over; without gradients.
    pub(super) residuals: Vec<Tensor<2>>,
}

impl RqVae {
    /// ```text
    /// z = encoder(x);  r_1 = z;  c_l = argmin_k |r_l - e_k|^2;  r_{l+1} = r_l - sg(e_{c_l})
    /// q = z + sg(sum_l e_{c_l} - z)
    /// reconstruction = mse(decoder(q), x)
    /// quantisation   = mean_l  mse(sg(r_l), e_{c_l}) + beta mse(r_l, sg(e_{c_l}))
    /// ```
    /// With `spreads_last` the codes of the last level come from equal-load transport over the batch instead.
    ///
    /// # Shapes
    /// - x: `[batch, dim]`
    pub(super) fn forward(&self, x: Tensor<2>, beta: f64, spreads_last: bool) -> RqVaeOutput {
        let latents = self.encoder.forward(x.clone());
        let n_levels = self.codebooks.len();
        let mut left = latents.clone();
        let mut sum = latents.clone().detach().zeros_like();
        let mut quantisation = None;
        let (mut codes, mut residuals) = (Vec::new(), Vec::new());
        for (level_idx, book) in self.codebooks.iter().enumerate() {
            let book = book.val();
            let residual = left.clone().detach();
            let distances = squared_distances(residual.clone(), book.clone().detach());
            let chosen = if spreads_last && level_idx + 1 == n_levels {
                spread(distances)
            } else {
                distances.argmin(1).squeeze_dim::<1>(1)
            };
            let codewords = book.select(0, chosen.clone());
            let frozen = codewords.clone().detach();
            let pull = mse(residual.clone(), codewords) + mse(left.clone(), frozen.clone()) * beta;
            quantisation = Some(match quantisation {
                None => pull,
                Some(sum) => sum + pull,
            });
            left = left - frozen.clone();
            sum = sum + frozen;
            codes.push(chosen);
            residuals.push(residual);
        }
        // The decoder sees the codewords; the gradient passes to the encoder as if they were its output.
        let straight_through = latents.clone() + (sum - latents.detach());
        let reconstruction = mse(self.decoder.forward(straight_through), x.clone());
        let zero = || reconstruction.clone().detach().zeros_like();
        RqVaeOutput {
            quantisation: quantisation.unwrap_or_else(zero) / n_levels.max(1) as f64,
            reconstruction,
            codes,
            residuals,
        }
    }
}

fn mse(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    (a - b).square().mean()
}

/// `[rows, dim]` and `[codes, dim]` to `[rows, codes]`.
fn squared_distances(rows: Tensor<2>, codewords: Tensor<2>) -> Tensor<2> {
    let powers = codewords.clone().square().sum_dim(1).transpose();
    let row_powers = rows.clone().square().sum_dim(1);
    row_powers + powers - rows.matmul(codewords.transpose()) * 2.0
}

/// Equal-load codes of a batch. The nearest where the device cannot be read.
fn spread(distances: Tensor<2>) -> Tensor<1, Int> {
    let (device, [n_rows, n_codes]) = (distances.device(), distances.dims());
    let powers = distances.clone();
    let Some(costs) = values(distances) else {
        return powers.argmin(1).squeeze_dim::<1>(1);
    };
    let costs: Vec<f64> = costs.into_iter().map(f64::from).collect();
    let plan = transport(&costs, n_codes, EPSILON, TRANSPORT_PASSES);
    let codes: Vec<i32> = plan
        .chunks_exact(n_codes)
        .map(|row| likeliest(row) as i32)
        .collect();
    Tensor::from_data(TensorData::new(codes, [n_rows]), &device)
}

#[cfg(test)]
mod tests {
    use burn::optim::GradientsParams;
    use burn::tensor::Device;

    use super::*;
    use crate::engine::seed::Seed;

    const WIDTHS: [usize; 3] = [3, 4, 2];
    const BETA: f64 = 0.25;

    fn model(device: &Device) -> RqVae {
        let book = |offset: f32| {
            let values: Vec<f32> = (0..6)
                .map(|idx| (idx as f32 * 1.7 + offset).sin())
                .collect();
            Param::from_data(TensorData::new(values, [3, 2]), device)
        };
        let mut back = WIDTHS;
        back.reverse();
        RqVae {
            encoder: Mlp::new(&WIDTHS, false, Seed(1), "test.encoder", device),
            decoder: Mlp::new(&back, false, Seed(1), "test.decoder", device),
            codebooks: vec![book(0.3), book(1.1)],
        }
    }

    fn inputs() -> Vec<f32> {
        (0..15).map(|idx| (idx as f32 * 0.9).cos()).collect()
    }

    /// The network of `mlp.rs` in double precision.
    fn apply(widths: &[usize], weights: &[f64], rows: &[f64]) -> Vec<f64> {
        rows.chunks_exact(widths[0])
            .flat_map(|row| {
                let (mut hidden, mut rest) = (row.to_vec(), weights);
                for (layer_idx, pair) in widths.windows(2).enumerate() {
                    let (matrix, after) = rest.split_at(pair[0] * pair[1]);
                    let (bias, after) = after.split_at(pair[1]);
                    rest = after;
                    hidden = (0..pair[1])
                        .map(|out| {
                            let products =
                                hidden.iter().zip(matrix.iter().skip(out).step_by(pair[1]));
                            let sum = bias[out] + products.map(|(a, b)| a * b).sum::<f64>();
                            if layer_idx + 2 < widths.len() {
                                sum.max(0.0)
                            } else {
                                sum
                            }
                        })
                        .collect();
                }
                hidden
            })
            .collect()
    }

    fn mean_square(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / a.len() as f64
    }

    fn doubles<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        values(tensor).unwrap().into_iter().map(f64::from).collect()
    }

    #[test]
    fn gradients_are_those_of_the_formula_with_its_stops() {
        let device = Device::flex().autodiff();
        let model = model(&device);
        let x = Tensor::from_data(TensorData::new(inputs(), [5, 3]), &device);
        let output = model.forward(x, BETA, false);
        let codes: Vec<Vec<usize>> = output
            .codes
            .iter()
            .map(|codes| {
                codes
                    .clone()
                    .into_data()
                    .iter::<i64>()
                    .map(|code| code as usize)
                    .collect()
            })
            .collect();
        let loss = output.reconstruction + output.quantisation;
        let grads = GradientsParams::from_grads(loss.clone().backward(), &model);

        // What stands under a stop keeps the value it has before anything is moved.
        let rows: Vec<f64> = inputs().into_iter().map(f64::from).collect();
        let network = |mlp: &Mlp| -> Vec<f64> {
            let network = mlp.network().unwrap();
            network
                .weights()
                .iter()
                .map(|weight| f64::from(*weight))
                .collect()
        };
        let (encoder, decoder) = (network(&model.encoder), network(&model.decoder));
        let books: Vec<Vec<f64>> = model
            .codebooks
            .iter()
            .map(|book| doubles(book.val()))
            .collect();
        let chosen = |book: &[f64], level_idx: usize| -> Vec<f64> {
            let rows = codes[level_idx]
                .iter()
                .flat_map(|code| book[code * 2..][..2].to_vec());
            rows.collect()
        };
        let frozen: Vec<Vec<f64>> = (0..2)
            .map(|level_idx| chosen(&books[level_idx], level_idx))
            .collect();
        let frozen_latents = apply(&WIDTHS, &encoder, &rows);
        let minus =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let total = |encoder: &[f64], decoder: &[f64], books: &[Vec<f64>]| -> f64 {
            let latents = apply(&WIDTHS, encoder, &rows);
            let (mut left, mut frozen_left) = (latents.clone(), frozen_latents.clone());
            let mut pull = 0.0;
            let mut passed = minus(&latents, &frozen_latents);
            for level_idx in 0..2 {
                let codewords = chosen(&books[level_idx], level_idx);
                pull += mean_square(&frozen_left, &codewords)
                    + BETA * mean_square(&left, &frozen[level_idx]);
                left = minus(&left, &frozen[level_idx]);
                frozen_left = minus(&frozen_left, &frozen[level_idx]);
                for (passed, value) in passed.iter_mut().zip(&frozen[level_idx]) {
                    *passed += value;
                }
            }
            mean_square(&apply(&[2, 4, 3], decoder, &passed), &rows) + pull / 2.0
        };
        let at_rest = total(&encoder, &decoder, &books);
        assert!((doubles(loss)[0] - at_rest).abs() < 1e-5, "{at_rest}");

        let check = |name: &str, found: Vec<f64>, change: &dyn Fn(usize, f64) -> f64| {
            for (idx, found) in found.into_iter().enumerate() {
                let expected = (change(idx, 1e-5) - change(idx, -1e-5)) / 2e-5;
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{name} {idx}: {found}, {expected}"
                );
            }
        };
        let mlp_grads = |mlp: &Mlp| -> Vec<f64> { mlp.gradients(&grads) };
        let moved = |values: &[f64], idx: usize, by: f64| -> Vec<f64> {
            let mut values = values.to_vec();
            values[idx] += by;
            values
        };
        check("encoder", mlp_grads(&model.encoder), &|idx, by| {
            total(&moved(&encoder, idx, by), &decoder, &books)
        });
        check("decoder", mlp_grads(&model.decoder), &|idx, by| {
            total(&encoder, &moved(&decoder, idx, by), &books)
        });
        for (level_idx, book) in model.codebooks.iter().enumerate() {
            let found = doubles(grads.get::<2>(book.id).unwrap());
            check("codebook", found, &|idx, by| {
                let mut books = books.clone();
                books[level_idx][idx] += by;
                total(&encoder, &decoder, &books)
            });
        }
    }

    #[test]
    fn the_last_level_is_spread_evenly_where_that_is_asked_for() {
        let device = Device::flex();
        let nearly_equal: Vec<f32> = (0..18).map(|idx| 0.5 + 0.01 * idx as f32).collect();
        let x = Tensor::from_data(TensorData::new(nearly_equal, [6, 3]), &device);
        let model = model(&device);
        let last = |spreads_last| -> Vec<i64> {
            let output = model.forward(x.clone(), BETA, spreads_last);
            output.codes[1].clone().into_data().iter::<i64>().collect()
        };
        assert!(!last(false).contains(&1), "no item is nearest to code 1");
        let mut spread = last(true);
        spread.sort_unstable();
        assert_eq!(spread, [0, 0, 1, 1, 2, 2]);
    }
}
