//! Balanced K-means: clusters whose sizes differ by at most one. [A Alg. 1]
//!
//! Differences from the paper, which leaves them open: when K does not divide the number of points,
//! the first clusters take one point more; a limit on the sweeps, because the algorithm need not
//! settle. Partial selection replaces the sort: only which points are nearest matters, not their order.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Code;
use crate::engine::embedding::squared_distance;

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

/// Splits points into `n_clusters` clusters of equal size (give or take one).
///
/// `on_sweep` sees the state after every sweep and may stop the search; the result is then nothing.
/// The result depends on the generator's state only, never on the number of threads.
///
/// # Panics
/// If there are fewer points than clusters or no sweep is allowed; the caller has checked both.
pub fn balanced_kmeans(
    points: Points<'_>,
    n_clusters: usize,
    max_sweeps: usize,
    rng: &mut ChaCha8Rng,
    on_sweep: &mut dyn FnMut(&Clustering) -> ControlFlow<()>,
) -> Option<Clustering> {
    assert!(
        n_clusters > 0 && n_clusters <= points.len() && max_sweeps > 0,
        "{} points, {n_clusters} clusters, {max_sweeps} sweeps",
        points.len()
    );
    let mut state = Clustering {
        centroids: choose_centroids(points, n_clusters, rng),
        labels: Vec::new(),
        n_sweeps: 0,
        is_settled: false,
    };
    while state.n_sweeps < max_sweeps && !state.is_settled {
        let labels = sweep(points, &mut state.centroids);
        state.is_settled = labels == state.labels;
        state.labels = labels;
        state.n_sweeps += 1;
        if on_sweep(&state).is_break() {
            return None;
        }
    }
    Some(state)
}

/// The loop body of Alg. 1: each cluster in turn takes the nearest points that are left and moves to their mean.
fn sweep(points: Points<'_>, centroids: &mut [f32]) -> Vec<Code> {
    let n_clusters = centroids.len() / points.dim;
    let n_larger = points.len() % n_clusters;
    let mut labels = vec![0; points.len()];
    let mut is_free = vec![true; points.len()];
    let mut left: Vec<u32> = (0..points.len() as u32).collect();
    let mut distances = Vec::with_capacity(points.len());
    for (cluster_idx, centroid) in centroids.chunks_exact_mut(points.dim).enumerate() {
        let size = points.len() / n_clusters + usize::from(cluster_idx < n_larger);
        left.par_iter()
            .with_min_len(512)
            .map(|idx| (squared_distance(points.row(*idx as usize), centroid), *idx))
            .collect_into_vec(&mut distances);
        // The index breaks ties, so that duplicates are split the same way every time.
        distances.select_nth_unstable_by(size - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let taken = &mut distances[..size];
        taken.sort_unstable_by_key(|(_, idx)| *idx);
        for (_, idx) in taken.iter() {
            labels[*idx as usize] = cluster_idx as Code;
            is_free[*idx as usize] = false;
        }
        move_to_mean(points, taken.iter().map(|(_, idx)| *idx as usize), centroid);
        // In order of index, which keeps the walk through memory straight.
        left.retain(|idx| is_free[*idx as usize]);
    }
    labels
}

/// K different points at random; where the data has fewer different points, some are repeated.
fn choose_centroids(points: Points<'_>, n_clusters: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.shuffle(rng);
    let mut seen = HashSet::new();
    let (mut chosen, repeated): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|idx| {
        let bits: Vec<u32> = points
            .row(*idx)
            .iter()
            .map(|value| value.to_bits())
            .collect();
        seen.len() < n_clusters && seen.insert(bits)
    });
    chosen.extend(repeated);
    chosen
        .iter()
        .take(n_clusters)
        .flat_map(|idx| points.row(*idx))
        .copied()
        .collect()
}

