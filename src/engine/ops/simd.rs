//! Loops with the widest vector instructions that the processor has, and functions that the compiler can turn into them.

use faer::traits::pulp::Arch;

/// Lanes of a sum: more than any vector has, so that its order is the same on every processor.
const N_LANES: usize = 32;

/// Rows of a block of work; fixed, so that sums over blocks do not depend on the number of threads.
pub(super) const BLOCK_ROWS: usize = 64;

/// Elements of a block of element-wise work: what the first caches hold.
pub(super) const BLOCK: usize = 16 * 1024;

/// Compiles `work` for the processor that it runs on.
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// e^x to the last bits; 0 below -87, the largest power below infinity above 88.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Cephes: x = n ln 2 + r, e^r by a polynomial, 2^n through the exponent's bits.
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding this rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.3);
    let shifted = clamped * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    let value = (p * r * r + r + 1.0) * power;
    if x < -87.3 { 0.0 } else { value }
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Sum of `map` over pairs of elements.
#[inline(always)]
pub(super) fn sum_of_pairs(a: &[f32], b: &[f32], map: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; N_LANES];
    let (a_chunks, a_rest) = a.as_chunks::<N_LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<N_LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..N_LANES {
            lanes[lane] += map(a[lane], b[lane]);
        }
    }
    let mut rest = 0.0;
    for (a, b) in a_rest.iter().zip(b_rest) {
        rest += map(*a, *b);
    }
    lanes.iter().sum::<f32>() + rest
}

/// Sum of products.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of_pairs(a, b, |a, b| a * b)
}

/// Sum.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    sum_of_pairs(x, x, |x, _| x)
}

/// The largest value.
#[inline(always)]
pub(super) fn largest(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; N_LANES];
    let (chunks, rest) = x.as_chunks::<N_LANES>();
    for chunk in chunks {
        for lane in 0..N_LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] {
                chunk[lane]
            } else {
                lanes[lane]
            };
        }
    }
    lanes
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_exact_to_two_units_in_the_last_place() {
        let mut x = -87.0_f32;
        while x < 88.0 {
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 2.4e-7, "e^{x}: relative error {error}");
            x += 0.003_7;
        }
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!(exp(-1e9).to_bits(), 0);
        assert!(exp(500.0).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_and_maxima_of_every_length() {
        for len in [0, 1, 31, 32, 33, 70] {
            let x: Vec<f32> = (0..len).map(|idx| ((idx * 7) % 11) as f32 - 5.0).collect();
            let n = x.iter().map(|x| x * x).sum::<f32>();
            assert!((dot(&x, &x) - n).abs() < 1e-3, "{len}");
            assert!((sum(&x) - x.iter().sum::<f32>()).abs() < 1e-3, "{len}");
            let expected = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(largest(&x).to_bits(), expected.to_bits(), "{len}");
        }
    }
}
