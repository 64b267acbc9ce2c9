//! Swing: how strongly two items are tied by the users that took both. [B 2.1.1; Yang et al. 2020, arXiv 2010.05525]

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::engine::data::ItemIdx;

/// Users of an item that are looked at. The pairs of users grow with its square, and the most popular items gain
/// nothing from more.
const MAX_USERS: usize = 200;

/// Per item its `k` most similar items with their similarities, highest first; ties by item.
///
/// ```text
/// sim(i, j) = sum over pairs of users u < v that took both i and j of 1 / (alpha + |I_u and I_v|)
/// ```
/// Two users who share few items tie these more tightly than two who share many. `sequences` holds per user the items
/// that may be learned from. Of an item with more than 200 users, 200 evenly spread ones are looked at.
pub fn swing(
    n_items: usize,
    sequences: &[Vec<ItemIdx>],
    alpha: f64,
    k: usize,
) -> Vec<Vec<(u32, f64)>> {
    let items_of: Vec<Vec<u32>> = sequences
        .par_iter()
        .map(|sequence| {
            let mut items: Vec<u32> = sequence.iter().map(|item| item.0).collect();
            items.sort_unstable();
            items.dedup();
            items
        })
        .collect();
    let mut users_of: Vec<Vec<u32>> = vec![Vec::new(); n_items];
    for (user, items) in (0..).zip(&items_of) {
        for item in items {
            users_of[*item as usize].push(user);
        }
    }
    users_of
        .par_iter()
        .enumerate()
        .map(|(item_idx, users)| {
            let users = evenly_spread(users, MAX_USERS);
            // Ordered, so that equal similarities always come in the same order.
            let mut similarity: BTreeMap<u32, f64> = BTreeMap::new();
            for (place, u) in users.iter().enumerate() {
                for v in &users[place + 1..] {
                    let common = in_both(&items_of[*u as usize], &items_of[*v as usize]);
                    let weight = (alpha + common.len() as f64).recip();
                    for other in common {
                        *similarity.entry(other).or_default() += weight;
                    }
                }
            }
            similarity.remove(&(item_idx as u32));
            let mut similar: Vec<(u32, f64)> = similarity.into_iter().collect();
            similar.sort_by(|a, b| b.1.total_cmp(&a.1));
            similar.truncate(k);
            similar
        })
        .collect()
}

fn evenly_spread(users: &[u32], n: usize) -> Vec<u32> {
    let n = n.min(users.len());
    (0..n).map(|idx| users[idx * users.len() / n]).collect()
}

/// What two ascending lists share.
fn in_both(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut common = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => {
                a.next();
            }
            std::cmp::Ordering::Greater => {
                b.next();
            }
            std::cmp::Ordering::Equal => {
                common.push(**x);
                a.next();
                b.next();
            }
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(rows: &[&[u32]]) -> Vec<Vec<ItemIdx>> {
        rows.iter()
            .map(|row| row.iter().copied().map(ItemIdx).collect())
            .collect()
    }

    #[test]
    fn five_users_by_hand() {
        let users = sequences(&[&[0, 1, 2], &[1, 0, 1], &[0, 2], &[3], &[2, 1, 0]]);
        let found = swing(5, &users, 1.0, 9);
        // Users with item 0: a, b, c, e. Common items: ab {0,1}, ac {0,2}, ae {0,1,2}, bc {0}, be {0,1}, ce {0,2}.
        // sim(0,1) = ab 1/3 + ae 1/4 + be 1/3; sim(0,2) = ac 1/3 + ae 1/4 + ce 1/3: equal, so item 1 comes first.
        let tie = 2.0 / 3.0 + 0.25;
        for (found, expected) in found[0].iter().zip([(1, tie), (2, tie)]) {
            assert_eq!(found.0, expected.0);
            assert!((found.1 - expected.1).abs() < 1e-12, "{found:?}");
        }
        // Users with item 1: a, b, e; only a and e share item 2 as well.
        assert_eq!(found[1][1], (2, 0.25));
        assert!(found[3].is_empty(), "one user makes no pair");
        assert!(found[4].is_empty(), "nobody took it");
    }

    #[test]
    fn the_strongest_are_kept_and_a_pair_counts_the_same_from_both_sides() {
        let users = sequences(&[&[0, 1, 2], &[0, 1, 2], &[0, 1]]);
        let all = swing(3, &users, 0.5, 2);
        assert_eq!(all[0].len(), 2);
        assert!((all[0][0].1 - all[1][0].1).abs() < 1e-12, "{all:?}");
        assert_eq!(swing(3, &users, 0.5, 1)[0].len(), 1);
    }
}
