//! How far the policy's predictions are from the reference's: Kullback-Leibler divergence per level. A measure, not a loss.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Mean of `sum over codes of p ln(p / q)` at the places of each level, p the policy and q the reference, `[n_levels]`,
/// nats; 0 where both agree.
///
/// # Shapes
/// - policy, reference: logits `[n_rows, n_codes, codebook_size]`, level after level, item after item
pub fn level_divergence(policy: Tensor<3>, reference: Tensor<3>, n_levels: usize) -> Tensor<1> {
    let [n_rows, n_codes, codebook_size] = policy.dims();
    let log_probs = |logits: Tensor<3>| {
        log_softmax(
            logits.detach().reshape([n_rows * n_codes, codebook_size]),
            1,
        )
    };
    let (policy, reference) = (log_probs(policy), log_probs(reference));
    (policy.clone().exp() * (policy - reference))
        .sum_dim(1)
        .reshape([n_rows * n_codes / n_levels, n_levels])
        .mean_dim(0)
        .reshape([n_levels])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn equal_predictions_and_a_pair_by_hand() {
        let device = Device::flex();
        let tensor =
            |values: Vec<f32>| Tensor::<3>::from_data(TensorData::new(values, [1, 2, 2]), &device);
        // Level 1: (3/4, 1/4) against (1/2, 1/2); level 2: the same on both sides.
        let policy = tensor(vec![3.0_f32.ln(), 0.0, 5.0, 1.0]);
        let reference = tensor(vec![0.0, 0.0, 4.0, 0.0]);
        let found: Vec<f32> = level_divergence(policy, reference, 2)
            .try_into_vec_as()
            .unwrap();
        let expected = 0.75 * 1.5_f32.ln() + 0.25 * 0.5_f32.ln();
        assert!((found[0] - expected).abs() < 1e-5, "{found:?}");
        assert!(found[1].abs() < 1e-6, "{found:?}");
    }
}
