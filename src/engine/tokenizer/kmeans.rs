//! Plain K-means by Lloyd's sweeps. [B 2.1.2]
//!
//! Not balanced: Algorithm 1 is [`balanced_kmeans`](super::balanced_kmeans). Exactly Lloyd's labels, but a point
//! whose centroid did not move away is compared with those that moved only.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::Code;
use super::clustering::{Clustering, Points, Sweep, Watch, move_to_means, total_power};
use super::nearest::{BLOCK, Found, Index, Scratch};
use crate::engine::embedding::squared_distance;

/// Clusters points from the first centroids or a later state.
///
/// Each sweep gives every point its nearest centroid (the lowest of equals), lets every empty cluster take the
/// point that is farthest from its own centroid, and moves the centroids to the means. It ends when no
/// label changes or after `max_sweeps`. `watch` hears of every sweep, and several times a second within one;
/// where it breaks off, the result is nothing. Neither threads nor going on from a state in between change the result.
///
/// # Panics
/// If there are fewer points than clusters or no sweep is allowed; the caller has checked both.
pub fn kmeans(
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
    let mut found: Vec<Found> = Vec::new();
    let mut has_moved = vec![true; n_clusters];
    while state.n_sweeps < max_sweeps && !state.is_settled {
        let mut pulse = |done_frac| watch(Sweep::Within(done_frac));
        found = assign(points, &state.centroids, &has_moved, found, &mut pulse)?;
        let mut labels: Vec<Code> = found.iter().map(|found| found.code).collect();
        fill_empty(&found, &mut labels, n_clusters);
        state.is_settled = labels == state.labels;
        let before = state.centroids.clone();
        let explained = move_to_means(points, &labels, &mut state.centroids);
        let inertia = (power - explained).max(0.0);
        has_moved = before
            .chunks_exact(points.dim)
            .zip(state.centroids.chunks_exact(points.dim))
            .map(|(before, after)| before != after)
            .collect();
        state.labels = labels;
        state.n_sweeps += 1;
        let state = &state;
        if watch(Sweep::Done { state, inertia }).is_break() {
            return None;
        }
    }
    Some(state)
}

