//! Balanced K-means: clusters whose sizes differ by at most one. [A Alg. 1]
//!
//! Differences from the paper, which leaves them open: when K does not divide the number of points,
//! the first clusters take one point more; a limit on the sweeps, because the algorithm need not
//! settle. Otherwise exactly its result, but nothing is sorted and no column of distances is kept: within a
//! sweep no cluster's distances depend on the clusters before it, so a block of clusters collects its nearest
//! candidates in one pass, several times as many as each needs, and then they choose one after the other.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Code;
use super::candidates::{Candidates, Shortlist};
use super::clustering::{Clustering, Members, Points, Sweep, Watch, move_to_means, total_power};
use crate::engine::embedding::squared_distance;

/// Clusters that look for candidates together, at most.
const CLUSTERS: usize = 256;
/// Clusters that look for candidates together, at least.
const FEWEST_CLUSTERS: usize = 8;
/// The part of the clusters still to come that look together: those before them take what they have seen.
const PART_OF_REST: usize = 8;
/// Candidates per point that a cluster needs.
const CANDIDATES_PER_POINT: usize = 3;

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
    while state.n_sweeps < max_sweeps && !state.is_settled {
        let labels = take_turns(points, &state.centroids, &mut |done_frac| {
            watch(Sweep::Within(done_frac))
        })?;
        state.is_settled = labels == state.labels;
        let members = Members::new(&labels, n_clusters);
        let explained = move_to_means(points, &members, &mut state.centroids);
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
fn take_turns(
    points: Points<'_>,
    centroids: &[f32],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<Vec<Code>> {
    let n_clusters = centroids.len() / points.dim;
    let n_larger = points.len() % n_clusters;
    let size_of = |cluster_idx| points.len() / n_clusters + usize::from(cluster_idx < n_larger);
    let mut labels = vec![0; points.len()];
    let mut is_free = vec![true; points.len()];
    let mut left: Vec<u32> = (0..points.len() as u32).collect();
    let mut first = 0;
    while first < n_clusters {
        let n_rest = n_clusters - first;
        let n_block = (n_rest / PART_OF_REST)
            .clamp(FEWEST_CLUSTERS, CLUSTERS)
            .min(n_rest);
        let wanted = size_of(first) * CANDIDATES_PER_POINT + 32;
        let block = &centroids[first * points.dim..(first + n_block) * points.dim];
        // The points that are left shrink as the clusters do, so the work still to come falls with their square.
        let done_before = |n_rest: usize| 1.0 - (n_rest as f64 / n_clusters as f64).powi(2);
        let (before, after) = (done_before(n_rest), done_before(n_rest - n_block));
        let shortlists = Candidates {
            points,
            left: &left,
        }
        .collect(block, wanted, &mut |done_frac| {
            pulse(before + (after - before) * done_frac)
        })?;
        for (offset, mut shortlist) in shortlists.into_iter().enumerate() {
            let cluster_idx = first + offset;
            let size = size_of(cluster_idx);
            let centroid = &block[offset * points.dim..(offset + 1) * points.dim];
            shortlist.nearest.retain(|(_, idx)| is_free[*idx as usize]);
            if !choose(&mut shortlist, size) {
                shortlist = look_at_all(points, &left, &is_free, centroid);
                choose(&mut shortlist, size);
                if pulse(after).is_break() {
                    return None;
                }
            }
            for (_, idx) in &shortlist.nearest[..size] {
                labels[*idx as usize] = cluster_idx as Code;
                is_free[*idx as usize] = false;
            }
        }
        left.retain(|idx| is_free[*idx as usize]);
        first += n_block;
    }
    Some(labels)
}

/// Puts the nearest points first. False if points that are not on the list could be nearer.
fn choose(shortlist: &mut Shortlist, size: usize) -> bool {
    if shortlist.nearest.len() < size {
        return false;
    }
    // The index breaks ties, so that duplicates are split the same way every time.
    let (_, last, _) = shortlist
        .nearest
        .select_nth_unstable_by(size - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    last.0 < shortlist.complete_below
}

/// The distances of all points that are left.
fn look_at_all(points: Points<'_>, left: &[u32], is_free: &[bool], centroid: &[f32]) -> Shortlist {
    let nearest = left
        .par_iter()
        .with_min_len(2048)
        .filter(|idx| is_free[**idx as usize])
        .map(|idx| (squared_distance(points.row(*idx as usize), centroid), *idx))
        .collect();
    Shortlist {
        nearest,
        complete_below: f32::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
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
            let found = take_turns(points, centroids, &mut go_on).unwrap();
            assert!(
                found == as_written(points, centroids),
                "{n_clusters} clusters"
            );
        }
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
                take_turns(points, centroids, &mut go_on).unwrap(),
                as_written(points, centroids)
            );
        }
    }
}
