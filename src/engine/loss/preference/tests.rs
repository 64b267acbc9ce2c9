//! Objectives against values by hand, against each other and against finite differences.

use std::f32::consts::LN_2;

use burn::tensor::{Device, Tensor, TensorData};

use super::*;

const BETA: f64 = 0.5;
const NOISE: f64 = 0.1;

/// Two pairs with one rejected slate each; the first is as the reference has it.
fn pairs(device: &Device) -> PairLogProbs {
    let tensor = |values: [f32; 2]| Tensor::<2>::from_floats([[values[0]], [values[1]]], device);
    PairLogProbs {
        chosen: tensor([-5.0, -3.0]),
        rejected: tensor([-7.0, -6.0]),
        reference_chosen: tensor([-5.0, -4.0]),
        reference_rejected: tensor([-7.0, -4.0]),
        n_codes: 6,
    }
}

type Loss = fn(&PairLogProbs) -> PreferenceOutput;

const OBJECTIVES: [(&str, Loss); 7] = [
    ("DPO", |pairs| dpo(pairs, BETA)),
    ("IPO", |pairs| ipo(pairs, BETA)),
    ("cDPO", |pairs| cdpo(pairs, BETA, NOISE)),
    ("rDPO", |pairs| rdpo(pairs, BETA, NOISE)),
    ("CPO", |pairs| cpo(pairs, BETA)),
    ("SimPO", |pairs| simpo(pairs, BETA, 0.2)),
    ("S-DPO", |pairs| s_dpo(pairs, BETA)),
];

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn softplus(x: f32) -> f32 {
    (1.0 + x.exp()).ln()
}

#[test]
fn every_loss_by_hand() {
    let pairs = pairs(&Device::flex());
    // The gained preference of the second pair is (-3 + 4) - (-6 + 4) = 3, its DPO margin 1.5; its preference is 3.
    let (right, wrong) = (softplus(-1.5), softplus(1.5));
    let expected = [
        [LN_2, right],
        [1.0, 4.0],
        [LN_2, 0.9 * right + 0.1 * wrong],
        [LN_2, (0.9 * right - 0.1 * wrong) / 0.8],
        [softplus(-1.0) + 5.0 / 6.0, right + 0.5],
        // Preferences 2 and 3 over 6 codes: margins 1/6 - 0.2 and 1/4 - 0.2.
        [softplus(0.2 - 1.0 / 6.0), softplus(-0.05)],
        [LN_2, right],
    ];
    for ((name, loss), expected) in OBJECTIVES.into_iter().zip(expected) {
        let found = values(loss(&pairs).loss);
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{name}: {found:?} != {expected:?}");
        }
    }
    let accuracy: f32 = dpo(&pairs, BETA).accuracy().into_scalar();
    assert!((accuracy - 0.5).abs() < 1e-6, "{accuracy}");
}

#[test]
fn noise_of_zero_is_dpo() {
    let pairs = pairs(&Device::flex());
    let expected = values(dpo(&pairs, BETA).loss);
    assert_eq!(values(cdpo(&pairs, BETA, 0.0).loss), expected);
    assert_eq!(values(rdpo(&pairs, BETA, 0.0).loss), expected);
}

#[test]
fn several_negatives_count_together_in_s_dpo() {
    let device = Device::flex();
    let pairs = PairLogProbs {
        chosen: Tensor::from_floats([[-2.0]], &device),
        rejected: Tensor::from_floats([[-2.0, -4.0, -600.0]], &device),
        reference_chosen: Tensor::from_floats([[-2.0]], &device),
        reference_rejected: Tensor::from_floats([[-2.0, -3.0, -3.0]], &device),
        n_codes: 3,
    };
    // Margins 0, 0.5 and far away: ln(1 + e^0 + e^-0.5).
    let expected = (1.0 + 1.0 + (-0.5_f32).exp()).ln();
    let found = values(s_dpo(&pairs, BETA).loss);
    assert!(
        (found[0] - expected).abs() < 1e-5,
        "{found:?} != {expected}"
    );
}

#[test]
fn references_matter_exactly_where_the_formula_has_them() {
    let with = pairs(&Device::flex());
    let without = PairLogProbs {
        reference_chosen: with.reference_chosen.zeros_like(),
        ..with.clone()
    };
    for (name, loss) in OBJECTIVES {
        let is_equal = values(loss(&with).loss) == values(loss(&without).loss);
        assert_eq!(is_equal, matches!(name, "CPO" | "SimPO"), "{name}");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    let plain = pairs(&device);
    let at = |chosen: [f32; 2]| PairLogProbs {
        chosen: Tensor::from_data(TensorData::new(chosen.to_vec(), [2, 1]), &device),
        ..plain.clone()
    };
    for (name, loss) in OBJECTIVES {
        let chosen = plain.chosen.clone().require_grad();
        let moved = PairLogProbs {
            chosen: chosen.clone(),
            ..plain.clone()
        };
        let grads = loss(&moved).loss.sum().backward();
        let grad: Vec<f32> = chosen.grad(&grads).unwrap().try_into_vec_as().unwrap();
        for (idx, grad) in grad.iter().enumerate() {
            let value = |step: f32| {
                let mut chosen = [-5.0, -3.0];
                chosen[idx] += step;
                values(loss(&at(chosen)).loss)[idx]
            };
            let expected = (value(0.01) - value(-0.01)) / 0.02;
            assert!(
                (grad - expected).abs() < 2e-3,
                "{name}, pair {idx}: {grad} != {expected}"
            );
        }
    }
}
