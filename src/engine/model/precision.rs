//! The numbers that the blocks compute with: mixed precision with master weights. (Micikevicius et al., 2018)
//!
//! Weights, their gradients and updates are f32; a product rounds them where it reads them. So are the residual stream,
//! the norms, the routing of experts, the softmax of attention, the layer in front of the blocks and the loss.
//! What is computed in fewer bits are the sublayers of the blocks, the keys and values of the context, and the products with
//! the codewords.

use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use crate::engine::device::DeviceError;

/// The numbers that the blocks of a generator compute with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of f32 and 8 bits of precision.
    Bf16,
    /// 16 bits with 11 bits of precision, from 6e-8 to 65504. The loss is scaled, so that small gradients stay within.
    F16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F32, Self::Bf16, Self::F16];

    /// The name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// What gradients are multiplied by while they are computed. Those of a batch's mean are divided by thousands of
    /// codes, which brings them to the end of what f16 can tell from 0.
    pub const fn loss_scale(self) -> f64 {
        match self {
            Self::F32 | Self::Bf16 => 1.0,
            Self::F16 => 1024.0,
        }
    }

    /// Values in these numbers.
    pub(super) fn round<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        x.cast(self.dtype())
    }

    /// Refuses numbers that a device cannot compute with.
    ///
    /// # Errors
    /// [`DeviceError::Precision`].
    pub fn check(self, device: &Device) -> Result<(), DeviceError> {
        if device.supports_dtype(self.dtype()) {
            return Ok(());
        }
        Err(DeviceError::Precision {
            precision: self.name(),
        })
    }

    const fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::Bf16 => FloatDType::BF16,
            Self::F16 => FloatDType::F16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ops;

    #[test]
    fn fewer_bits_round_and_keep_their_range() {
        let device = Device::flex();
        let rounded = |precision: Precision, value: f32| -> f32 {
            precision.check(&device).unwrap();
            let x = precision.round(Tensor::<1>::from_floats([value], &device));
            ops::widen(x).into_scalar()
        };
        // 1 + 2^-7 has 8 bits, 1 + 2^-10 has 11.
        let tiny = 2.0_f32.powi(-40);
        for [value, of_bf16, of_f16] in [
            [1.0 + 1.0 / 128.0; 3],
            [1.0 + 1.0 / 1024.0, 1.0, 1.0 + 1.0 / 1024.0],
            [tiny, tiny, 0.0],
        ] {
            assert_eq!(rounded(Precision::F32, value).to_bits(), value.to_bits());
            assert_eq!(rounded(Precision::Bf16, value).to_bits(), of_bf16.to_bits());
            assert_eq!(rounded(Precision::F16, value).to_bits(), of_f16.to_bits());
        }
    }
}
