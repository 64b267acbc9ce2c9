//! What every kind of K-means here shares: the points, the first centroids, the means.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rand::seq::SliceRandom as _;
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Code;
use crate::engine::embedding::squared_distance;

/// Points per cluster among which k-means++ looks for the first centroids.
const SEEDING_POINTS_PER_CLUSTER: usize = 10;
/// Differences between two looks at a wish to stop while looking for first centroids.
const WORK_PER_PULSE: usize = 400_000_000;

/// Dimensions that one thread sums: two cache lines.
const DIMENSIONS_OF_TASK: usize = 32;

/// Points `[n_points * dim]`, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    /// The coordinates.
    pub values: &'a [f32],
    /// Dimensions of one point.
    pub dim: usize,
}

impl<'a> Points<'a> {
    /// Number of points.
    pub fn len(self) -> usize {
        self.values.len() / self.dim
    }

    /// True when there is no point.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// One point.
    pub fn row(self, idx: usize) -> &'a [f32] {
        &self.values[idx * self.dim..(idx + 1) * self.dim]
    }
}

/// Centroids and which points belong to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// `[n_clusters * dim]`, row-major; each is the mean of its points.
    pub centroids: Vec<f32>,
    /// The cluster of every point.
    pub labels: Vec<Code>,
    /// Sweeps done.
    pub n_sweeps: usize,
    /// Whether the last sweep changed nothing.
    pub is_settled: bool,
}

impl Clustering {
    /// Before the first sweep.
    pub fn starting(centroids: Vec<f32>) -> Self {
        Self {
            centroids,
            labels: Vec::new(),
            n_sweeps: 0,
            is_settled: false,
        }
    }
}

/// What K-means says while it goes on; whoever hears it may break it off.
#[derive(Clone, Copy, Debug)]
pub enum Sweep<'a> {
    /// The share of the sweep at hand that is done, several times a second.
    Within(f64),
    /// A sweep is done.
    Done {
        /// The state after it.
        state: &'a Clustering,
        /// The sum of the squared distances of the points to their centroids.
        inertia: f64,
    },
}

/// Who listens to K-means.
pub type Watch<'a> = dyn FnMut(Sweep<'_>) -> ControlFlow<()> + 'a;

/// Where the first centroids come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Different points at random. [A Alg. 1]
    #[default]
    Random,
    /// Each further centroid is drawn with probability proportional to its squared distance to those before
    /// (Arthur and Vassilvitskii 2007). Large data are sampled first.
    KmeansPlusPlus,
}

impl Init {
    /// `[n_clusters * dim]`: the first centroids. Where the data has fewer different points than
    /// clusters, some are repeated. Nothing if `pulse`, which hears the share that is done, breaks off.
    pub fn centroids(
        self,
        points: Points<'_>,
        n_clusters: usize,
        rng: &mut ChaCha8Rng,
        pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Option<Vec<f32>> {
        let chosen = match self {
            Self::Random => different_points(points, n_clusters, rng),
            Self::KmeansPlusPlus => spread_points(points, n_clusters, rng, pulse)?,
        };
        let rows = chosen.into_iter().flat_map(|idx| points.row(idx));
        Some(rows.copied().collect())
    }
}

fn different_points(points: Points<'_>, n_clusters: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.shuffle(rng);
    let mut seen = HashSet::new();
    let (mut chosen, repeated): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|idx| {
        let bits = || -> Vec<u32> {
            let row = points.row(*idx).iter();
            row.map(|value| value.to_bits()).collect()
        };
        seen.len() < n_clusters && seen.insert(bits())
    });
    chosen.extend(repeated);
    chosen.truncate(n_clusters);
    chosen
}

