//! Direct preference optimisation against a frozen reference. [A eq. 10]

use burn::tensor::Tensor;
use burn::tensor::activation::log_sigmoid;

/// Loss of a batch of preference pairs.
#[derive(Clone, Debug)]
pub struct DpoOutput {
    /// `-ln sigmoid(margin)` of each pair, `[n_pairs]`; ln 2 where policy and reference agree.
    pub loss: Tensor<1>,
    /// β times how much more the policy prefers the chosen slate than the reference does, `[n_pairs]`.
    pub margin: Tensor<1>,
}

impl DpoOutput {
    /// Share of pairs with a positive margin, `[1]`: those where the policy moved the right way.
    pub fn accuracy(&self) -> Tensor<1> {
        self.margin
            .clone()
            .detach()
            .greater_elem(0.0)
            .float()
            .mean()
    }
}

/// DPO from the log-probabilities of the chosen and rejected slates, `[n_pairs]` each.
pub fn dpo(
    policy_chosen: Tensor<1>,
    policy_rejected: Tensor<1>,
    reference_chosen: Tensor<1>,
    reference_rejected: Tensor<1>,
    beta: f64,
) -> DpoOutput {
    let margin = ((policy_chosen - reference_chosen) - (policy_rejected - reference_rejected))
        .mul_scalar(beta);
    DpoOutput {
        loss: log_sigmoid(margin.clone()).neg(),
        margin,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_loss_is_ln_2_at_the_start_and_follows_the_margin() {
        let device = Device::flex();
        let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
        let output = dpo(
            tensor([-5.0, -3.0]),
            tensor([-7.0, -6.0]),
            tensor([-5.0, -4.0]),
            tensor([-7.0, -4.0]),
            0.5,
        );
        let loss: Vec<f32> = output.loss.clone().try_into_vec_as().unwrap();
        let margin: Vec<f32> = output.margin.clone().try_into_vec_as().unwrap();
        assert!((loss[0] - 2.0_f32.ln()).abs() < 1e-6, "{loss:?}");
        // 0.5 * ((-3 + 4) - (-6 + 4)) = 1.5
        assert!((margin[1] - 1.5).abs() < 1e-6, "{margin:?}");
        assert!(
            (loss[1] - (1.0 + (-1.5_f32).exp()).ln()).abs() < 1e-6,
            "{loss:?}"
        );
        let accuracy: f32 = output.accuracy().into_scalar();
        assert!((accuracy - 0.5).abs() < 1e-6, "{accuracy}");
    }
}
