//! Balanced K-means: clusters whose sizes differ by at most one. [A Alg. 1]
//!
//! Differences from the paper, which leaves them open: when K does not divide the number of points,
//! the first clusters take one point more; a limit on the sweeps, because the algorithm need not
//! settle. Otherwise exactly its result. Within a sweep no cluster's distances depend on the clusters before it, so a
//! group of clusters collects the points near to them in one pass, then they choose one after the other; whoever finds
//! too few left of those begins the next group.

use std::ops::ControlFlow;

use super::Code;
use super::candidates::{FreePoints, Need};
use super::clustering::{Clustering, Points, Sweep, Watch, move_to_means, total_power};

/// Clusters that look for points together, at most.
const CLUSTERS: usize = 256;
/// Clusters that look for points together, at least.
const FEWEST_CLUSTERS: usize = 32;
/// The part of the clusters still to come that look together: those before them take what they have seen.
const PART_OF_REST: usize = 4;
/// How fast the points that a cluster has to look at grow with the share of the others that is gone: the exponent to
/// begin with, the least, and what it is multiplied with after a group in which they were too few, and after any.
const CROWDING: f64 = 3.0;
const LEAST_CROWDING: f64 = 2.0;
const MORE_CROWDING: f64 = 1.5;
const LESS_CROWDING: f64 = 0.95;
/// Where nothing is known about how far a cluster reaches.
const UNKNOWN: f32 = f32::NEG_INFINITY;

/// Splits points into clusters of equal size (give or take one), from the first centroids or a later state.
///
/// `watch` hears of every sweep, and several times a second within one; where it breaks off, the result is nothing.
/// Neither threads nor going on from a state in between change the result.
///
/// # Panics
/// If there are fewer points than clusters or no sweep is allowed; the caller has checked both.
pub fn balanced_kmeans(
    points: Points<'_>,
    mut state: Clustering,
    max_sweeps: usize,
    watch: &mut Watch<'_>,
) -> Option<Clustering> {
    let n_clusters = state.centroids.len() / points.dim;
    assert!(
        n_clusters > 0 && n_clusters <= points.len() && max_sweeps > 0,
        "{} points, {n_clusters} clusters, {max_sweeps} sweeps",
        points.len()
    );
    let power = total_power(points);
    let mut free = FreePoints::new(points);
    let mut reaches = vec![UNKNOWN; n_clusters];
    while state.n_sweeps < max_sweeps && !state.is_settled {
        if state.n_sweeps == 1 {
            // The first centroids are points, farther from all others than means are.
            reaches.fill(UNKNOWN);
        }
        let mut pulse = |done_frac| watch(Sweep::Within(done_frac));
        let labels = take_turns(&mut free, &state.centroids, &mut reaches, &mut pulse)?;
        state.is_settled = labels == state.labels;
        let explained = move_to_means(points, &labels, &mut state.centroids);
        let inertia = (power - explained).max(0.0);
        state.labels = labels;
        state.n_sweeps += 1;
        let state = &state;
        if watch(Sweep::Done { state, inertia }).is_break() {
            return None;
        }
    }
    Some(state)
}

