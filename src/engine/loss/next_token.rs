//! Next-token prediction over the codes of a session. [A eq. 4]
//!
//! The printed sum of eq. 4 is off by one; here every code is predicted once, from what stands before it.

use burn::tensor::{Int, Tensor};

use crate::engine::ops::code_log_prob;

/// Cross-entropy of a batch, in nats.
#[derive(Clone, Debug)]
pub struct LossOutput {
    /// Sum over all weighted codes, `[1]`.
    pub sum: Tensor<1>,
    /// Mean per weighted code, `[1]`: what training minimises.
    pub mean: Tensor<1>,
    /// Mean per weighted code of each level, `[n_levels]`, without gradient.
    pub per_level: Tensor<1>,
}

/// Cross-entropy of codes that stand level after level, item after item.
///
/// # Shapes
/// - logits: `[n_rows, n_codes, codebook_size]`
/// - targets, weight: `[n_rows, n_codes]`, `n_codes` a multiple of `n_levels`
pub fn next_token(
    logits: Tensor<3>,
    targets: Tensor<2, Int>,
    weight: Tensor<2>,
    n_levels: usize,
) -> LossOutput {
    let [n_rows, n_codes] = targets.dims();
    let losses = code_log_probs(logits, targets).neg() * weight.clone();
    let by_level = |x: Tensor<2>| {
        x.detach()
            .reshape([n_rows * n_codes / n_levels, n_levels])
            .sum_dim(0)
            .reshape([n_levels])
    };
    // A level without a single weighted code has loss 0, not 0/0.
    let per_level = by_level(losses.clone()) / by_level(weight.clone()).clamp_min(1.0);
    let sum = losses.sum();
    let mean = sum.clone() / weight.sum().clamp_min(1.0);
    LossOutput {
        sum,
        mean,
        per_level,
    }
}

/// What label smoothing adds to the loss per unit of smoothing, `[1]`: how far each target's logit lies above the mean of
/// its level's logits, summed over the weighted codes.
///
/// Targets that keep `1 - e` of the probability and spread `e` evenly over the K codes of the level have the loss
/// `-(1 - e) ln p_t - (e / K) sum_k ln p_k`. The normaliser of the softmax cancels in the difference to `-ln p_t`, which is
/// `e (z_t - mean_k z_k)`.
///
/// # Shapes
/// - logits: `[n_rows, n_codes, codebook_size]`
/// - targets, weight: `[n_rows, n_codes]`
pub fn label_smoothing(logits: Tensor<3>, targets: Tensor<2, Int>, weight: Tensor<2>) -> Tensor<1> {
    let [n_rows, n_codes, _] = logits.dims();
    let mean = logits.clone().mean_dim(2);
    let above = logits.gather(2, targets.unsqueeze_dim(2)) - mean;
    (above.reshape([n_rows, n_codes]) * weight).sum()
}

/// Log-probability of each row's weighted codes, `[n_rows]`. BOS is given, not predicted, and does not count. [A eq. 10]
///
/// # Shapes
/// - logits: `[n_rows, n_codes, codebook_size]`
/// - targets, weight: `[n_rows, n_codes]`
pub fn sequence_log_prob(
    logits: Tensor<3>,
    targets: Tensor<2, Int>,
    weight: Tensor<2>,
) -> Tensor<1> {
    let [n_rows, _] = targets.dims();
    (code_log_probs(logits, targets) * weight)
        .sum_dim(1)
        .reshape([n_rows])
}

/// Log-probability of each target among the codes of its level, `[n_rows, n_codes]`.
///
/// # Shapes
/// - logits: `[n_rows, n_codes, codebook_size]`
/// - targets: `[n_rows, n_codes]`
pub fn code_log_probs(logits: Tensor<3>, targets: Tensor<2, Int>) -> Tensor<2> {
    let [n_rows, n_codes, codebook_size] = logits.dims();
    code_log_prob(
        logits.reshape([n_rows * n_codes, codebook_size]),
        targets.reshape([n_rows * n_codes]),
    )
    .reshape([n_rows, n_codes])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// Two rows of two items with two levels of two codes; the second item of the second row has no weight.
    fn input(device: &Device) -> (Tensor<3>, Tensor<2, Int>, Tensor<2>) {
        let third = 3.0_f32.ln();
        // Softmax over [0, ln 3] is [1/4, 3/4].
        let logits = [0.0, third].repeat(8);
        let targets = vec![0_i64, 1, 1, 1, /**/ 0, 0, 0, 0];
        let weight = vec![1.0_f32, 1.0, 1.0, 1.0, /**/ 1.0, 1.0, 0.0, 0.0];
        (
            Tensor::from_data(TensorData::new(logits, [2, 4, 2]), device),
            Tensor::from_data(TensorData::new(targets, [2, 4]), device),
            Tensor::from_data(TensorData::new(weight, [2, 4]), device),
        )
    }

    fn assert_near(actual: Tensor<1>, expected: &[f32]) {
        let actual: Vec<f32> = actual.try_into_vec_as().unwrap();
        assert_eq!(actual.len(), expected.len(), "length");
        for (a, b) in actual.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{actual:?} != {expected:?}");
        }
    }

    #[test]
    fn sum_mean_and_levels_count_weighted_codes_only() {
        let (logits, targets, weight) = input(&Device::flex());
        let output = next_token(logits, targets, weight, 2);
        let (rare, common) = (4.0_f32.ln(), (4.0_f32 / 3.0).ln());
        // Level 0: rare, common, rare. Level 1: common, common, rare.
        let levels = [(2.0 * rare + common) / 3.0, (rare + 2.0 * common) / 3.0];
        assert_near(output.sum, &[3.0 * rare + 3.0 * common]);
        assert_near(output.mean, &[(rare + common) / 2.0]);
        assert_near(output.per_level, &levels);
    }

    #[test]
    fn smoothing_by_hand() {
        let (logits, targets, weight) = input(&Device::flex());
        let loss = next_token(logits.clone(), targets.clone(), weight.clone(), 2).sum;
        let smoothed = loss + label_smoothing(logits, targets, weight).mul_scalar(0.2);
        // Every weighted code costs .9 of its own loss and .1 of the other code's: two codes share the .2.
        let (rare, common) = (4.0_f32.ln(), (4.0_f32 / 3.0).ln());
        assert_near(
            smoothed,
            &[3.0 * (0.9 * rare + 0.1 * common) + 3.0 * (0.9 * common + 0.1 * rare)],
        );
    }

    #[test]
    fn the_log_probability_of_a_row_is_the_sum_over_its_codes() {
        let (logits, targets, weight) = input(&Device::flex());
        let (rare, common) = (0.25_f32.ln(), 0.75_f32.ln());
        assert_near(
            sequence_log_prob(logits, targets, weight),
            &[rare + 3.0 * common, 2.0 * rare],
        );
    }
}
