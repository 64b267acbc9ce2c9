//! One behaviour of a user, or a cluster of them, as features.

use super::columns::ItemColumns;
use super::hierarchy::{Cluster, clusters};
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::{FeedbackFlags, InteractionLog, ItemIdx};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::tokenizer::clustering::Points;

/// What is known of a behaviour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Behaviour {
    pub(super) item: ItemIdx,
    /// Tags with their shares, which add up to at most 1.
    pub(super) tags: Vec<(u32, f32)>,
    /// Milliseconds since 1970; NaN where unknown, as everywhere here.
    pub(super) time_millis: f64,
    pub(super) watch_secs: f64,
    pub(super) duration_secs: f64,
    pub(super) flags: FeedbackFlags,
}

impl Behaviour {
    /// A row of the log.
    pub(super) fn of_row(log: &InteractionLog, columns: &ItemColumns, row: usize) -> Self {
        let item = log.item[row];
        let tags = columns.tags(item);
        let share = 1.0 / tags.len().max(1) as f32;
        let time = log.time_millis[row];
        Self {
            item,
            tags: tags.iter().map(|tag| (*tag, share)).collect(),
            time_millis: if time == NO_TIME {
                f64::NAN
            } else {
                time as f64
            },
            watch_secs: f64::from(log.feedback[row].watch_secs),
            duration_secs: f64::from(columns.duration_secs(item)),
            flags: log.feedback[row].flags,
        }
    }

    /// A cluster: item and label of its representative, the mean of everything else over those members where it is known.
    /// [B 2.2.1 counts the tag among what is averaged: its vectors are, which is the mean of the shares]
    fn of_cluster(members: &[Self], cluster: &Cluster) -> Self {
        let representative = &members[cluster.representative];
        let own = || cluster.members.iter().map(|idx| &members[*idx]);
        let mean = |value: fn(&Self) -> f64| {
            let known: Vec<f64> = own().map(value).filter(|value| !value.is_nan()).collect();
            // Of nothing the mean is NaN: unknown.
            known.iter().sum::<f64>() / known.len() as f64
        };
        let mut tags: Vec<(u32, f32)> = own().flat_map(|member| member.tags.clone()).collect();
        tags.sort_by_key(|(tag, _)| *tag);
        tags.dedup_by(|next, first| {
            let is_same = next.0 == first.0;
            if is_same {
                first.1 += next.1;
            }
            is_same
        });
        for (_, share) in &mut tags {
            *share /= cluster.members.len() as f32;
        }
        Self {
            item: representative.item,
            tags,
            time_millis: mean(|member| member.time_millis),
            watch_secs: mean(|member| member.watch_secs),
            duration_secs: mean(|member| member.duration_secs),
            flags: representative.flags,
        }
    }
}

/// A history compressed to its clusters: the clusters as behaviours, ordered by their latest member, and for every behaviour
/// of the history the cluster that it is in.
pub(super) fn compress(
    history: &[Behaviour],
    embeddings: &ItemEmbeddings,
    cluster_size: usize,
) -> (Vec<Behaviour>, Vec<usize>) {
    let values: Vec<f32> = history
        .iter()
        .flat_map(|behaviour| embeddings.row(behaviour.item.idx()))
        .copied()
        .collect();
    let points = Points {
        values: &values,
        dim: embeddings.dim.max(1),
    };
    let clusters = clusters(points, cluster_size);
    let mut cluster_of = vec![0; history.len()];
    for (cluster_idx, cluster) in clusters.iter().enumerate() {
        for idx in &cluster.members {
            cluster_of[*idx] = cluster_idx;
        }
    }
    let merged = clusters
        .iter()
        .map(|cluster| Behaviour::of_cluster(history, cluster))
        .collect();
    (merged, cluster_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_copies_what_is_sparse_and_averages_what_is_continuous() {
        let behaviour = |item, tags: &[u32], time_millis, watch_secs, flags| Behaviour {
            item: ItemIdx(item),
            tags: tags
                .iter()
                .map(|tag| (*tag, 1.0 / tags.len() as f32))
                .collect(),
            time_millis,
            watch_secs,
            duration_secs: f64::NAN,
            flags,
        };
        let history = [
            behaviour(0, &[1, 2], 10.0, 4.0, FeedbackFlags::LIKE),
            behaviour(1, &[2], 30.0, f64::NAN, FeedbackFlags::VIEW),
            behaviour(2, &[], 50.0, 8.0, FeedbackFlags::FOLLOW),
        ];
        // Item 1 lies in the middle.
        let embeddings = ItemEmbeddings {
            values: vec![0.0, 1.0, 2.5],
            dim: 1,
        };
        let (merged, cluster_of) = compress(&history, &embeddings, 3);
        assert_eq!(cluster_of, [0, 0, 0]);
        let found = &merged[0];
        assert_eq!((found.item, found.flags), (ItemIdx(1), FeedbackFlags::VIEW));
        assert_eq!((found.time_millis, found.watch_secs), (30.0, 6.0));
        assert!(found.duration_secs.is_nan());
        // Tag 1: a half of one member of three; tag 2: that and the whole of another.
        let tags: Vec<u32> = found.tags.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, [1, 2]);
        assert!((found.tags[0].1 - 1.0 / 6.0).abs() < 1e-6);
        assert!((found.tags[1].1 - 0.5).abs() < 1e-6);
    }
}
