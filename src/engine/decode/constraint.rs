//! Which codes may come next: legal semantic IDs only, and no semantic ID twice in a slate.

use std::borrow::Cow;

use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::trie::SemanticIdTrie;

/// The rules of one search.
#[derive(Clone, Debug)]
pub(super) struct Constraint<'a> {
    /// The legal semantic IDs; nothing lets every code combination pass.
    trie: Option<&'a SemanticIdTrie>,
    /// Levels of a semantic ID.
    n_levels: usize,
    /// All codes of a level.
    all: Vec<Code>,
}

impl<'a> Constraint<'a> {
    pub(super) fn new(
        trie: Option<&'a SemanticIdTrie>,
        n_levels: usize,
        codebook_size: usize,
    ) -> Self {
        Self {
            trie,
            n_levels,
            all: (0..codebook_size).map(|code| code as Code).collect(),
        }
    }

    /// Codes per level.
    pub(super) fn codebook_size(&self) -> usize {
        self.all.len()
    }

    /// The codes that may follow `codes`, ascending. The search restarts after each item.
    pub(super) fn allowed_codes(&self, codes: &[Code]) -> Cow<'_, [Code]> {
        let n_done = codes.len() / self.n_levels * self.n_levels;
        let (done, prefix) = codes.split_at(n_done);
        // Only items of the slate that share the prefix can be in the way.
        let rivals: Vec<&[Code]> = done
            .chunks_exact(self.n_levels)
            .filter(|sid| sid.starts_with(prefix))
            .collect();
        // So only the code that such an item goes on with can lead nowhere.
        let used_up: Vec<Code> = rivals
            .iter()
            .map(|sid| sid[prefix.len()])
            .filter(|code| {
                let mut sid = [prefix, &[*code]].concat();
                !self.has_free_leaf(&mut sid, &rivals)
            })
            .collect();
        let allowed = self.children(prefix);
        if used_up.is_empty() {
            return Cow::Borrowed(allowed);
        }
        let is_left = |code: &Code| !used_up.contains(code);
        Cow::Owned(allowed.iter().copied().filter(is_left).collect())
    }

    /// Whether some allowed semantic ID begins with `prefix` and is not among `rivals`.
    fn has_free_leaf(&self, prefix: &mut Vec<Code>, rivals: &[&[Code]]) -> bool {
        if !rivals.iter().any(|sid| sid.starts_with(prefix)) {
            return true;
        }
        if prefix.len() == self.n_levels {
            return false;
        }
        self.children(prefix).iter().any(|code| {
            prefix.push(*code);
            let is_free = self.has_free_leaf(prefix, rivals);
            prefix.pop();
            is_free
        })
    }

    fn children(&self, prefix: &[Code]) -> &[Code] {
        match self.trie {
            Some(trie) => trie.allowed_codes(prefix),
            None => &self.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tokenizer::SemanticIdTable;

    fn constraint(trie: Option<&SemanticIdTrie>) -> Constraint<'_> {
        Constraint::new(trie, 2, 3)
    }

    #[test]
    fn the_trie_restarts_after_each_item_and_loses_used_leaves() {
        let table = SemanticIdTable::new(2, 3, vec![0, 1, /**/ 0, 2, /**/ 2, 2]);
        let trie = SemanticIdTrie::new(&table);
        let constraint = constraint(Some(&trie));
        assert_eq!(*constraint.allowed_codes(&[]), [0, 2]);
        assert_eq!(*constraint.allowed_codes(&[0]), [1, 2]);
        assert_eq!(*constraint.allowed_codes(&[0, 1]), [0, 2]);
        assert_eq!(*constraint.allowed_codes(&[0, 1, 0]), [2]);
        // The only ID that begins with 2 is used, so 2 is a dead end.
        assert_eq!(*constraint.allowed_codes(&[2, 2]), [0]);
        assert_eq!(*constraint.allowed_codes(&[0, 1, 0, 2]), [2]);
        assert_eq!(*constraint.allowed_codes(&[0, 1, 0, 2, 2, 2]), [0; 0]);
    }

    #[test]
    fn without_a_trie_only_repetition_is_forbidden() {
        let constraint = constraint(None);
        assert_eq!(*constraint.allowed_codes(&[]), [0, 1, 2]);
        assert_eq!(*constraint.allowed_codes(&[1, 1, 1]), [0, 2]);
        assert_eq!(*constraint.allowed_codes(&[1, 1, 0]), [0, 1, 2]);
        let used_up = [1, 0, 1, 1, 1, 2];
        assert_eq!(*constraint.allowed_codes(&used_up), [0, 2]);
    }
}
