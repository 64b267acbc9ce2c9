//! What follows from the item table alone, worked out once: the order of IDs, who shares one, what words to look in.

use std::ops::Range;

use rayon::prelude::*;

use crate::engine::run::items::{ItemTable, Texts};

/// What follows from the item table alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ItemIndex {
    /// Rows of the item table in order of codes, the most popular first among equals: a prefix is a range.
    pub order: Vec<u32>,
    /// Per row of the item table: how many items have the same semantic ID, itself included.
    pub n_sharing: Vec<u32>,
    /// Per row: title and identifier in small letters, for search and for the order of titles.
    pub words: Texts,
    /// Ranges of `order` whose items have one ID in common, more than one item each: the largest first, then the
    /// most popular.
    pub collisions: Vec<Range<u32>>,
    /// Different semantic IDs.
    pub n_ids: usize,
    /// Where in `order` each first code begins.
    pub first_codes: Vec<u32>,
    /// Positive events of the items before each place of `order`, and of all at its end.
    popularity_before: Vec<u64>,
}

impl ItemIndex {
    /// Sorts the table.
    pub(super) fn new(table: &ItemTable) -> Self {
        let n_items = table.len();
        let mut order: Vec<u32> = (0..n_items as u32).collect();
        order.par_sort_unstable_by(|a, b| {
            let (left, right) = (*a as usize, *b as usize);
            let popular = || table.popularity(right).cmp(&table.popularity(left));
            let codes = table.codes(left).cmp(table.codes(right));
            codes.then_with(popular).then(a.cmp(b))
        });
        let mut popularity_before = Vec::with_capacity(n_items + 1);
        let mut sum = 0;
        popularity_before.push(sum);
        for item_idx in &order {
            sum += u64::from(table.popularity(*item_idx as usize));
            popularity_before.push(sum);
        }
        let mut index = Self {
            n_sharing: vec![1; n_items],
            words: words(table),
            popularity_before,
            ..Self::default()
        };
        let codes = |item_idx: &u32| table.codes(*item_idx as usize);
        let (mut start, mut first_code) = (0, None);
        for group in order.chunk_by(|a, b| codes(a) == codes(b)) {
            let end = start + group.len() as u32;
            for item_idx in group {
                index.n_sharing[*item_idx as usize] = group.len() as u32;
            }
            if group.len() > 1 {
                index.collisions.push(start..end);
            }
            let code = codes(&group[0]).first().copied();
            if start == 0 || code != first_code {
                index.first_codes.push(start);
                first_code = code;
            }
            index.n_ids += 1;
            start = end;
        }
        index.order = order;
        let mut collisions = std::mem::take(&mut index.collisions);
        collisions.sort_by_key(|range| {
            let popularity = index.popularity(range.clone());
            (std::cmp::Reverse((range.len(), popularity)), range.start)
        });
        index.collisions = collisions;
        index
    }

    /// Positive events of a range of `order`.
    pub(super) fn popularity(&self, range: Range<u32>) -> u64 {
        self.popularity_before[range.end as usize] - self.popularity_before[range.start as usize]
    }
}

/// Title, then identifier, where both are known; the identifier alone otherwise.
fn words(table: &ItemTable) -> Texts {
    let mut words = Texts::default();
    let mut both = String::new();
    for row in 0..table.len() {
        both.clear();
        if !table.title(row).is_empty() {
            both.push_str(table.title(row));
            both.push('\n');
        }
        both.push_str(table.external_id(row));
        words.push(&both.to_lowercase());
    }
    words
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::data::Item;
    use crate::engine::run::items::ItemTableBuilder;

    /// Four items, two of which share an ID.
    pub(crate) fn table() -> ItemTable {
        let mut builder = ItemTableBuilder::new(3, 16);
        for (title, codes, popularity) in [
            ("red", [2, 3, 4], 10),
            ("green", [1, 3, 4], 5),
            ("blue", [2, 3, 4], 20),
            ("推荐", [2, 5, 0], 1),
        ] {
            let item = Item {
                external_id: format!("id-{title}"),
                title: title.to_owned(),
                categories: vec!["film".to_owned(), format!("{title} things")],
                author: (title == "red").then(|| "Ann".to_owned()),
                features: vec![("kind".to_owned(), title.chars().take(1).collect())],
                ..Item::default()
            };
            builder.push(&item, &codes, popularity, [(1, 0.5)]);
        }
        builder.finish()
    }

    #[test]
    fn equal_ids_are_counted_and_ordered() {
        let index = ItemIndex::new(&table());
        assert_eq!(index.order, [1, 2, 0, 3]);
        assert_eq!(index.n_sharing, [2, 1, 2, 1]);
        assert_eq!(
            (index.collisions.len(), index.collisions[0].clone()),
            (1, 1..3)
        );
        assert_eq!(index.n_ids, 3);
        assert_eq!(index.first_codes, [0, 1]);
        assert_eq!([index.popularity(0..4), index.popularity(1..3)], [36, 30]);
        assert_eq!(index.words.get(0), "red\nid-red");
    }

    #[test]
    fn the_largest_group_comes_first_then_the_most_popular() {
        let mut builder = ItemTableBuilder::new(1, 8);
        for (code, popularity) in [(0, 1), (0, 1), (1, 5), (1, 5), (2, 0), (2, 0), (2, 0)] {
            builder.push(&Item::default(), &[code], popularity, []);
        }
        let index = ItemIndex::new(&builder.finish());
        assert_eq!(index.collisions, [4..7, 2..4, 0..2]);
    }

    #[test]
    fn an_empty_table_has_an_index() {
        let index = ItemIndex::new(&ItemTable::default());
        assert_eq!((index.n_ids, index.popularity(0..0)), (0, 0));
        assert!(index.first_codes.is_empty());
    }
}
