//! The prefix tree of all semantic IDs as rows to draw. Only opened nodes cost anything.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;

/// Items in order of their codes, so that a prefix is a range.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ItemIndex {
    /// Rows of the item table in order of codes, the most popular first among equals.
    pub order: Vec<u32>,
    /// Per row of the item table: how many items have the same semantic ID, itself included.
    pub n_sharing: Vec<u32>,
}

/// One visible row of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TreeRow {
    /// The codes down to this row.
    pub prefix: Vec<Code>,
    /// An item, or a node with items below it.
    pub item_idx: Option<u32>,
    /// Items at or below it.
    pub n_items: usize,
    /// Positive events of those items.
    pub popularity: u64,
    /// Whether its children are shown.
    pub is_open: bool,
    /// Steps from the left edge.
    pub depth: usize,
}

impl ItemIndex {
    /// Sorts the table once.
    pub(super) fn new(table: &ItemTable) -> Self {
        let rows = &table.rows;
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&rows[*a as usize], &rows[*b as usize]);
            a.codes.cmp(&b.codes).then(b.popularity.cmp(&a.popularity))
        });
        let mut n_sharing = vec![1; rows.len()];
        for group in order.chunk_by(|a, b| rows[*a as usize].codes == rows[*b as usize].codes) {
            for item_idx in group {
                n_sharing[*item_idx as usize] = group.len() as u32;
            }
        }
        Self { order, n_sharing }
    }

    /// The rows to draw while the nodes in `open` are open.
    pub(super) fn rows(&self, table: &ItemTable, open: &BTreeSet<Vec<Code>>) -> Vec<TreeRow> {
        let mut rows = Vec::new();
        self.add_nodes(table, open, 0..self.order.len(), &mut Vec::new(), &mut rows);
        rows
    }

    fn add_nodes(
        &self,
        table: &ItemTable,
        open: &BTreeSet<Vec<Code>>,
        range: Range<usize>,
        prefix: &mut Vec<Code>,
        rows: &mut Vec<TreeRow>,
    ) {
        let level_idx = prefix.len();
        let code_of = |item_idx: &u32| table.rows[*item_idx as usize].codes.get(level_idx).copied();
        // Items follow directly below the last but one level: most nodes of the last level have a single item.
        if level_idx >= table.n_levels.saturating_sub(1).max(1) {
            rows.extend(self.order[range].iter().map(|item_idx| {
                let row = &table.rows[*item_idx as usize];
                TreeRow {
                    prefix: row.codes.clone(),
                    item_idx: Some(*item_idx),
                    n_items: 1,
                    popularity: u64::from(row.popularity),
                    is_open: false,
                    depth: level_idx,
                }
            }));
            return;
        }
        let mut start = range.start;
        for group in self.order[range].chunk_by(|a, b| code_of(a) == code_of(b)) {
            let end = start + group.len();
            if let Some(code) = code_of(&group[0]) {
                prefix.push(code);
                let is_open = open.contains(prefix);
                let popularity =
                    |item_idx: &u32| u64::from(table.rows[*item_idx as usize].popularity);
                rows.push(TreeRow {
                    prefix: prefix.clone(),
                    item_idx: None,
                    n_items: group.len(),
                    popularity: group.iter().map(popularity).sum(),
                    is_open,
                    depth: level_idx,
                });
                if is_open {
                    self.add_nodes(table, open, start..end, prefix, rows);
                }
                prefix.pop();
            }
            start = end;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::data::Item;
    use crate::engine::run::items::ItemRow;

    pub(crate) fn table() -> ItemTable {
        let row = |title: &str, codes: [u16; 3], popularity| ItemRow {
            item: Item {
                external_id: format!("id-{title}"),
                title: title.to_owned(),
                categories: vec!["film".to_owned()],
                ..Item::default()
            },
            codes: codes.to_vec(),
            popularity,
            neighbours: vec![(1, 0.5)],
        };
        ItemTable {
            n_levels: 3,
            codebook_size: 16,
            rows: vec![
                row("red", [2, 3, 4], 10),
                row("green", [1, 3, 4], 5),
                row("blue", [2, 3, 4], 20),
                row("推荐", [2, 5, 0], 1),
            ],
        }
    }

    #[test]
    fn closed_nodes_show_one_row_per_first_code() {
        let table = table();
        let index = ItemIndex::new(&table);
        let rows = index.rows(&table, &BTreeSet::new());
        let shown: Vec<(&[u16], usize, u64)> = rows
            .iter()
            .map(|row| (row.prefix.as_slice(), row.n_items, row.popularity))
            .collect();
        assert_eq!(shown, [(&[1][..], 1, 5), (&[2][..], 3, 31)]);
        assert_eq!(index.n_sharing, [2, 1, 2, 1]);
    }

    #[test]
    fn opened_nodes_show_levels_then_items_by_popularity() {
        let table = table();
        let open = BTreeSet::from([vec![2], vec![2, 3]]);
        let rows = ItemIndex::new(&table).rows(&table, &open);
        let shown: Vec<(usize, Option<u32>)> =
            rows.iter().map(|row| (row.depth, row.item_idx)).collect();
        assert_eq!(
            shown,
            [
                (0, None),
                (0, None),
                (1, None),
                (2, Some(2)),
                (2, Some(0)),
                (1, None)
            ]
        );
        assert_eq!(rows[3].prefix, [2, 3, 4]);
    }

    #[test]
    fn an_empty_table_has_no_rows() {
        let table = ItemTable::default();
        assert!(
            ItemIndex::new(&table)
                .rows(&table, &BTreeSet::new())
                .is_empty()
        );
    }
}
