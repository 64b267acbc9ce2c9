//! The items by their semantic IDs: a prefix tree and a table that can be searched, side by side.

mod search;
mod tree;
mod tree_row;
mod tree_view;
mod view;

pub use view::SemanticIdsPane;
