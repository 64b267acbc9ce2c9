//! What a policy gradient learns from, as it is shown: how advantages and ratios are spread.

use burn::tensor::Tensor;

use crate::engine::event::{GroupSpread, Histogram};

/// Advantages are deviations from the group's mean in units of its standard deviation.
const MOST_ADVANTAGE: f64 = 3.0;
/// Bins of the advantages.
const ADVANTAGE_BINS: usize = 24;
/// Ratios lie about 1; none but bad slates without early clipping go beyond this.
const MOST_RATIO: f64 = 2.0;
/// Bins of the ratios: with 40 of them, 1 stands at a border, as do the usual bounds of clipping.
const RATIO_BINS: usize = 40;

/// Histograms of a step's advantages and ratios (any shape).
pub(super) fn group_spread(step: u64, advantages: &[f32], ratios: &Tensor<2>) -> GroupSpread {
    let ratios: Vec<f32> = ratios
        .clone()
        .try_into_vec_as()
        .expect("the device that computed the ratios can be read");
    let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
    let (advantages, ratios): (Vec<f64>, Vec<f64>) = (wide(advantages), wide(&ratios));
    GroupSpread {
        step,
        advantages: Histogram::of(advantages, -MOST_ADVANTAGE, MOST_ADVANTAGE, ADVANTAGE_BINS),
        ratios: Histogram::of(ratios, 0.0, MOST_RATIO, RATIO_BINS),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn advantages_and_ratios_are_counted() {
        let ratios = TensorData::new(vec![1.0_f32, 0.99, 1.31, 9.0], [2, 2]);
        let ratios = Tensor::from_data(ratios, &Device::flex());
        let spread = group_spread(7, &[-1.0, 1.0], &ratios);
        assert_eq!((spread.step, spread.advantages.total()), (7, 2));
        // Bins of .25: -1 is in the ninth, 1 in the seventeenth.
        assert_eq!(
            (spread.advantages.counts[8], spread.advantages.counts[16]),
            (1, 1)
        );
        // Bins of .05: .99 is in the twentieth, 1 in the next, 1.31 in the 27th, 9 in the last.
        let filled: Vec<usize> = (0..RATIO_BINS)
            .filter(|bin| spread.ratios.counts[*bin] == 1)
            .collect();
        assert_eq!(filled, [19, 20, 26, 39]);
    }
}