/// The nearest centroid of every point, given the answer from before some of them moved.
fn assign(
    points: Points<'_>,
    centroids: &[f32],
    has_moved: &[bool],
    before: Vec<Found>,
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Option<Vec<Found>> {
    let dim = points.dim;
    let all = Points {
        values: centroids,
        dim,
    };
    let moved: Vec<usize> = (0..has_moved.len()).filter(|idx| has_moved[*idx]).collect();
    // Gathering points costs something, too.
    if before.is_empty() || moved.len() * 10 > has_moved.len() * 9 {
        return Index::new(all).find(points, pulse);
    }
    let rows: Vec<f32> = moved
        .iter()
        .flat_map(|idx| all.row(*idx))
        .copied()
        .collect();
    let moved_index = Index::new(Points { values: &rows, dim });
    let index = Index::new(all);
    let mut found = before;
    // Whoever's centroid did not move away needs to look at the others only if they moved.
    let is_near: Vec<bool> = found
        .par_iter_mut()
        .enumerate()
        .with_min_len(4096)
        .map(|(idx, found)| {
            let code = usize::from(found.code);
            if !has_moved[code] {
                return true;
            }
            let distance = squared_distance(points.row(idx), all.row(code));
            let is_near = distance <= found.distance;
            found.distance = distance;
            is_near
        })
        .collect();
    let n_near = is_near.iter().filter(|is_near| **is_near).count();
    let n_far = points.len() - n_near;
    let work = (n_far * has_moved.len() + n_near * moved.len()).max(1) as f64;
    let mut done = 0.0;
    for wanted in [false, true] {
        let asked: Vec<usize> = (0..points.len())
            .filter(|idx| is_near[*idx] == wanted)
            .collect();
        let n_compared = if wanted { moved.len() } else { has_moved.len() };
        for asked in asked.chunks(index.rows_per_pulse()) {
            let answers: Vec<Vec<Found>> = asked
                .par_chunks(BLOCK)
                .map_init(Scratch::default, |scratch, asked| {
                    let mut rows = Vec::with_capacity(asked.len() * dim);
                    for idx in asked {
                        rows.extend_from_slice(points.row(*idx));
                    }
                    let mut answers = vec![Found::default(); asked.len()];
                    if wanted {
                        if moved.is_empty() {
                            return asked.iter().map(|idx| found[*idx]).collect();
                        }
                        moved_index.find_block(&rows, scratch, &mut answers);
                        for (answer, idx) in answers.iter_mut().zip(asked) {
                            answer.code = moved[usize::from(answer.code)] as Code;
                            *answer = nearer(*answer, found[*idx]);
                        }
                    } else {
                        index.find_block(&rows, scratch, &mut answers);
                    }
                    answers
                })
                .collect();
            for (idx, answer) in asked.iter().zip(answers.into_iter().flatten()) {
                found[*idx] = answer;
            }
            done += (asked.len() * n_compared) as f64 / work;
            if pulse(done.min(1.0)).is_break() {
                return None;
            }
        }
    }
    Some(found)
}

/// Both distances are exact, so that ties are ties.
fn nearer(a: Found, b: Found) -> Found {
    let b_wins = b.distance < a.distance || (b.distance == a.distance && b.code < a.code);
    if b_wins { b } else { a }
}

/// Every empty cluster takes the point farthest from its own centroid, if that leaves no other cluster empty.
///
/// That never raises the inertia. Points that lie on their centroid stay: with fewer different points than clusters
/// some clusters remain empty.
fn fill_empty(found: &[Found], labels: &mut [Code], n_clusters: usize) {
    let mut sizes = vec![0_usize; n_clusters];
    for label in labels.iter() {
        sizes[usize::from(*label)] += 1;
    }
    let mut empty = (0..n_clusters)
        .filter(|idx| sizes[*idx] == 0)
        .collect::<Vec<_>>()
        .into_iter()
        .peekable();
    if empty.peek().is_none() {
        return;
    }
    let mut farthest: Vec<usize> = (0..found.len())
        .filter(|idx| found[*idx].distance > 0.0)
        .collect();
    farthest.par_sort_unstable_by(|a, b| {
        let by_distance = found[*b].distance.total_cmp(&found[*a].distance);
        by_distance.then(a.cmp(b))
    });
    for idx in farthest {
        let Some(cluster_idx) = empty.peek() else {
            return;
        };
        let size = &mut sizes[usize::from(labels[idx])];
        if *size > 1 {
            *size -= 1;
            labels[idx] = *cluster_idx as Code;
            empty.next();
        }
    }
}

#[cfg(test)]
mod tests {
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

    /// The sum of the squared distances of the points to their centroids.
    fn summed(points: Points<'_>, centroids: &[f32], labels: &[Code]) -> f64 {
        let of = |(idx, label): (usize, &Code)| {
            let start = usize::from(*label) * points.dim;
            let centroid = &centroids[start..start + points.dim];
            f64::from(squared_distance(points.row(idx), centroid))
        };
        labels.iter().enumerate().map(of).sum()
    }

    /// Lloyd's sweep as it is written: every point looks at every centroid.
    fn nearest(points: Points<'_>, centroids: &[f32]) -> Vec<Code> {
        (0..points.len())
            .map(|idx| {
                let distances = centroids
                    .chunks_exact(points.dim)
                    .map(|centroid| squared_distance(points.row(idx), centroid));
                let best = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
                best.unwrap().0 as Code
            })
            .collect()
    }

    fn first(points: Points<'_>, n_clusters: usize, init: Init, seed: u64) -> Clustering {
        let mut rng = Seed(seed).rng("test.kmeans", 0);
        let centroids = init.centroids(points, n_clusters, &mut rng, &mut go_on);
        Clustering::starting(centroids.unwrap())
    }

    fn fit(points: Points<'_>, n_clusters: usize, init: Init, max_sweeps: usize) -> Clustering {
        let first = first(points, n_clusters, init, 7);
        kmeans(points, first, max_sweeps, &mut go_on_sweeping).unwrap()
    }

    #[test]
    fn one_sweep_by_hand() {
        let points = Points {
            values: &[0.0, 1.0, 9.0, 4.0],
            dim: 1,
        };
        let first = Clustering::starting(vec![0.0, 10.0]);
        let found = kmeans(points, first, 1, &mut go_on_sweeping).unwrap();
        assert_eq!(found.labels, [0, 0, 1, 0]);
        assert!((found.centroids[0] - 5.0 / 3.0).abs() < 1e-6);
        assert_eq!(found.centroids[1], 9.0);
    }

    #[test]
    fn an_empty_cluster_takes_the_farthest_point() {
        // Nobody is nearest to 100; the point 6 is farthest from its centroid 2.
        let points = Points {
            values: &[1.0, 2.0, 6.0],
            dim: 1,
        };
        let first = Clustering::starting(vec![2.0, 100.0]);
        let found = kmeans(points, first, 1, &mut go_on_sweeping).unwrap();
        assert_eq!(found.labels, [0, 0, 1]);
    }

    #[test]
    fn the_inertia_never_rises_and_rest_is_rest() {
        let mut rng = Seed(4).rng("test.points", 0);
        let values: Vec<f32> = (0..3000 * 4)
            .map(|_| rand::RngExt::random_range(&mut rng, -1.0..1.0))
            .collect();
        let points = Points {
            values: &values,
            dim: 4,
        };
        for init in [Init::Random, Init::KmeansPlusPlus] {
            let mut last = f64::INFINITY;
            let mut watch = |sweep: Sweep<'_>| {
                if let Sweep::Done { state, inertia } = sweep {
                    let now = summed(points, &state.centroids, &state.labels);
                    assert!(now <= last * (1.0 + 1e-6), "{now} after {last}");
                    assert!((now - inertia).abs() < 1e-5 * now, "{now}, {inertia}");
                    last = now;
                }
                ControlFlow::Continue(())
            };
            let found = kmeans(points, first(points, 25, init, 1), 500, &mut watch).unwrap();
            let n_sweeps = found.n_sweeps;
            assert!(found.is_settled, "no rest after {n_sweeps} sweeps");
            assert!(
                found.labels == nearest(points, &found.centroids),
                "{init:?}"
            );
        }
    }

    #[test]
    fn threads_do_not_change_the_result_and_a_stop_is_heard() {
        let values: Vec<f32> = (0..8000_u32).map(|idx| (idx * 37 % 1009) as f32).collect();
        let points = Points {
            values: &values,
            dim: 4,
        };
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()
                .unwrap();
            pool.install(|| fit(points, 50, Init::Random, 12))
        };
        assert_eq!(on(1), on(5));
        let mut now = |sweep: Sweep<'_>| {
            assert!(matches!(sweep, Sweep::Within(_)), "the sweep was not left");
            ControlFlow::Break(())
        };
        let first = Clustering::starting(values[..8].to_vec());
        assert!(kmeans(points, first, 5, &mut now).is_none());
    }

    proptest! {
        #[test]
        fn every_sweep_is_lloyds(
            values in prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), -5.0_f32..5.0], 40..120),
            n_clusters in 1_usize..9,
        ) {
            let values = &values[..values.len() / 4 * 4];
            let points = Points { values, dim: 4 };
            let first = first(points, n_clusters, Init::Random, 7);
            // Sweep by sweep: the labels after a sweep come from the centroids before it.
            let mut centroids = first.centroids.clone();
            let mut is_lloyd = true;
            let mut watch = |sweep: Sweep<'_>| {
                if let Sweep::Done { state, .. } = sweep {
                    let plain = nearest(points, &centroids);
                    let is_any_empty = (0..n_clusters).any(|idx| !plain.contains(&(idx as Code)));
                    is_lloyd &= is_any_empty || plain == state.labels;
                    centroids.clone_from(&state.centroids);
                }
                ControlFlow::Continue(())
            };
            let found = kmeans(points, first, 20, &mut watch).unwrap();
            prop_assert!(is_lloyd);
            prop_assert!(found.centroids.iter().all(|value| value.is_finite()));
        }
    }
}