fn spread_points(
    points: Points<'_>,
    n_clusters: usize,
    rng: &mut ChaCha8Rng,
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<Vec<usize>> {
    let mut sample: Vec<usize> = (0..points.len()).collect();
    sample.shuffle(rng);
    sample.truncate(n_clusters.saturating_mul(SEEDING_POINTS_PER_CLUSTER));
    let mut chosen = vec![sample[0]];
    let mut distances = vec![f32::INFINITY; sample.len()];
    let per_pulse = WORK_PER_PULSE / (sample.len() * points.dim) + 1;
    while chosen.len() < n_clusters {
        let newest = points.row(chosen[chosen.len() - 1]);
        distances
            .par_iter_mut()
            .zip(&sample)
            .with_min_len(512)
            .for_each(|(distance, idx)| {
                *distance = distance.min(squared_distance(points.row(*idx), newest));
            });
        // In order, so that the sum is the same on any number of threads.
        let total: f64 = distances.iter().map(|distance| f64::from(*distance)).sum();
        let place = if total > 0.0 && total.is_finite() {
            let mut rest = rng.random::<f64>() * total;
            let drawn = distances.iter().position(|distance| {
                rest -= f64::from(*distance);
                rest < 0.0
            });
            // Rounding may leave a little over at the end.
            drawn.or_else(|| distances.iter().rposition(|distance| *distance > 0.0))
        } else {
            None
        };
        chosen.push(sample[place.unwrap_or(rng.next_u64() as usize % sample.len())]);
        if chosen.len().is_multiple_of(per_pulse)
            && pulse(chosen.len() as f64 / n_clusters as f64).is_break()
        {
            return None;
        }
    }
    Some(chosen)
}

/// Moves each centroid to the mean of its points, summed in double precision in order of index, so the
/// result does not depend on threads. A centroid without points stays.
///
/// Returns what the means explain of the points: the sum over clusters of |sum of its points|^2 / its size.
pub(super) fn move_to_means(points: Points<'_>, labels: &[Code], centroids: &mut [f32]) -> f64 {
    let dim = points.dim;
    let n_clusters = centroids.len() / dim;
    let mut sizes = vec![0_usize; n_clusters];
    for label in labels {
        sizes[usize::from(*label)] += 1;
    }
    // Points are read from first to last, which memory likes best; threads share the dimensions instead.
    let sums: Vec<Vec<f64>> = (0..dim.div_ceil(DIMENSIONS_OF_TASK))
        .into_par_iter()
        .map(|task| {
            let first = task * DIMENSIONS_OF_TASK;
            let width = DIMENSIONS_OF_TASK.min(dim - first);
            let mut sums = vec![0.0_f64; n_clusters * width];
            for (row, label) in points.values.chunks_exact(dim).zip(labels) {
                let sums = &mut sums[usize::from(*label) * width..][..width];
                for (sum, value) in sums.iter_mut().zip(&row[first..first + width]) {
                    *sum += f64::from(*value);
                }
            }
            sums
        })
        .collect();
    let mut explained = 0.0;
    for (cluster_idx, (centroid, size)) in centroids.chunks_exact_mut(dim).zip(&sizes).enumerate() {
        if *size == 0 {
            continue;
        }
        let parts = centroid.chunks_mut(DIMENSIONS_OF_TASK).zip(&sums);
        for (part, sums) in parts {
            let sums = &sums[cluster_idx * part.len()..][..part.len()];
            for (coordinate, sum) in part.iter_mut().zip(sums) {
                *coordinate = (sum / *size as f64) as f32;
                explained += sum * sum / *size as f64;
            }
        }
    }
    explained
}

/// The sum of the squared lengths of all points: the inertia is what the means do not explain of it.
pub(super) fn total_power(points: Points<'_>) -> f64 {
    let sums: Vec<f64> = points
        .values
        .par_chunks(4096 * points.dim)
        .map(|rows| {
            rows.iter()
                .map(|value| f64::from(*value) * f64::from(*value))
                .sum()
        })
        .collect();
    sums.into_iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::seed::Seed;

    #[test]
    fn means_by_hand_and_an_empty_cluster_stays() {
        let values = [0.0, 2.0, 10.0, 4.0];
        let points = Points {
            values: &values,
            dim: 1,
        };
        let mut centroids = vec![7.0, 8.0, 9.0];
        let explained = move_to_means(points, &[2, 0, 2, 0], &mut centroids);
        assert_eq!(centroids, [3.0, 8.0, 5.0]);
        // 1 + 1 around 3, and 25 + 25 around 5, are what is left of 0 + 4 + 100 + 16.
        assert_eq!((total_power(points), explained), (120.0, 68.0));
    }

    #[test]
    fn means_of_many_dimensions_are_those_of_one_cluster_after_the_other() {
        let dim = 70;
        let values: Vec<f32> = (0..50 * dim as u32)
            .map(|idx| (idx * 37 % 1009) as f32 / 7.0)
            .collect();
        let points = Points {
            values: &values,
            dim,
        };
        let labels: Vec<Code> = (0..50).map(|idx| idx * 5 % 7).collect();
        let mut centroids = vec![0.0; 7 * dim];
        move_to_means(points, &labels, &mut centroids);
        for (code, centroid) in (0..).zip(centroids.chunks_exact(dim)) {
            let members: Vec<usize> = (0..50).filter(|idx| labels[*idx] == code).collect();
            for (column, coordinate) in centroid.iter().enumerate() {
                let of = |idx: &usize| f64::from(points.row(*idx)[column]);
                let mean = members.iter().map(of).sum::<f64>() / members.len() as f64;
                assert_eq!(*coordinate, mean as f32, "cluster {code}, column {column}");
            }
        }
    }

    #[test]
    fn spread_points_fall_into_different_groups_and_duplicates_are_repeated_last() {
        // Three far groups of 10 equal points: k-means++ can choose only from groups not yet chosen.
        let values: Vec<f32> = (0..30).map(|idx| (idx % 3) as f32 * 100.0).collect();
        let points = Points {
            values: &values,
            dim: 1,
        };
        for init in [Init::Random, Init::KmeansPlusPlus] {
            for seed in 0..20 {
                let of = |n_clusters| {
                    let mut rng = Seed(seed).rng("test", 0);
                    let mut go_on = |_| ControlFlow::Continue(());
                    let chosen = init.centroids(points, n_clusters, &mut rng, &mut go_on);
                    chosen.unwrap()
                };
                let mut chosen = of(3);
                chosen.sort_by(f32::total_cmp);
                assert_eq!(chosen, [0.0, 100.0, 200.0], "{init:?}, seed {seed}");
                assert_eq!(of(5).len(), 5);
            }
        }
    }
}
