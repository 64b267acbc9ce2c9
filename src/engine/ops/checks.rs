//! An operation against the plain composition and against finite differences, for tests.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;

use crate::engine::seed::Seed;

/// Compares two functions of flat tensors, and the gradients of `fast` with central differences.
///
/// `sizes` are the numbers of values of the inputs. An input that is scaled by `scale` is drawn from -scale to scale.
pub(super) fn check(
    sizes: &[usize],
    scale: f32,
    fast: impl Fn(&[Tensor<1>]) -> Tensor<1>,
    plain: impl Fn(&[Tensor<1>]) -> Tensor<1>,
) {
    let mut rng = Seed(11).rng("test.check", sizes.iter().sum::<usize>() as u64);
    let mut draw =
        |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-scale..scale)).collect() };
    let inputs: Vec<Vec<f32>> = sizes.iter().map(|n| draw(*n)).collect();
    let device = Device::flex().autodiff();
    let leaves = |inputs: &[Vec<f32>]| -> Vec<Tensor<1>> {
        inputs
            .iter()
            .map(|values| vector(values, &device).require_grad())
            .collect()
    };
    let [of_fast, of_plain] = [leaves(&inputs), leaves(&inputs)];
    let (output, expected) = (fast(&of_fast), plain(&of_plain));
    assert_near("output", &values(&output), &values(&expected));

    let on_host: Vec<Tensor<1>> = inputs
        .iter()
        .map(|values| vector(values, &Device::flex()))
        .collect();
    let unrecorded = values(&fast(&on_host));
    assert_eq!(unrecorded, values(&output), "without recording");

    let weights = draw(unrecorded.len());
    let loss = |output: Tensor<1>| (output * vector(&weights, &device)).sum();
    let (grads, expected_grads) = (loss(output).backward(), loss(expected).backward());
    for (idx, input) in inputs.iter().enumerate() {
        let gradient = values(&of_fast[idx].grad(&grads).unwrap());
        let expected = values(&of_plain[idx].grad(&expected_grads).unwrap());
        assert_near(&format!("gradient of input {idx}"), &gradient, &expected);

        let mut alone: Vec<Tensor<1>> = inputs
            .iter()
            .map(|values| vector(values, &device))
            .collect();
        alone[idx] = alone[idx].clone().require_grad();
        let grads = loss(fast(&alone)).backward();
        let found = values(&alone[idx].grad(&grads).unwrap());
        assert_eq!(found, gradient, "input {idx} alone records");

        let direction = draw(input.len());
        let slope: f64 = dot(&gradient, &direction);
        let at = |step: f32| -> f64 {
            let mut moved = inputs.clone();
            for (value, direction) in moved[idx].iter_mut().zip(&direction) {
                *value += step * direction;
            }
            let moved: Vec<Tensor<1>> = moved
                .iter()
                .map(|values| vector(values, &Device::flex()))
                .collect();
            dot(&values(&fast(&moved)), &weights)
        };
        let step = 2e-3;
        let measured = (at(step) - at(-step)) / f64::from(2.0 * step);
        let size = dot(&gradient, &gradient).sqrt() * dot(&direction, &direction).sqrt();
        assert!(
            (measured - slope).abs() < 0.01 * size + 1e-3,
            "input {idx}: slope {slope}, measured {measured}, at most {size}"
        );
    }
}

fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

pub(super) fn values<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.clone().try_into_vec_as().unwrap()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

/// Equal within rounding, relative to the largest value.
pub(super) fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(1e-3_f32, |most, x| most.max(x.abs()));
    for (idx, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= 2e-5 * largest,
            "{what}: {a} != {b} at {idx}, largest {largest}"
        );
    }
}