/// Moves a centroid to the mean of some points, summed in double precision.
fn move_to_mean(
    points: Points<'_>,
    members: impl ExactSizeIterator<Item = usize>,
    centroid: &mut [f32],
) {
    let n_members = members.len() as f64;
    let mut sums = vec![0.0_f64; points.dim];
    for idx in members {
        for (sum, value) in sums.iter_mut().zip(points.row(idx)) {
            *sum += f64::from(*value);
        }
    }
    for (coordinate, sum) in centroid.iter_mut().zip(sums) {
        *coordinate = (sum / n_members) as f32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::seed::Seed;

    fn cluster(values: &[f32], dim: usize, n_clusters: usize, max_sweeps: usize) -> Clustering {
        let mut rng = Seed(7).rng("test.kmeans", 0);
        balanced_kmeans(
            Points { values, dim },
            n_clusters,
            max_sweeps,
            &mut rng,
            &mut |_| ControlFlow::Continue(()),
        )
        .unwrap()
    }

    fn sizes(clustering: &Clustering, n_clusters: usize) -> Vec<usize> {
        let mut sizes = vec![0; n_clusters];
        for label in &clustering.labels {
            sizes[usize::from(*label)] += 1;
        }
        sizes
    }

    fn random_points(n_points: usize, dim: usize) -> Vec<f32> {
        let mut rng = Seed(3).rng("test.points", 0);
        (0..n_points * dim)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect()
    }

    #[test]
    fn the_first_clusters_take_the_points_that_are_left_over() {
        let clustering = cluster(&random_points(101, 5), 5, 7, 30);
        assert_eq!(sizes(&clustering, 7), [15, 15, 15, 14, 14, 14, 14]);
    }

    #[test]
    fn separated_groups_are_found_and_centroids_are_their_means() {
        // Four groups of 250 points around far corners: 1,000 points settle on them.
        let corners = [[9.0, 9.0], [-9.0, 9.0], [9.0, -9.0], [-9.0, -9.0]];
        let mut values = random_points(1000, 2);
        for (idx, point) in values.chunks_exact_mut(2).enumerate() {
            point[0] += corners[idx % 4][0];
            point[1] += corners[idx % 4][1];
        }
        let clustering = cluster(&values, 2, 4, 50);
        assert!(
            clustering.is_settled,
            "no rest after {} sweeps",
            clustering.n_sweeps
        );
        for centroid in clustering.centroids.chunks_exact(2) {
            assert!(
                centroid.iter().all(|value| (value.abs() - 9.0).abs() < 0.2),
                "{centroid:?}"
            );
        }
        for group in 0..4 {
            let labels: HashSet<Code> = clustering
                .labels
                .iter()
                .skip(group)
                .step_by(4)
                .copied()
                .collect();
            assert_eq!(labels.len(), 1, "group {group} was split");
        }
    }

    #[test]
    fn a_thousand_points_settle() {
        let clustering = cluster(&random_points(1000, 8), 8, 16, 300);
        assert!(
            clustering.is_settled,
            "no rest after {} sweeps",
            clustering.n_sweeps
        );
    }

    #[test]
    fn the_first_sweep_is_the_papers_by_hand() {
        // Centroids 0 and 10: the first takes its two nearest, 0 and 4, although 4 and 6 are at the border.
        let mut centroids = vec![0.0, 10.0];
        let values = [6.0, 0.0, 10.0, 4.0];
        let labels = sweep(
            Points {
                values: &values,
                dim: 1,
            },
            &mut centroids,
        );
        assert_eq!(labels, [1, 0, 1, 0]);
        assert_eq!(centroids, [2.0, 8.0]);
    }

    #[test]
    fn the_result_depends_neither_on_threads_nor_on_time() {
        let values = random_points(3000, 8);
        let alone = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        let many = rayon::ThreadPoolBuilder::new()
            .num_threads(5)
            .build()
            .unwrap();
        let expected = alone.install(|| cluster(&values, 8, 10, 5));
        assert_eq!(many.install(|| cluster(&values, 8, 10, 5)), expected);
    }

    #[test]
    fn a_stop_is_heard_after_the_sweep() {
        let values = random_points(50, 2);
        let mut n_seen = 0;
        let stopped = balanced_kmeans(
            Points {
                values: &values,
                dim: 2,
            },
            5,
            30,
            &mut Seed(1).rng("test", 0),
            &mut |_| {
                n_seen += 1;
                if n_seen == 2 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        assert_eq!((stopped, n_seen), (None, 2));
    }

    proptest! {
        #[test]
        fn any_points_are_split_evenly(
            values in prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), -5.0_f32..5.0], 30..90),
            n_clusters in 1_usize..10,
        ) {
            // Many points are equal here: duplicates must neither panic nor unbalance.
            let values = &values[..values.len() / 3 * 3];
            let clustering = cluster(values, 3, n_clusters, 4);
            let sizes = sizes(&clustering, n_clusters);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert!(clustering.centroids.iter().all(|value| value.is_finite()));
        }
    }
}
