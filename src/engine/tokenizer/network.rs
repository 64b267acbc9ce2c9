//! A small fully connected network with frozen weights: ReLU between its layers, none after the last.

use rayon::prelude::*;

/// Weights of all layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Inputs, hidden widths, outputs.
    widths: Vec<usize>,
    /// Whether the input is added to the output.
    has_skip: bool,
    /// Per layer `[n_in * n_out]` row-major, then its bias `[n_out]`.
    weights: Vec<f32>,
}

impl Network {
    /// Wraps weights, or says why they fit no network of these widths.
    ///
    /// # Errors
    /// In words.
    pub fn new(widths: Vec<usize>, has_skip: bool, weights: Vec<f32>) -> Result<Self, String> {
        if widths.len() < 2 || widths.contains(&0) || widths.iter().any(|width| *width > 1 << 20) {
            return Err(format!("no network can have the widths {widths:?}"));
        }
        if has_skip && widths.first() != widths.last() {
            return Err(format!("widths {widths:?} leave no way past the layers"));
        }
        let expected = n_weights(&widths);
        if weights.len() != expected {
            return Err(format!(
                "expected {expected} weights for the widths {widths:?}, found {}",
                weights.len()
            ));
        }
        match weights.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(format!("a weight is {value}")),
            None => Ok(Self {
                widths,
                has_skip,
                weights,
            }),
        }
    }

    /// Wraps weights that were just made for these widths.
    ///
    /// # Panics
    /// If they do not fit: a bug of the caller.
    pub fn from_parts(widths: Vec<usize>, has_skip: bool, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), n_weights(&widths), "weights for {widths:?}");
        Self {
            widths,
            has_skip,
            weights,
        }
    }

    /// Inputs.
    pub fn n_inputs(&self) -> usize {
        self.widths[0]
    }

    /// Outputs.
    pub fn n_outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// Inputs, hidden widths, outputs.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Whether the input is added to the output.
    pub fn has_skip(&self) -> bool {
        self.has_skip
    }

    /// Per layer the weights `[n_in * n_out]`, then the bias.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// `[n * n_inputs]` to `[n * n_outputs]`.
    pub fn apply(&self, rows: &[f32]) -> Vec<f32> {
        rows.par_chunks_exact(self.n_inputs())
            .flat_map_iter(|row| self.apply_to_one(row))
            .collect()
    }

    fn apply_to_one(&self, row: &[f32]) -> Vec<f32> {
        let mut current = row.to_vec();
        let mut rest = &self.weights[..];
        for (layer_idx, pair) in self.widths.windows(2).enumerate() {
            let (matrix, after) = rest.split_at(pair[0] * pair[1]);
            let (bias, after) = after.split_at(pair[1]);
            rest = after;
            let mut next = bias.to_vec();
            for (value, weights) in current.iter().zip(matrix.chunks_exact(pair[1])) {
                for (sum, weight) in next.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
            if layer_idx + 2 < self.widths.len() {
                for value in &mut next {
                    *value = value.max(0.0);
                }
            }
            current = next;
        }
        if self.has_skip {
            for (value, input) in current.iter_mut().zip(row) {
                *value += input;
            }
        }
        current
    }
}

/// Weights and biases of a network of these widths.
pub fn n_weights(widths: &[usize]) -> usize {
    widths
        .windows(2)
        .map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]))
        .fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_layers_by_hand() {
        // Hidden: relu(x - 1), relu(-x); output: 2 h1 + 3 h2 + 0.5.
        let weights = vec![1.0, -1.0, -1.0, 0.0, 2.0, 3.0, 0.5];
        let plain = Network::new(vec![1, 2, 1], false, weights.clone()).unwrap();
        assert_eq!(plain.apply(&[4.0, -2.0]), [6.5, 6.5]);
        let skip = Network::new(vec![1, 2, 1], true, weights).unwrap();
        assert_eq!(skip.apply(&[4.0, -2.0]), [10.5, 4.5]);
    }

    #[test]
    fn weights_that_do_not_fit_are_refused() {
        for (widths, has_skip, n_weights) in [
            (vec![3], false, 0),
            (vec![3, 0], false, 0),
            (vec![3, 2], true, 8),
            (vec![3, 2], false, 7),
        ] {
            assert!(Network::new(widths, has_skip, vec![0.0; n_weights]).is_err());
        }
        assert!(Network::new(vec![1, 1], false, vec![f32::NAN, 0.0]).is_err());
    }
}
