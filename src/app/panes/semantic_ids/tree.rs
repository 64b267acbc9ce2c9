//! The prefix tree of all semantic IDs as rows to draw. Only opened nodes cost anything, and the items of a node are
//! one piece however many they are.

use std::collections::BTreeSet;
use std::ops::Range;

use super::index::ItemIndex;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;

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

/// The visible rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pieces: Vec<Piece>,
    n_rows: usize,
}

/// A node, or all items of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    /// The place of its first row among all.
    first_row: usize,
    /// Of [`ItemIndex::order`].
    range: Range<u32>,
    depth: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Node { is_open: bool },
    Items,
}

impl Tree {
    /// The rows while the nodes in `open` are open.
    pub(super) fn new(table: &ItemTable, index: &ItemIndex, open: &BTreeSet<Vec<Code>>) -> Self {
        let mut tree = Self::default();
        let mut starts = index.first_codes.iter().copied().peekable();
        while let Some(start) = starts.next() {
            let end = starts.peek().copied().unwrap_or(index.order.len() as u32);
            tree.add_node(table, index, open, start..end, 0);
        }
        tree
    }

    /// Number of rows.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// One row.
    ///
    /// # Panics
    /// If there are fewer rows: a bug of the caller.
    pub(super) fn row(&self, table: &ItemTable, index: &ItemIndex, row_idx: usize) -> TreeRow {
        let piece = &self.pieces[self.piece_idx(row_idx)];
        let codes = |place: u32| table.codes(index.order[place as usize] as usize);
        match piece.kind {
            Kind::Node { is_open } => TreeRow {
                prefix: codes(piece.range.start)[..=piece.depth].to_vec(),
                item_idx: None,
                n_items: piece.range.len(),
                popularity: index.popularity(piece.range.clone()),
                is_open,
                depth: piece.depth,
            },
            Kind::Items => {
                let place = piece.range.start + (row_idx - piece.first_row) as u32;
                let item_idx = index.order[place as usize];
                TreeRow {
                    prefix: codes(place).to_vec(),
                    item_idx: Some(item_idx),
                    n_items: 1,
                    popularity: u64::from(table.popularity(item_idx as usize)),
                    is_open: false,
                    depth: piece.depth,
                }
            }
        }
    }

    /// The row of the node that a row hangs on; nothing for the nodes of the first level.
    pub(super) fn parent(&self, row_idx: usize) -> Option<usize> {
        let piece_idx = self.piece_idx(row_idx);
        let depth = self.pieces.get(piece_idx)?.depth;
        let above = self.pieces[..piece_idx].iter().rev();
        let mut nodes = above.filter(|piece| piece.depth < depth);
        nodes.next().map(|piece| piece.first_row)
    }

    /// The row that shows an item, where its node is open.
    pub(super) fn row_of_item(&self, index: &ItemIndex, item_idx: u32) -> Option<usize> {
        self.pieces
            .iter()
            .filter(|piece| piece.kind == Kind::Items)
            .find_map(|piece| {
                let items = &index.order[piece.range.start as usize..piece.range.end as usize];
                let place = items.iter().position(|found| *found == item_idx)?;
                Some(piece.first_row + place)
            })
    }

    fn piece_idx(&self, row_idx: usize) -> usize {
        let after = self
            .pieces
            .partition_point(|piece| piece.first_row <= row_idx);
        after.saturating_sub(1)
    }

    fn add_node(
        &mut self,
        table: &ItemTable,
        index: &ItemIndex,
        open: &BTreeSet<Vec<Code>>,
        range: Range<u32>,
        depth: usize,
    ) {
        let prefix = &table.codes(index.order[range.start as usize] as usize)[..=depth];
        let is_open = open.contains(prefix);
        self.push(range.clone(), depth, Kind::Node { is_open });
        if !is_open {
            return;
        }
        // Items follow directly below the last but one level: most nodes of the last level have a single item.
        if depth + 2 >= table.n_levels {
            self.push(range, depth + 1, Kind::Items);
            return;
        }
        let mut start = range.start;
        while start < range.end {
            let end = end_of_code(table, index, start..range.end, depth + 1);
            self.add_node(table, index, open, start..end, depth + 1);
            start = end;
        }
    }

    fn push(&mut self, range: Range<u32>, depth: usize, kind: Kind) {
        let n_rows = if kind == Kind::Items { range.len() } else { 1 };
        self.pieces.push(Piece {
            first_row: self.n_rows,
            range,
            depth,
            kind,
        });
        self.n_rows += n_rows;
    }
}

/// Where the items end that have the same code at a level as the first of a range whose items agree before it.
fn end_of_code(table: &ItemTable, index: &ItemIndex, range: Range<u32>, level_idx: usize) -> u32 {
    let code = |item_idx: &u32| table.codes(*item_idx as usize)[level_idx];
    let items = &index.order[range.start as usize..range.end as usize];
    let first = code(&items[0]);
    range.start + items.partition_point(|item_idx| code(item_idx) <= first) as u32
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;
    use crate::engine::data::Item;
    use crate::engine::run::items::ItemTableBuilder;

    fn rows(table: &ItemTable, index: &ItemIndex, open: &[&[Code]]) -> Vec<TreeRow> {
        let open = open.iter().map(|prefix| prefix.to_vec()).collect();
        let tree = Tree::new(table, index, &open);
        (0..tree.n_rows())
            .map(|row_idx| tree.row(table, index, row_idx))
            .collect()
    }

    #[test]
    fn closed_nodes_show_one_row_per_first_code() {
        let table = table();
        let rows = rows(&table, &ItemIndex::new(&table), &[]);
        let shown: Vec<(&[u16], usize, u64)> = rows
            .iter()
            .map(|row| (row.prefix.as_slice(), row.n_items, row.popularity))
            .collect();
        assert_eq!(shown, [(&[1][..], 1, 5), (&[2][..], 3, 31)]);
    }

    #[test]
    fn opened_nodes_show_levels_then_items_by_popularity() {
        let table = table();
        let index = ItemIndex::new(&table);
        let rows = rows(&table, &index, &[&[2], &[2, 3]]);
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
        let tree = Tree::new(&table, &index, &BTreeSet::from([vec![2], vec![2, 3]]));
        let parents: Vec<_> = (0..6).map(|row_idx| tree.parent(row_idx)).collect();
        assert_eq!(parents, [None, None, Some(1), Some(2), Some(2), Some(1)]);
        assert_eq!(tree.row_of_item(&index, 0), Some(4));
        assert_eq!(tree.row_of_item(&index, 3), None, "its node is closed");
    }

    #[test]
    fn one_level_shows_its_items_below_each_code() {
        let mut builder = ItemTableBuilder::new(1, 4);
        for code in [1, 0, 1] {
            builder.push(&Item::default(), &[code], 0, []);
        }
        let table = builder.finish();
        let rows = rows(&table, &ItemIndex::new(&table), &[&[1]]);
        let items: Vec<_> = rows.iter().map(|row| row.item_idx).collect();
        assert_eq!(items, [None, None, Some(0), Some(2)]);
    }

    #[test]
    fn an_empty_table_has_no_rows() {
        let table = ItemTable::default();
        assert!(rows(&table, &ItemIndex::new(&table), &[]).is_empty());
    }
}
