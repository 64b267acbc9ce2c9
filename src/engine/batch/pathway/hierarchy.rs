//! Hierarchical K-means over what one user watched. [B 2.2.1, after TWIN V2]
//!
//! ```text
//! split(D): if |D| <= M: D is a cluster
//!           else: k = floor(cuberoot(|D|)), at least 2; K-means(D, k); split(each part)
//! ```
//!
//! The report does not say where K-means starts: here at points spread evenly over time, so that nothing is drawn at random.
//! Where points cannot be told apart they are cut in the order of time instead.

use std::ops::ControlFlow;

use crate::engine::embedding::squared_distance;
use crate::engine::tokenizer::clustering::{Clustering, Points};
use crate::engine::tokenizer::kmeans::kmeans;

/// Sweeps of one K-means. Its parts are split again, so they need not be settled.
const MAX_SWEEPS: usize = 10;

/// Splits that may follow each other. A history of any length that K-means really splits needs far fewer; one outlier after
/// the other would need as many as there are outliers.
const MAX_DEPTH: usize = 24;

/// One cluster of a user's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its points, ascending.
    pub members: Vec<usize>,
    /// The member nearest to their mean; the first of equals.
    pub representative: usize,
}

/// Clusters of at most `max_size` points, each point in exactly one, ordered by their latest point.
///
/// # Panics
/// If `max_size` is 0: configurations are checked before.
pub fn clusters(points: Points<'_>, max_size: usize) -> Vec<Cluster> {
    assert!(max_size > 0, "clusters hold at least one point");
    let mut leaves = Vec::new();
    split(
        points,
        (0..points.len()).collect(),
        max_size,
        0,
        &mut leaves,
    );
    leaves.sort_by_key(|members| members.last().copied());
    leaves
        .into_iter()
        .map(|members| Cluster {
            representative: nearest_to_mean(points, &members),
            members,
        })
        .collect()
}

/// Adds the clusters of `members`, which are ascending, to `leaves`.
fn split(
    points: Points<'_>,
    members: Vec<usize>,
    max_size: usize,
    depth: usize,
    leaves: &mut Vec<Vec<usize>>,
) {
    if members.len() <= max_size {
        if !members.is_empty() {
            leaves.push(members);
        }
        return;
    }
    let first = points.row(members[0]);
    let are_equal = members.iter().all(|idx| points.row(*idx) == first);
    if are_equal || depth == MAX_DEPTH {
        leaves.extend(members.chunks(max_size).map(<[usize]>::to_vec));
        return;
    }
    let n_parts = ((members.len() as f64).cbrt().floor() as usize).max(2);
    let values: Vec<f32> = members
        .iter()
        .flat_map(|idx| points.row(*idx))
        .copied()
        .collect();
    let own = Points {
        values: &values,
        dim: points.dim,
    };
    let start: Vec<f32> = (0..n_parts)
        .flat_map(|part| own.row(part * members.len() / n_parts))
        .copied()
        .collect();
    let clustering = kmeans(own, Clustering::starting(start), MAX_SWEEPS, &mut |_| {
        ControlFlow::Continue(())
    })
    .expect("nobody breaks it off");
    let mut parts = vec![Vec::new(); n_parts];
    for (idx, label) in members.iter().zip(&clustering.labels) {
        parts[usize::from(*label)].push(*idx);
    }
    let n_members = members.len();
    if parts.iter().any(|part| part.len() == n_members) {
        leaves.extend(members.chunks(max_size).map(<[usize]>::to_vec));
        return;
    }
    for part in parts {
        split(points, part, max_size, depth + 1, leaves);
    }
}

fn nearest_to_mean(points: Points<'_>, members: &[usize]) -> usize {
    let mut mean = vec![0.0_f64; points.dim];
    for idx in members {
        for (sum, value) in mean.iter_mut().zip(points.row(*idx)) {
            *sum += f64::from(*value);
        }
    }
    let mean: Vec<f32> = mean
        .into_iter()
        .map(|sum| (sum / members.len() as f64) as f32)
        .collect();
    let mut best = (members[0], f32::INFINITY);
    for idx in members {
        let distance = squared_distance(points.row(*idx), &mean);
        if distance < best.1 {
            best = (*idx, distance);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::engine::seed::Seed;

    fn random(n_points: usize, dim: usize) -> Vec<f32> {
        let mut rng = Seed(1).rng("test.points", n_points as u64);
        (0..n_points * dim)
            .map(|_| rng.random_range(-1.0..1.0))
            .collect()
    }

    fn check(values: &[f32], dim: usize, max_size: usize) -> Vec<Cluster> {
        let points = Points { values, dim };
        let found = clusters(points, max_size);
        let mut all: Vec<usize> = found
            .iter()
            .flat_map(|cluster| cluster.members.clone())
            .collect();
        all.sort_unstable();
        assert_eq!(
            all,
            (0..points.len()).collect::<Vec<_>>(),
            "each point once"
        );
        for cluster in &found {
            assert!(cluster.members.len() <= max_size, "{cluster:?}");
            assert!(cluster.members.is_sorted(), "{cluster:?}");
            assert!(cluster.members.contains(&cluster.representative));
        }
        assert!(found.is_sorted_by_key(|cluster| cluster.members.last().copied()));
        assert_eq!(found, clusters(points, max_size), "the same every time");
        found
    }

    #[test]
    fn every_point_is_in_one_cluster_of_the_allowed_size() {
        for (n_points, max_size) in [(0, 3), (1, 1), (3, 5), (7, 2), (200, 1), (500, 20)] {
            check(&random(n_points, 3), 3, max_size);
        }
    }

    #[test]
    fn equal_points_come_to_an_end() {
        let found = check(&[0.5; 100], 2, 8);
        assert_eq!(found.len(), 7, "50 points in cuts of 8");
        // All equal but one, and every point an outlier of the ones before it.
        let mut values = vec![0.0; 300];
        values[299] = 9.0;
        check(&values, 1, 4);
        let outliers: Vec<f32> = (0..60).map(|power| 2.0_f32.powi(power)).collect();
        check(&outliers, 1, 2);
    }

    #[test]
    fn blobs_stay_together_and_their_middle_represents_them() {
        // Two blobs far apart, interleaved in time; 6 points, so two parts, and each part is small enough.
        let values = [0.0, 10.0, 1.0, 10.5, 0.4, 11.5];
        let found = check(&values, 1, 3);
        assert_eq!(
            found,
            [
                // Mean .4667.
                Cluster {
                    members: vec![0, 2, 4],
                    representative: 4
                },
                // Mean 10.667.
                Cluster {
                    members: vec![1, 3, 5],
                    representative: 3
                },
            ]
        );
    }
}
