//! Root-mean-square normalisation and the residual connection around each sublayer. [A Fig. 2]

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;

use super::config::{ModelConfig, NormPlacement};
use super::init::Initializer;
use super::precision::Precision;
use crate::engine::ops;

/// Keeps the division finite for a row of zeros.
pub const EPSILON: f64 = 1e-6;

/// Divides each row by its root mean square, then scales each column.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// Scale of each column, `[d_model]`.
    pub gamma: Param<Tensor<1>>,
}

impl RmsNorm {
    pub(crate) fn init(d_model: usize, init: &Initializer<'_>) -> Self {
        Self {
            gamma: init.ones([d_model]),
        }
    }

    /// # Shapes
    /// - x: `[rows, d_model]`
    /// - output: `[rows, d_model]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ops::rms_norm(x, self.gamma.val(), EPSILON)
    }
}

/// Adds a sublayer to its input, with the normalisation before or after it.
#[derive(Module, Debug)]
pub struct Residual {
    norm: RmsNorm,
    dropout: Dropout,
    is_pre_norm: bool,
    #[module(skip)]
    precision: Precision,
}

impl Residual {
    pub(crate) fn init(config: &ModelConfig, init: &Initializer<'_>) -> Self {
        Self {
            norm: RmsNorm::init(config.d_model, init),
            dropout: DropoutConfig::new(config.dropout).init(),
            is_pre_norm: config.norm == NormPlacement::Pre,
            precision: config.precision,
        }
    }

    /// `x + f(norm(x))` or `norm(x + f(x))`; rows stay rows. The sublayer gets and gives the numbers of the configured
    /// precision, all else is f32.
    pub fn forward(
        &self,
        x: Tensor<2>,
        sublayer: impl FnOnce(Tensor<2>) -> Tensor<2>,
    ) -> Tensor<2> {
        let branch = |x| {
            let changed = sublayer(self.precision.round(x));
            self.dropout.forward(ops::widen(changed))
        };
        if self.is_pre_norm {
            x.clone() + branch(self.norm.forward(x))
        } else {
            self.norm.forward(x.clone() + branch(x))
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::engine::seed::Seed;

    #[test]
    fn rows_are_divided_by_their_root_mean_square() {
        let device = Device::flex();
        let mut norm = RmsNorm::init(2, &Initializer::new(Seed(1), &device));
        norm.gamma = Param::from_data(TensorData::from([1.0_f32, -2.0]), &device);
        let x = Tensor::from_floats([[1.0, 7.0], [0.0, 0.0], [-3.0, 4.0]], &device);
        let output: Vec<f32> = norm.forward(x).try_into_vec_as().unwrap();
        // Root mean squares 5, 0 and sqrt(12.5).
        let third = 12.5_f32.sqrt();
        let expected = [0.2, -2.8, 0.0, 0.0, -3.0 / third, -8.0 / third];
        for (a, b) in output.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{output:?}");
        }
    }
}
