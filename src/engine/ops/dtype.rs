//! Numbers that may be others than `f32`.

use burn::tensor::{FloatDType, Tensor};

/// `x` in the numbers of `other`.
pub(super) fn as_in<const D: usize, const E: usize>(x: Tensor<D>, other: &Tensor<E>) -> Tensor<D> {
    x.cast(FloatDType::from(other.dtype()))
}

/// `x` in `f32`, whatever its numbers were.
pub fn widen<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.cast(FloatDType::F32)
}
