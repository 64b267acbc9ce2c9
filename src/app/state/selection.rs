//! What is selected, shared by all panes: a click in one is followed by the others.

use crate::engine::tokenizer::SidPattern;

/// The selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// An item, as row of the item table.
    pub item: Option<u32>,
    /// What semantic IDs must look like: a prefix, or a code of a later level; open selects all items.
    pub pattern: SidPattern,
    /// A user, by the dataset's own identifier.
    pub user: Option<String>,
}
