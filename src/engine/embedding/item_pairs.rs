//! The item pairs that item vectors are aligned by. [B 2.1.1, D_pair]

use super::swing::swing;
use crate::engine::data::ItemIdx;

/// Similar items per item that are looked at.
const N_SIMILAR: usize = 50;

/// Pairs (query, partner) that should lie near each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemPairs {
    /// A user's item, and the most similar of the items that user took before.
    pub user_to_item: Vec<(u32, u32)>,
    /// An item, and one of its most similar items.
    pub item_to_item: Vec<(u32, u32)>,
}

impl ItemPairs {
    /// ```text
    /// user-to-item: for each user and each item t taken, (t, argmax over the n_latest items before t of sim)
    /// item-to-item: for each item i, (i, j) for its n_partners most similar j
    /// ```
    /// with the similarity of [`swing`]. A target that is similar to nothing before it makes no pair. `sequences` holds
    /// per user the items that may be learned from, in time order. Both lists are sorted and hold each pair once.
    pub fn build(
        n_items: usize,
        sequences: &[Vec<ItemIdx>],
        alpha: f64,
        n_latest: usize,
        n_partners: usize,
    ) -> Self {
        let similar = swing(n_items, sequences, alpha, N_SIMILAR.max(n_partners));
        let mut user_to_item = Vec::new();
        for sequence in sequences {
            for (place, target) in sequence.iter().enumerate() {
                let latest = &sequence[place.saturating_sub(n_latest)..place];
                let nearest = similar[target.idx()]
                    .iter()
                    .find(|(other, _)| latest.contains(&ItemIdx(*other)));
                user_to_item.extend(nearest.map(|(other, _)| (target.0, *other)));
            }
        }
        user_to_item.sort_unstable();
        user_to_item.dedup();
        let item_to_item = (0..)
            .zip(&similar)
            .flat_map(|(item, similar)| {
                similar
                    .iter()
                    .take(n_partners)
                    .map(move |(other, _)| (item, *other))
            })
            .collect();
        Self {
            user_to_item,
            item_to_item,
        }
    }

    /// All of them, each once.
    pub fn all(&self) -> Vec<(u32, u32)> {
        let mut pairs = [self.user_to_item.as_slice(), &self.item_to_item].concat();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_users_by_hand() {
        let users: Vec<Vec<ItemIdx>> = [[0, 1, 2].as_slice(), &[1, 0], &[0, 2], &[3], &[2, 1, 0]]
            .iter()
            .map(|row| row.iter().copied().map(ItemIdx).collect())
            .collect();
        // sim(0,1) = sim(0,2) = 11/12, sim(1,2) = 1/4, as in the test of Swing.
        let pairs = ItemPairs::build(5, &users, 1.0, 10, 1);
        assert_eq!(
            pairs.user_to_item,
            // a: 1 after 0; 2 after 0 and 1, nearer to 0. b: 0 after 1. c: 2 after 0. e: 1 after 2; 0 after 2 and 1,
            // equally near, so the item with the lower number.
            [(0, 1), (1, 0), (1, 2), (2, 0)]
        );
        assert_eq!(pairs.item_to_item, [(0, 1), (1, 0), (2, 0)]);
        assert_eq!(pairs.all().len(), 4);
        let short = ItemPairs::build(5, &users, 1.0, 1, 1);
        assert!(
            short.user_to_item.contains(&(2, 1)),
            "only the last item before counts"
        );
    }
}
