//! A semantic ID and the table that maps items to IDs and back.

use rayon::slice::ParallelSliceMut as _;
use sha2::{Digest as _, Sha256};

use crate::engine::data::ItemIdx;

/// Index of a codeword within its level.
pub type Code = u16;

/// The codes of one item, one per level.
pub type SemanticId = Vec<Code>;

/// Item -> semantic ID and semantic ID -> items. Two flat arrays, so that a million items cost a few bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SemanticIdTable {
    n_levels: usize,
    codebook_size: usize,
    codes: Vec<Code>,
    /// All items in order of semantic ID, those of one ID in order of item.
    order: Vec<ItemIdx>,
}

impl SemanticIdTable {
    /// Builds the table from `codes [n_items * n_levels]`, row-major.
    ///
    /// # Panics
    /// If the length is not a multiple of `n_levels` or a code is out of range: a bug of the tokenizer.
    pub fn new(n_levels: usize, codebook_size: usize, codes: Vec<Code>) -> Self {
        assert!(
            n_levels > 0 && codes.len().is_multiple_of(n_levels),
            "{} codes for {n_levels} levels",
            codes.len()
        );
        for sid in codes.chunks_exact(n_levels) {
            assert!(
                sid.iter().all(|code| usize::from(*code) < codebook_size),
                "code of {sid:?} >= {codebook_size}"
            );
        }
        let sid_of = |item: &ItemIdx| &codes[item.idx() * n_levels..(item.idx() + 1) * n_levels];
        let mut order: Vec<ItemIdx> = (0..(codes.len() / n_levels) as u32).map(ItemIdx).collect();
        order.par_sort_unstable_by(|a, b| sid_of(a).cmp(sid_of(b)).then(a.cmp(b)));
        Self {
            n_levels,
            codebook_size,
            codes,
            order,
        }
    }

    /// Levels, L.
    pub fn n_levels(&self) -> usize {
        self.n_levels
    }

    /// Codes per level, K.
    pub fn codebook_size(&self) -> usize {
        self.codebook_size
    }

    /// Number of items.
    pub fn n_items(&self) -> usize {
        self.codes.len() / self.n_levels
    }

    /// The semantic ID of an item.
    pub fn sid(&self, item: ItemIdx) -> &[Code] {
        &self.codes[item.idx() * self.n_levels..(item.idx() + 1) * self.n_levels]
    }

    /// The items with that semantic ID; empty where it is not legal.
    pub fn items(&self, sid: &[Code]) -> &[ItemIdx] {
        if sid.len() == self.n_levels {
            self.items_under(sid)
        } else {
            &[]
        }
    }

    /// The items whose semantic ID begins with these codes, in order of ID; all items for no code.
    pub fn items_under(&self, prefix: &[Code]) -> &[ItemIdx] {
        let beginning = |item: &ItemIdx| &self.sid(*item)[..prefix.len().min(self.n_levels)];
        let start = self.order.partition_point(|item| beginning(item) < prefix);
        let n_items = self.order[start..].partition_point(|item| beginning(item) == prefix);
        &self.order[start..start + n_items]
    }

    /// Whether some item has that semantic ID.
    pub fn is_legal(&self, sid: &[Code]) -> bool {
        !self.items(sid).is_empty()
    }

    /// All legal semantic IDs with their items, in order of code.
    pub fn iter(&self) -> impl Iterator<Item = (&[Code], &[ItemIdx])> {
        self.order
            .chunk_by(|a, b| self.sid(*a) == self.sid(*b))
            .map(|items| (self.sid(items[0]), items))
    }

    /// SHA-256 of the codes in hexadecimal: two generators with equal fingerprints speak of the same items.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update((self.n_levels as u64).to_le_bytes());
        hash.update((self.codebook_size as u64).to_le_bytes());
        for code in &self.codes {
            hash.update(code.to_le_bytes());
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// All codes, `[n_items * n_levels]`.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }
}
