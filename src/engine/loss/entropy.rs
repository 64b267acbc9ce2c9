//! How undecided the generator is: entropy of its predictions per level. A measure, not a loss. [A 5.4]

use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};

/// Mean entropy in nats of the predicted distributions of each level, `[n_levels]`; at most ln codebook_size.
///
/// # Shapes
/// - logits: `[n_rows, n_codes, codebook_size]`, level after level, item after item
pub fn level_entropy(logits: Tensor<3>, n_levels: usize) -> Tensor<1> {
    let [n_rows, n_codes, codebook_size] = logits.dims();
    let logits = logits.detach().reshape([n_rows * n_codes, codebook_size]);
    let entropy = (softmax(logits.clone(), 1) * log_softmax(logits, 1))
        .sum_dim(1)
        .neg();
    entropy
        .reshape([n_rows * n_codes / n_levels, n_levels])
        .mean_dim(0)
        .reshape([n_levels])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn even_and_certain_predictions() {
        let logits = [0.0_f32, 0.0, 0.0, /**/ 100.0, 0.0, 0.0].repeat(4);
        let logits = Tensor::from_data(TensorData::new(logits, [2, 4, 3]), &Device::flex());
        let entropy: Vec<f32> = level_entropy(logits, 2).try_into_vec_as().unwrap();
        assert!((entropy[0] - 3.0_f32.ln()).abs() < 1e-5, "{entropy:?}");
        assert!(entropy[1].abs() < 1e-5, "{entropy:?}");
    }
}
