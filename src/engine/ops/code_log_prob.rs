//! The log-probability of one code per row: softmax, logarithm and choice in one pass over the logits.

use std::sync::Arc;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use rayon::prelude::*;

use super::buffer;
use super::extension::{HostTensor, Operation, apply, integers, is_on_host, tensor, values, width};
use super::simd::{BLOCK_ROWS, exp, largest, vectorised};

/// Log-probability of each row's target among the codes that its logits are for.
///
/// # Shapes
/// - logits: `[rows, codebook_size]`
/// - targets, output: `[rows]`
pub fn code_log_prob(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    if is_on_host(&logits.device(), &[logits.dtype()]) {
        let operation = CodeLogProb {
            targets: integers(targets),
        };
        return Tensor::from_dispatch(apply(operation, [logits.into_dispatch()]));
    }
    plain(logits, targets)
}

/// The logarithm of the sum of the powers of a row of logits: what a logit is above its log-probability.
pub fn log_total(row: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let largest = largest(row);
            // Added up in f64: f32 would lose the small ones of a large codebook.
            let (chunks, rest) = row.as_chunks::<64>();
            let chunk_sum = |chunk: &[f32]| chunk.iter().map(|x| exp(x - largest)).sum::<f32>();
            let total: f64 = chunks.iter().map(|chunk| f64::from(chunk_sum(chunk))).sum();
            largest + ((total + f64::from(chunk_sum(rest))) as f32).ln()
        },
    )
}

fn plain(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [n_rows, _] = logits.dims();
    log_softmax(logits, 1)
        .gather(1, targets.reshape([n_rows, 1]))
        .reshape([n_rows])
}

#[derive(Clone, Debug)]
struct CodeLogProb {
    targets: Arc<[i64]>,
}

/// Logits, and the logarithm of the sum of their powers for each row.
#[derive(Clone, Debug)]
struct Saved {
    logits: HostTensor,
    totals: Vec<f32>,
}

impl Operation<1> for CodeLogProb {
    type Saved = Saved;

    fn forward(&self, [logits]: [HostTensor; 1]) -> (HostTensor, Saved) {
        let n_codes = width(&logits);
        let totals: Vec<f32> = values(&logits)
            .par_chunks(BLOCK_ROWS * n_codes)
            .flat_map_iter(|rows| rows.chunks_exact(n_codes).map(log_total))
            .collect();
        let rows = values(&logits).chunks_exact(n_codes).zip(&totals);
        let output: Vec<f32> = rows
            .zip(&self.targets[..])
            .map(|((row, total), target)| row[*target as usize] - total)
            .collect();
        let n_rows = output.len();
        (tensor(output, [n_rows]), Saved { logits, totals })
    }

    /// The gradient of a log-probability is 1 at the target, less the probability of every code.
    fn backward(
        &self,
        saved: Saved,
        gradient: HostTensor,
        _wanted: [bool; 1],
    ) -> [Option<HostTensor>; 1] {
        let n_codes = width(&saved.logits);
        let n_rows = saved.totals.len();
        let mut of_logits = buffer::into_values(saved.logits);
        of_logits
            .par_chunks_mut(BLOCK_ROWS * n_codes)
            .zip(saved.totals.par_chunks(BLOCK_ROWS))
            .zip(values(&gradient).par_chunks(BLOCK_ROWS))
            .zip(self.targets.par_chunks(BLOCK_ROWS))
            .for_each(|(((rows, totals), gradients), targets)| {
                let rows = rows.chunks_exact_mut(n_codes).zip(totals);
                for (((row, total), gradient), target) in rows.zip(gradients).zip(targets) {
                    vectorised(
                        #[inline(always)]
                        || {
                            for x in &mut *row {
                                *x = -gradient * exp(*x - total);
                            }
                        },
                    );
                    row[*target as usize] += gradient;
                }
            });
        [Some(tensor(of_logits, [n_rows, n_codes]))]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::checks::{check, values};
    use super::*;

    #[test]
    fn equals_the_plain_composition() {
        for (n_rows, n_codes) in [(1, 1), (5, 3), (70, 65), (3, 300)] {
            let targets = |device: &Device| {
                let targets: Vec<i64> = (0..n_rows).map(|row| (row * 7 % n_codes) as i64).collect();
                Tensor::<1, Int>::from_data(&targets[..], device)
            };
            let logits = |x: &[Tensor<1>]| x[0].clone().reshape([n_rows, n_codes]);
            check(
                &[n_rows * n_codes],
                2.0,
                |x| code_log_prob(logits(x), targets(&x[0].device())),
                |x| plain(logits(x), targets(&x[0].device())),
            );
        }
    }

    #[test]
    fn large_logits_stay_finite() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[900.0, -900.0], [-900.0, -900.0]], &device);
        let targets = Tensor::<1, Int>::from_data([1_i64, 0], &device);
        let found = values(&code_log_prob(logits, targets));
        assert_eq!(found[0].to_bits(), (-1800.0_f32).to_bits());
        assert!((found[1] + 2.0_f32.ln()).abs() < 1e-4, "{found:?}");
    }
}
