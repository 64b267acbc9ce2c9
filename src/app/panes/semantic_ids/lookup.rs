//! A semantic ID that no item has: what stands nearest to it in the tree.

use super::collision::range_of;
use super::index::ItemIndex;
use crate::engine::run::items::{ItemTable, shared_prefix};
use crate::engine::tokenizer::{Code, SidPattern};

/// How many IDs are told.
const N_NEAREST: usize = 12;

/// An ID near to one that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NearId {
    /// Its codes.
    pub codes: Vec<Code>,
    /// How many codes both have in common from the start.
    pub shared_prefix: usize,
    /// Items that have it.
    pub n_items: usize,
    /// Its most popular item.
    pub item_idx: u32,
}

/// The whole ID that a search names, where no item has it.
pub(super) fn absent_id(table: &ItemTable, index: &ItemIndex, text: &str) -> Option<Vec<Code>> {
    let codes = SidPattern::parse(text)?.codes()?;
    let is_whole = codes.len() == table.n_levels
        && codes
            .iter()
            .all(|code| usize::from(*code) < table.codebook_size);
    (is_whole && range_of(table, index, &codes).is_empty()).then_some(codes)
}

/// IDs that have the most codes in common from the start, the most popular first; none where not even the first
/// code is used.
pub(super) fn nearest_ids(table: &ItemTable, index: &ItemIndex, codes: &[Code]) -> Vec<NearId> {
    let longest = (1..=codes.len()).rev().find_map(|n_codes| {
        let range = range_of(table, index, &codes[..n_codes]);
        (!range.is_empty()).then_some(range)
    });
    let Some(range) = longest else {
        return Vec::new();
    };
    let items = &index.order[range.start as usize..range.end as usize];
    let sid = |item_idx: u32| table.codes(item_idx as usize);
    let mut near: Vec<(u64, NearId)> = items
        .chunk_by(|a, b| sid(*a) == sid(*b))
        .map(|group| {
            let popularity = group
                .iter()
                .map(|item| u64::from(table.popularity(*item as usize)));
            let near = NearId {
                codes: sid(group[0]).to_vec(),
                shared_prefix: shared_prefix(sid(group[0]), codes),
                n_items: group.len(),
                item_idx: group[0],
            };
            (popularity.sum(), near)
        })
        .collect();
    near.sort_by_key(|(popularity, _)| std::cmp::Reverse(*popularity));
    near.truncate(N_NEAREST);
    near.into_iter().map(|(_, near)| near).collect()
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    #[test]
    fn only_whole_ids_that_nobody_has_are_absent() {
        let table = table();
        let index = ItemIndex::new(&table);
        let absent = |text: &str| absent_id(&table, &index, text);
        assert_eq!(absent("2.3.9"), Some(vec![2, 3, 9]));
        assert_eq!(absent("<a_1><b_1><c_1>"), Some(vec![1, 1, 1]));
        for text in ["2.3.4", "2.3", "2.*.9", "red", "2.3.99", "1.1.1.1"] {
            assert_eq!(absent(text), None, "{text}");
        }
    }

    #[test]
    fn the_longest_prefix_wins_then_popularity() {
        let table = table();
        let index = ItemIndex::new(&table);
        let near = nearest_ids(&table, &index, &[2, 3, 9]);
        assert_eq!(near.len(), 1);
        assert_eq!(
            (near[0].codes.as_slice(), near[0].n_items),
            (&[2, 3, 4][..], 2)
        );
        assert_eq!((near[0].shared_prefix, near[0].item_idx), (2, 2));
        let near = nearest_ids(&table, &index, &[2, 9, 9]);
        let popular: Vec<usize> = near.iter().map(|near| near.n_items).collect();
        assert_eq!(popular, [2, 1], "30 events before 1");
        assert!(nearest_ids(&table, &index, &[7, 3, 4]).is_empty());
    }
}
