//! Objectives against the vectors that follow from their formulas, with their gradients.

use burn::tensor::{Device, Tensor};

use super::*;

const CLIP: f64 = 0.2;
const EARLY: f64 = 0.1;

/// Loss, ratio and gradient with respect to `ln pi` of one unit.
fn one(
    objective: impl Fn(&Rollouts) -> PolicyOutput,
    pi: f32,
    old: f32,
    advantage: f32,
) -> [f32; 3] {
    let device = Device::flex().autodiff();
    let log_probs = Tensor::<2>::from_floats([[pi.ln()]], &device).require_grad();
    let output = objective(&Rollouts {
        log_probs: log_probs.clone(),
        old_log_probs: Tensor::from_floats([[old.ln()]], &device),
        advantages: Tensor::from_floats([[advantage]], &device),
    });
    let grads = output.loss.clone().sum().backward();
    let grad = log_probs
        .grad(&grads)
        .map_or(0.0, |grad| grad.into_scalar());
    [output.loss.into_scalar(), output.ratio.into_scalar(), grad]
}

fn assert_near(found: [f32; 3], expected: [f32; 3]) {
    for (a, b) in found.iter().zip(expected) {
        assert!(
            (a - b).abs() < 1e-4 * b.abs().max(1.0),
            "{found:?} != {expected:?}"
        );
    }
}

#[test]
fn early_clipping_bounds_what_grpo_does_not() {
    // The objective is -1.3 and its gradient -1.3; the loss is minus that. Plain GRPO: 5.
    assert_near(
        one(|x| ecpo(x, CLIP, EARLY), 0.5, 0.1, -1.0),
        [1.3, 1.3, 1.3],
    );
    assert_near(one(|x| grpo(x, CLIP), 0.5, 0.1, -1.0), [5.0, 5.0, 5.0]);
}

#[test]
fn early_clipping_leaves_the_clipped_cases_of_grpo() {
    assert_near(
        one(|x| ecpo(x, CLIP, EARLY), 0.5, 0.1, 1.0),
        [-1.2, 1.3, 0.0],
    );
    assert_near(
        one(|x| ecpo(x, CLIP, EARLY), 0.05, 0.1, -1.0),
        [0.8, 0.5, 0.0],
    );
}

#[test]
fn early_clipping_is_grpo_where_the_ratio_is_moderate_or_the_bound_is_far() {
    for (pi, advantage) in [
        (0.09, -1.0),
        (0.11, -1.0),
        (0.125, -0.5),
        (0.09, 2.0),
        (0.3, 1.0),
    ] {
        let plain = one(|x| grpo(x, CLIP), pi, 0.1, advantage);
        if pi < 0.13 {
            assert_near(one(|x| ecpo(x, CLIP, EARLY), pi, 0.1, advantage), plain);
        }
        assert_near(one(|x| ecpo(x, CLIP, 1e9), pi, 0.1, advantage), plain);
    }
}

#[test]
fn gradient_bounds_are_those_of_binary_cross_entropy() {
    // dL/d ln pi = pi dL/dpi: 0.01 * 1.0101, and 0.5 * -2.
    assert_near(
        one(gbpo, 0.01, 0.01, -1.0),
        [0.010_101, 0.010_101, 0.010_101],
    );
    assert_near(one(gbpo, 0.5, 0.1, 1.0), [-1.0, 1.0, -1.0]);
}

#[test]
fn advantages_have_mean_0_and_deviation_1_and_equal_rewards_say_nothing() {
    let advantages = group_advantages(&[1.0, 2.0, 3.0, 6.0]);
    assert!(
        advantages.iter().sum::<f64>().abs() < 1e-12,
        "{advantages:?}"
    );
    let variance: f64 = advantages.iter().map(|a| a * a).sum::<f64>() / 4.0;
    assert!((variance - 1.0).abs() < 1e-12, "{advantages:?}");
    assert_eq!(group_advantages(&[0.3; 5]), [0.0; 5]);
}

#[test]
fn the_distance_to_the_old_policy_is_zero_at_the_start_only() {
    let device = Device::flex();
    let old = Tensor::<2>::from_floats([[-1.0, -2.0]], &device);
    let rollouts = Rollouts {
        log_probs: Tensor::from_floats([[-1.0, -2.5]], &device),
        old_log_probs: old,
        advantages: Tensor::from_floats([[1.0]], &device),
    };
    let kl: Vec<f32> = kl_to_old(&rollouts).try_into_vec_as().unwrap();
    assert!(kl[0].abs() < 1e-6, "{kl:?}");
    assert!((kl[1] - (0.5_f32.exp() - 0.5 - 1.0)).abs() < 1e-5, "{kl:?}");
}
