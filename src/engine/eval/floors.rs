//! Two rankings without any learning, which every model must beat: popularity and a first-order Markov chain.
//!
//! Both count positive events of the learnable region only.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{ItemIdx, UserIdx};

/// Counts behind both floors.
#[derive(Clone, Debug)]
pub struct Floors {
    /// All items, most popular first; equal counts in order of the catalogue.
    by_popularity: Vec<ItemIdx>,
    /// Per item: what followed it, most frequent first; equal counts in order of first occurrence.
    followers: Vec<Vec<ItemIdx>>,
}

impl Floors {
    /// Counts the learnable positive events.
    pub fn fit(data: &PreparedData) -> Self {
        let sequences = data.positives.iter().enumerate().map(|(user_idx, _)| {
            data.history(
                UserIdx(user_idx as u32),
                data.split.learn_end[user_idx],
                usize::MAX,
            )
        });
        Self::from_sequences(sequences, data.dataset.catalog.len())
    }

    fn from_sequences(sequences: impl Iterator<Item = Vec<ItemIdx>>, n_items: usize) -> Self {
        let mut popularity = vec![0_u32; n_items];
        // Per item its followers, with how often and as which one each came first.
        let mut next: Vec<BTreeMap<ItemIdx, (u32, usize)>> = vec![BTreeMap::new(); n_items];
        for sequence in sequences {
            for item in &sequence {
                popularity[item.idx()] += 1;
            }
            for pair in sequence.windows(2) {
                let followers = &mut next[pair[0].idx()];
                let place = followers.len();
                followers.entry(pair[1]).or_insert((0, place)).0 += 1;
            }
        }
        let mut by_popularity: Vec<ItemIdx> = (0..n_items as u32).map(ItemIdx).collect();
        by_popularity.sort_by_key(|item| Reverse(popularity[item.idx()]));
        let followers = next
            .into_iter()
            .map(|counts| {
                let mut followers: Vec<_> = counts.into_iter().collect();
                followers.sort_by_key(|(_, (count, place))| (Reverse(*count), *place));
                followers.into_iter().map(|(item, _)| item).collect()
            })
            .collect();
        Self {
            by_popularity,
            followers,
        }
    }

    /// The k most popular items that are not in `removed`.
    pub fn popularity(&self, removed: &[ItemIdx], k: usize) -> Vec<ItemIdx> {
        let items = self.by_popularity.iter().copied();
        items
            .filter(|item| !removed.contains(item))
            .take(k)
            .collect()
    }

    /// The k items that most often followed `last` and are not in `removed`, then the most popular ones.
    pub fn markov(&self, last: Option<ItemIdx>, removed: &[ItemIdx], k: usize) -> Vec<ItemIdx> {
        let followers = last.map_or(&[][..], |last| &self.followers[last.idx()]);
        let mut ranking = Vec::with_capacity(k);
        for item in followers.iter().chain(&self.by_popularity) {
            if ranking.len() == k {
                break;
            }
            if !removed.contains(item) && !ranking.contains(item) {
                ranking.push(*item);
            }
        }
        ranking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::toy;

    fn items(idxs: &[u32]) -> Vec<ItemIdx> {
        idxs.iter().copied().map(ItemIdx).collect()
    }

    /// Counts: item 0 four times, 1 three times, 2 twice, 3 once, 4 never.
    /// Followers: 0 -> 1 twice, 0 -> 2 once; 1 -> 0 once, 1 -> 2 once; 2 -> 0 once, 2 -> 3 once.
    fn floors() -> Floors {
        let log = [items(&[0, 1, 0, 2, 3]), items(&[0, 1, 2, 0]), items(&[1])];
        Floors::from_sequences(log.into_iter(), 5)
    }

    #[test]
    fn only_what_may_be_learned_is_counted() {
        // The held-out last events would make 3 the most popular item and what follows 0.
        let data = toy::data(&[&[0, 1, 3], &[1, 0, 3], &[2, 0, 3]], 4);
        let floors = Floors::fit(&data);
        assert_eq!(floors.popularity(&[], 4), items(&[0, 1, 2, 3]));
        assert_eq!(floors.markov(Some(ItemIdx(0)), &[], 1), items(&[1]));
    }

    #[test]
    fn popularity_by_hand() {
        let floors = floors();
        assert_eq!(floors.popularity(&[], 3), items(&[0, 1, 2]));
        assert_eq!(floors.popularity(&items(&[0, 2]), 3), items(&[1, 3, 4]));
        assert_eq!(floors.popularity(&[], 99).len(), 5);
    }

    #[test]
    fn markov_by_hand() {
        let floors = floors();
        // After 0: 1 (twice), 2 (once), then popularity, nothing twice.
        let ranking = floors.markov(Some(ItemIdx(0)), &[], 5);
        assert_eq!(ranking, items(&[1, 2, 0, 3, 4]));
        // After 2: 3 and 0 once each, 3 in the earlier sequence.
        let ranking = floors.markov(Some(ItemIdx(2)), &[], 3);
        assert_eq!(ranking, items(&[3, 0, 1]));
        // Removed followers make room for popular items.
        let ranking = floors.markov(Some(ItemIdx(0)), &items(&[1, 0]), 2);
        assert_eq!(ranking, items(&[2, 3]));
        // Nothing followed 3 and 4, and a user without history has no last item.
        assert_eq!(floors.markov(Some(ItemIdx(4)), &[], 2), items(&[0, 1]));
        assert_eq!(floors.markov(None, &[], 2), items(&[0, 1]));
    }
}
