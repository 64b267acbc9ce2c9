//! Dense indices of users and items. The dataset's own identifiers are kept beside them as text.

use serde::{Deserialize, Serialize};

/// Row of a user in [`Dataset::users`](super::Dataset::users).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserIdx(pub u32);

/// Row of an item in [`ItemCatalog::items`](super::ItemCatalog::items).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemIdx(pub u32);

impl UserIdx {
    /// As an index into a slice.
    pub const fn idx(self) -> usize {
        self.0 as usize
    }
}

impl ItemIdx {
    /// As an index into a slice.
    pub const fn idx(self) -> usize {
        self.0 as usize
    }
}
