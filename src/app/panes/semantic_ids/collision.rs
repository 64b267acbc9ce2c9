//! Semantic IDs that more than one item has, as the explorer shows them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::index::ItemIndex;
use crate::app::widgets::number::{count, percent};
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;

/// How many IDs have how many items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// (items of an ID, IDs with so many), smallest first; IDs with a single item are left out.
    pub counts: Vec<(usize, usize)>,
}

impl Sizes {
    /// Counts the groups.
    pub(super) fn new(index: &ItemIndex) -> Self {
        let mut counts = BTreeMap::new();
        for range in &index.collisions {
            *counts.entry(range.len()).or_insert(0) += 1;
        }
        Self {
            counts: counts.into_iter().collect(),
        }
    }
}

/// How many IDs and items are concerned, in one sentence.
pub(super) fn summary(index: &ItemIndex) -> String {
    let n_items = index.order.len();
    let n_shared = index.collisions.len();
    let n_sharing: usize = index.collisions.iter().map(ExactSizeIterator::len).sum();
    let largest = index.collisions.first().map_or(0, ExactSizeIterator::len);
    format!(
        "{} items share {} of {} IDs ({} of all items); the most crowded ID has {}",
        count(n_sharing as u64),
        count(n_shared as u64),
        count(index.n_ids as u64),
        percent(n_sharing as f64 / n_items.max(1) as f64),
        count(largest as u64)
    )
}

/// Which of the shared IDs has these codes.
pub(super) fn group_of(table: &ItemTable, index: &ItemIndex, codes: &[Code]) -> Option<usize> {
    let range = range_of(table, index, codes);
    if codes.len() != table.n_levels || range.len() < 2 {
        return None;
    }
    index.collisions.iter().position(|group| *group == range)
}

/// The places of [`ItemIndex::order`] whose IDs begin with these codes.
pub(super) fn range_of(table: &ItemTable, index: &ItemIndex, codes: &[Code]) -> Range<u32> {
    let beginning = |item_idx: &u32| {
        let sid = table.codes(*item_idx as usize);
        &sid[..codes.len().min(sid.len())]
    };
    let order = &index.order;
    let start = order.partition_point(|item_idx| beginning(item_idx) < codes);
    let n_items = order[start..].partition_point(|item_idx| beginning(item_idx) == codes);
    start as u32..(start + n_items) as u32
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    #[test]
    fn groups_are_counted_and_found() {
        let table = table();
        let index = ItemIndex::new(&table);
        assert_eq!(Sizes::new(&index).counts, [(2, 1)]);
        assert_eq!(
            summary(&index),
            "2 items share 1 of 3 IDs (50.0% of all items); the most crowded ID has 2"
        );
        assert_eq!(group_of(&table, &index, &[2, 3, 4]), Some(0));
        assert_eq!(group_of(&table, &index, &[1, 3, 4]), None, "one item only");
        assert_eq!(group_of(&table, &index, &[2, 3]), None, "no whole ID");
        assert_eq!(range_of(&table, &index, &[2]), 1..4);
        assert_eq!(range_of(&table, &index, &[9]), 4..4);
        assert_eq!(range_of(&table, &index, &[]), 0..4);
    }
}
