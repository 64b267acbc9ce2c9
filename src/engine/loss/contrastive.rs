//! The item-to-item contrastive loss. [B 2.1.1, L_I2I]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// Keeps the division finite for a vector of zeros.
const EPSILON: f64 = 1e-12;

/// ```text
/// L = -1/|B| sum_(i,j) log( exp(sim(i, j) / tau) / sum_j' exp(sim(i, j') / tau) )
/// ```
/// with the cosine as sim; j' runs over the partners of the whole batch.
///
/// # Shapes
/// - queries, partners: `[batch, dim]`, row for row a pair
/// - output: `[1]`
pub fn contrastive(queries: Tensor<2>, partners: Tensor<2>, temperature: f64) -> Tensor<1> {
    let [n_pairs, _] = queries.dims();
    let similarity = normalised(queries).matmul(normalised(partners).transpose());
    let log_probs = log_softmax(similarity / temperature, 1);
    let own = Tensor::<1, Int>::arange(0..n_pairs as i64, &log_probs.device()).unsqueeze_dim(1);
    -log_probs.gather(1, own).mean()
}

/// Every row divided by its length.
pub fn normalised(rows: Tensor<2>) -> Tensor<2> {
    let length = (rows.clone().square().sum_dim(1) + EPSILON).sqrt();
    rows / length
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    const TEMPERATURE: f64 = 0.3;

    fn values(offset: f32) -> Vec<f32> {
        (0..12)
            .map(|idx| (idx as f32 * 1.3 + offset).sin())
            .collect()
    }

    /// The formula, number by number, in double precision.
    fn by_hand(queries: &[f32], partners: &[f32]) -> f64 {
        let rows = |values: &[f32]| -> Vec<Vec<f64>> {
            let rows = values.chunks(3).map(|row| {
                let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
                let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
                row.iter().map(|value| value / length).collect()
            });
            rows.collect()
        };
        let (queries, partners) = (rows(queries), rows(partners));
        let score = |i: usize, j: usize| -> f64 {
            let dot: f64 = queries[i]
                .iter()
                .zip(&partners[j])
                .map(|(a, b)| a * b)
                .sum();
            (dot / TEMPERATURE).exp()
        };
        let n = queries.len();
        let losses = (0..n).map(|i| -(score(i, i) / (0..n).map(|j| score(i, j)).sum::<f64>()).ln());
        losses.sum::<f64>() / n as f64
    }

    #[test]
    fn it_is_the_cross_entropy_of_the_batch_and_its_gradient_agrees_with_finite_differences() {
        let device = Device::flex().autodiff();
        let (queries, partners) = (values(0.2), values(1.9));
        let tensor = |values: &[f32]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [4, 3]), &device).require_grad()
        };
        let (q, p) = (tensor(&queries), tensor(&partners));
        let loss = contrastive(q.clone(), p.clone(), TEMPERATURE);
        let value: f32 = loss.clone().into_scalar();
        assert!((f64::from(value) - by_hand(&queries, &partners)).abs() < 1e-5);
        let grads = loss.backward();
        for (side, tensor) in [q, p].into_iter().enumerate() {
            let grad: Vec<f32> = tensor.grad(&grads).unwrap().try_into_vec_as().unwrap();
            for (idx, grad) in grad.into_iter().enumerate() {
                let at = |by: f32| {
                    let mut both = [queries.clone(), partners.clone()];
                    both[side][idx] += by;
                    by_hand(&both[0], &both[1])
                };
                let measured = (at(1e-2) - at(-1e-2)) / 2e-2;
                assert!(
                    (f64::from(grad) - measured).abs() < 2e-3,
                    "side {side}, value {idx}: {grad}, {measured}"
                );
            }
        }
    }

    #[test]
    fn equal_items_give_the_logarithm_of_the_batch() {
        let device = Device::flex();
        let same = Tensor::<2>::ones([5, 3], &device);
        let value: f32 = contrastive(same.clone(), same, 0.1).into_scalar();
        assert!((value - 5.0_f32.ln()).abs() < 1e-5);
    }
}
