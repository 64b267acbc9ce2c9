//! The items by their semantic IDs: a prefix tree beside a table, the collisions and a map, all of any size.

mod collision;
mod collision_view;
mod column;
mod column_menu;
mod detail;
mod export;
mod exporter;
mod filter;
mod finder;
mod index;
mod lookup;
mod map;
mod search;
mod table_view;
mod tree;
mod tree_row;
mod tree_view;
mod view;

pub use view::SemanticIdsPane;
