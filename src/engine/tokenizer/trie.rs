//! Which codes may follow which: the legal semantic IDs as a prefix tree.
//!
//! The tree is kept level by level in flat arrays, because a search asks for the children of
//! thousands of prefixes at every step.

use super::{Code, SemanticIdTable};

/// Prefix tree of the semantic IDs that some item has.
#[derive(Clone, Debug)]
pub struct SemanticIdTrie {
    levels: Vec<Level>,
}

/// The nodes of one level, children of the same parent side by side.
#[derive(Clone, Debug, Default)]
struct Level {
    /// The code that leads to each node, ascending among the children of one parent.
    codes: Vec<Code>,
    /// `child_start[p]..child_start[p + 1]` are the children of node `p` of the level before.
    child_start: Vec<usize>,
}

impl SemanticIdTrie {
    /// Builds the tree of all semantic IDs of a table.
    pub fn new(table: &SemanticIdTable) -> Self {
        let mut levels = vec![Level::default(); table.n_levels()];
        let mut last: &[Code] = &[];
        for (sid, _) in table.iter() {
            // IDs come in ascending order: only the levels after the common prefix get a new node.
            let n_common = sid.iter().zip(last).take_while(|(a, b)| a == b).count();
            for level_idx in n_common..sid.len() {
                let level = &mut levels[level_idx];
                if level_idx > n_common || level.child_start.is_empty() {
                    // The parent is new as well, so its children start here.
                    level.child_start.push(level.codes.len());
                }
                level.codes.push(sid[level_idx]);
            }
            last = sid;
        }
        for level in &mut levels {
            level.child_start.push(level.codes.len());
        }
        Self { levels }
    }

    /// Levels of a complete semantic ID.
    pub fn n_levels(&self) -> usize {
        self.levels.len()
    }

    /// The codes that may follow `prefix`, ascending; none after an illegal prefix or a complete ID.
    pub fn allowed_codes(&self, prefix: &[Code]) -> &[Code] {
        let Some(level) = self.levels.get(prefix.len()) else {
            return &[];
        };
        let mut node_idx = 0;
        for (parent, code) in self.levels.iter().zip(prefix) {
            let Some(child_idx) = parent.child(node_idx, *code) else {
                return &[];
            };
            node_idx = child_idx;
        }
        level.children(node_idx)
    }

    /// Whether some item has this complete semantic ID.
    pub fn is_legal(&self, sid: &[Code]) -> bool {
        match sid.split_last() {
            Some((last, prefix)) if sid.len() == self.n_levels() => {
                self.allowed_codes(prefix).binary_search(last).is_ok()
            }
            _ => false,
        }
    }
}

impl Level {
    /// The codes under a node of the level before.
    fn children(&self, parent_idx: usize) -> &[Code] {
        match (
            self.child_start.get(parent_idx),
            self.child_start.get(parent_idx + 1),
        ) {
            (Some(start), Some(end)) => &self.codes[*start..*end],
            _ => &[],
        }
    }

    /// The node that `code` leads to.
    fn child(&self, parent_idx: usize, code: Code) -> Option<usize> {
        let offset = self.children(parent_idx).binary_search(&code).ok()?;
        Some(self.child_start[parent_idx] + offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn children_of_a_small_tree() {
        let codes = vec![
            0, 1, 2, /**/ 0, 1, 0, /**/ 2, 2, 2, /**/ 0, 2, 1, /**/ 0, 1, 2,
        ];
        let trie = SemanticIdTrie::new(&SemanticIdTable::new(3, 3, codes));
        assert_eq!(trie.allowed_codes(&[]), [0, 2]);
        assert_eq!(trie.allowed_codes(&[0]), [1, 2]);
        assert_eq!(trie.allowed_codes(&[1]), [0; 0]);
        assert_eq!(trie.allowed_codes(&[2]), [2]);
        assert_eq!(trie.allowed_codes(&[0, 1]), [0, 2]);
        assert_eq!(trie.allowed_codes(&[0, 2]), [1]);
        assert_eq!(trie.allowed_codes(&[0, 1, 2]), [0; 0]);
        assert!(trie.is_legal(&[0, 2, 1]));
        assert!(!trie.is_legal(&[0, 2]), "a prefix is no semantic ID");
    }

    #[test]
    fn an_empty_catalogue_allows_nothing() {
        let trie = SemanticIdTrie::new(&SemanticIdTable::new(3, 4, Vec::new()));
        assert_eq!(trie.allowed_codes(&[]), [0; 0]);
        assert!(!trie.is_legal(&[0, 0, 0]));
    }

    proptest! {
        #[test]
        fn the_tree_and_the_table_agree(items in prop::collection::vec([0_u16..4, 0_u16..4, 0_u16..4], 1..40)) {
            let table = SemanticIdTable::new(3, 4, items.concat());
            let trie = SemanticIdTrie::new(&table);
            for code_0 in 0..4 {
                for code_1 in 0..4 {
                    for code_2 in 0..4 {
                        let sid = [code_0, code_1, code_2];
                        prop_assert_eq!(trie.is_legal(&sid), table.is_legal(&sid));
                    }
                    let starts = |sid: &[Code]| sid[..2] == [code_0, code_1];
                    let expected: Vec<Code> = table.iter().filter(|(sid, _)| starts(sid)).map(|(sid, _)| sid[2]).collect();
                    prop_assert_eq!(trie.allowed_codes(&[code_0, code_1]), expected);
                }
            }
        }
    }
}