/// The loop body of Alg. 1: each cluster in turn takes the nearest points that are left.
///
/// `reaches`, how far each cluster reached the last time, makes it faster and changes nothing else.
fn take_turns(
    free: &mut FreePoints<'_>,
    centroids: &[f32],
    reaches: &mut [f32],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<Vec<Code>> {
    free.free_all();
    let (n_points, dim) = (free.points().len(), free.points().dim);
    let n_clusters = reaches.len();
    let n_larger = n_points % n_clusters;
    let size_of = |cluster_idx| n_points / n_clusters + usize::from(cluster_idx < n_larger);
    let mut labels = vec![0; n_points];
    let mut crowding = CROWDING;
    let (mut first, mut done_frac) = (0, 0.0_f64);
    while first < n_clusters {
        let n_rest = n_clusters - first;
        let n_group = (n_rest / PART_OF_REST)
            .clamp(FEWEST_CLUSTERS, CLUSTERS)
            .min(n_rest);
        let needs: Vec<Need> = (0..n_group)
            .map(|offset| {
                let size = size_of(first + offset);
                // At worst those before it take just the points that it would have taken.
                let at_most = (offset + 1) * size_of(first);
                let reach = reaches[first + offset];
                let at_least = if reach == UNKNOWN {
                    let left = (n_rest - offset) as f64 / n_rest as f64;
                    ((size as f64 / left.powf(crowding)) as usize).min(at_most)
                } else {
                    size
                };
                Need {
                    at_least,
                    at_most,
                    reach,
                }
            })
            .collect();
        // The points that are left shrink as the clusters do, so the work still to come falls with their square.
        let done_before = |n_rest: usize| 1.0 - (n_rest as f64 / n_clusters as f64).powi(2);
        let (before, after) = (done_before(n_rest), done_before(n_rest - n_group));
        let group = &centroids[first * dim..(first + n_group) * dim];
        let candidates = free.near(group, &needs, &mut |frac| {
            // A group may end early: the next one's beginning has been told then.
            done_frac = done_frac.max(before + (after - before) * frac);
            pulse(done_frac)
        })?;
        crowding = (crowding * LESS_CROWDING).max(LEAST_CROWDING);
        for (offset, centroid) in group.chunks_exact(dim).enumerate() {
            let size = size_of(first);
            let nearest = match free.nearest(&candidates, offset, centroid, size) {
                Some(nearest) => nearest,
                None if offset == 0 => free.nearest_of_all(centroid, size),
                None => {
                    crowding *= MORE_CROWDING;
                    break;
                }
            };
            for row in nearest.rows {
                labels[free.take(row)] = first as Code;
            }
            reaches[first] = nearest.reach;
            first += 1;
        }
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::embedding::squared_distance;
    use crate::engine::seed::Seed;
    use crate::engine::tokenizer::Init;

    fn go_on(_: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn go_on_sweeping(_: Sweep<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn cluster(values: &[f32], dim: usize, n_clusters: usize, max_sweeps: usize) -> Clustering {
        let points = Points { values, dim };
        let mut rng = Seed(7).rng("test.kmeans", 0);
        let first = Init::Random.centroids(points, n_clusters, &mut rng, &mut go_on);
        let first = Clustering::starting(first.unwrap());
        balanced_kmeans(points, first, max_sweeps, &mut go_on_sweeping).unwrap()
    }

    fn sizes(labels: &[Code], n_clusters: usize) -> Vec<usize> {
        let mut sizes = vec![0; n_clusters];
        for label in labels {
            sizes[usize::from(*label)] += 1;
        }
        sizes
    }

    fn random_points(n_points: usize, dim: usize, seed: u64) -> Vec<f32> {
        let mut rng = Seed(seed).rng("test.points", 0);
        (0..n_points * dim)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect()
    }

    /// Alg. 1 as it is written: sort all points that are left by distance, take the first.
    fn as_written(points: Points<'_>, centroids: &[f32]) -> Vec<Code> {
        let n_clusters = centroids.len() / points.dim;
        let n_larger = points.len() % n_clusters;
        let mut labels = vec![0; points.len()];
        let mut left: Vec<usize> = (0..points.len()).collect();
        for (cluster_idx, centroid) in centroids.chunks_exact(points.dim).enumerate() {
            let size = points.len() / n_clusters + usize::from(cluster_idx < n_larger);
            let distance = |idx: &usize| squared_distance(points.row(*idx), centroid);
            left.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
            for idx in left.drain(..size) {
                labels[idx] = cluster_idx as Code;
            }
        }
        labels
    }

    fn one_sweep(points: Points<'_>, centroids: &[f32], reach: f32) -> Vec<Code> {
        let mut free = FreePoints::new(points);
        let mut reaches = vec![reach; centroids.len() / points.dim];
        take_turns(&mut free, centroids, &mut reaches, &mut go_on).unwrap()
    }

    #[test]
    fn the_first_clusters_take_the_points_that_are_left_over() {
        let clustering = cluster(&random_points(101, 5, 3), 5, 7, 30);
        assert_eq!(sizes(&clustering.labels, 7), [15, 15, 15, 14, 14, 14, 14]);
    }

    #[test]
    fn separated_groups_are_found_and_centroids_are_their_means() {
        // Four groups of 250 points around far corners: 1,000 points settle on them.
        let corners = [[9.0, 9.0], [-9.0, 9.0], [9.0, -9.0], [-9.0, -9.0]];
        let mut values = random_points(1000, 2, 3);
        for (idx, point) in values.chunks_exact_mut(2).enumerate() {
            point[0] += corners[idx % 4][0];
            point[1] += corners[idx % 4][1];
        }
        let clustering = cluster(&values, 2, 4, 50);
        let n_sweeps = clustering.n_sweeps;
        assert!(clustering.is_settled, "no rest after {n_sweeps} sweeps");
        for centroid in clustering.centroids.chunks_exact(2) {
            let is_corner = centroid.iter().all(|value| (value.abs() - 9.0).abs() < 0.2);
            assert!(is_corner, "{centroid:?}");
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
        let clustering = cluster(&random_points(1000, 8, 3), 8, 16, 300);
        let n_sweeps = clustering.n_sweeps;
        assert!(clustering.is_settled, "no rest after {n_sweeps} sweeps");
    }

    #[test]
    fn one_sweep_is_the_papers_by_hand() {
        // Centroids 0 and 10: the first takes its two nearest, 0 and 4, although 4 and 6 are at the border.
        let points = Points {
            values: &[6.0, 0.0, 10.0, 4.0],
            dim: 1,
        };
        let first = Clustering::starting(vec![0.0, 10.0]);
        let found = balanced_kmeans(points, first, 1, &mut go_on_sweeping).unwrap();
        assert_eq!(found.labels, [1, 0, 1, 0]);
        assert_eq!(found.centroids, [2.0, 8.0]);
    }

    #[test]
    fn large_data_take_turns_as_written() {
        // Enough clusters for several blocks, enough points for several of theirs.
        let values = random_points(9000, 6, 5);
        let points = Points {
            values: &values,
            dim: 6,
        };
        for n_clusters in [3, 40, 700] {
            let centroids = &values[..n_clusters * 6];
            let written = as_written(points, centroids);
            // What is remembered of an earlier sweep may be wrong in either direction.
            for reach in [UNKNOWN, 0.0, 0.5, 2.0, 1e9] {
                let found = one_sweep(points, centroids, reach);
                assert!(found == written, "{n_clusters} clusters, reach {reach}");
            }
        }
    }

    #[test]
    fn lengths_beyond_the_largest_number_are_taken_as_written() {
        let mut values = random_points(3000, 3, 5);
        for value in &mut values[..3000] {
            *value *= 1e25;
        }
        let points = Points {
            values: &values,
            dim: 3,
        };
        let centroids = &values[2700..3300];
        let found = one_sweep(points, centroids, UNKNOWN);
        assert!(found == as_written(points, centroids));
    }

    #[test]
    fn the_result_depends_neither_on_threads_nor_on_time() {
        let values = random_points(3000, 8, 3);
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| cluster(&values, 8, 10, 5))
        };
        assert_eq!(on(1), on(5));
    }

    #[test]
    fn a_stop_is_heard_after_and_within_a_sweep() {
        let values = random_points(50, 2, 3);
        let points = Points {
            values: &values,
            dim: 2,
        };
        let first = Clustering::starting(values[..10].to_vec());
        let mut n_seen = 0;
        let mut after_two = |sweep: Sweep<'_>| {
            n_seen += usize::from(matches!(sweep, Sweep::Done { .. }));
            if n_seen == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let stopped = balanced_kmeans(points, first.clone(), 30, &mut after_two);
        assert_eq!((stopped, n_seen), (None, 2));
        let mut now = |sweep: Sweep<'_>| {
            assert!(matches!(sweep, Sweep::Within(_)), "the sweep was not left");
            ControlFlow::Break(())
        };
        assert!(balanced_kmeans(points, first, 30, &mut now).is_none());
    }

    #[test]
    fn the_share_that_is_done_grows_to_one_and_the_inertia_is_the_sum_of_distances() {
        let values = random_points(9000, 6, 5);
        let points = Points {
            values: &values,
            dim: 6,
        };
        let mut last = 0.0;
        let mut watch = |sweep: Sweep<'_>| {
            match sweep {
                Sweep::Within(done_frac) => {
                    assert!(
                        last <= done_frac && done_frac <= 1.0,
                        "{done_frac} after {last}"
                    );
                    last = done_frac;
                }
                Sweep::Done { state, inertia } => {
                    assert_eq!(last, 1.0);
                    last = 0.0;
                    let of = |(idx, label): (usize, &Code)| {
                        let centroid = &state.centroids[usize::from(*label) * 6..][..6];
                        f64::from(squared_distance(points.row(idx), centroid))
                    };
                    let summed: f64 = state.labels.iter().enumerate().map(of).sum();
                    assert!(
                        (summed - inertia).abs() < 1e-5 * summed,
                        "{summed}, {inertia}"
                    );
                }
            }
            ControlFlow::Continue(())
        };
        let first = Clustering::starting(values[..700 * 6].to_vec());
        balanced_kmeans(points, first, 3, &mut watch).unwrap();
    }

    proptest! {
        #[test]
        fn any_points_are_split_evenly_and_as_written(
            values in prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), -5.0_f32..5.0], 30..90),
            n_clusters in 1_usize..10,
        ) {
            // Many points are equal here: duplicates must neither panic nor unbalance.
            let values = &values[..values.len() / 3 * 3];
            let clustering = cluster(values, 3, n_clusters, 4);
            let sizes = sizes(&clustering.labels, n_clusters);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert!(clustering.centroids.iter().all(|value| value.is_finite()));
            let points = Points { values, dim: 3 };
            let centroids = &values[..n_clusters * 3];
            prop_assert_eq!(
                one_sweep(points, centroids, UNKNOWN),
                as_written(points, centroids)
            );
        }
    }
}
