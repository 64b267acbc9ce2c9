//! What is selected, shared by all panes: a click in one is followed by the others.

use crate::engine::tokenizer::Code;

/// The selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// An item, as row of the item table.
    pub item: Option<u32>,
    /// The first codes of a semantic ID; empty selects all items.
    pub prefix: Vec<Code>,
    /// A user, by the dataset's own identifier.
    pub user: Option<String>,
}
