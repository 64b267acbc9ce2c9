//! What the item table can show of an item: one column each, with its text, its order and its meaning.

use super::index::ItemIndex;
use crate::app::widgets::number::{count, significant};
use crate::app::widgets::{TableColumn, semantic_id_text};
use crate::engine::run::items::ItemTable;

/// Width of a character of a semantic ID, points.
const CHAR_WIDTH: f32 = 7.5;

/// A column of the item table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemColumn {
    /// The title.
    Title,
    /// The semantic ID.
    SemanticId,
    /// Positive events in the training part.
    Popularity,
    /// Items with the same semantic ID.
    Sharing,
    /// The dataset's identifier.
    Id,
    /// Categories or tags.
    Categories,
    /// Author, artist or brand.
    Author,
    /// Length in seconds.
    Length,
    /// A further feature of the dataset, by its place among the table's features.
    Feature(usize),
}

impl ItemColumn {
    /// The columns for which some item has a value, in order. The title comes first and stays in view.
    pub(super) fn all(table: &ItemTable) -> Vec<Self> {
        let rows = 0..table.len();
        let mut columns = vec![
            Self::Title,
            Self::SemanticId,
            Self::Popularity,
            Self::Sharing,
            Self::Id,
        ];
        if !table.category_names().is_empty() {
            columns.push(Self::Categories);
        }
        if rows.clone().any(|row| table.author(row).is_some()) {
            columns.push(Self::Author);
        }
        if rows.clone().any(|row| table.duration_secs(row).is_some()) {
            columns.push(Self::Length);
        }
        columns.extend((0..table.feature_names().count()).map(Self::Feature));
        columns
    }

    /// Whether the column is shown before the user has chosen.
    pub(super) fn is_shown_at_first(self) -> bool {
        !matches!(self, Self::Author | Self::Length | Self::Feature(_))
    }

    /// Its header.
    pub(super) fn name(self, table: &ItemTable) -> &str {
        match self {
            Self::Title => "Title",
            Self::SemanticId => "Semantic ID",
            Self::Popularity => "Popularity",
            Self::Sharing => "Sharing",
            Self::Id => "Item",
            Self::Categories => "Categories",
            Self::Author => "Author",
            Self::Length => "Length",
            Self::Feature(idx) => table.feature_names().nth(idx).unwrap_or("Feature"),
        }
    }

    /// What it means.
    pub(super) fn tip(self) -> &'static str {
        match self {
            Self::Title => "Title, or the identifier where there is none",
            Self::SemanticId => "One code per level",
            Self::Popularity => "Positive events in the training part",
            Self::Sharing => "Items with the same semantic ID, this one included",
            Self::Id => "The dataset's own identifier",
            Self::Categories => "Categories or tags",
            Self::Author => "Author, artist or brand",
            Self::Length => "Length in seconds",
            Self::Feature(_) => "A feature of the dataset",
        }
    }

    /// Its first width in points; 0 takes what is left.
    pub(super) fn width(self, table: &ItemTable) -> f32 {
        match self {
            Self::Title => 0.0,
            Self::SemanticId => {
                let longest_code = table.codebook_size.saturating_sub(1) as u16;
                let n_chars = semantic_id_text(&vec![longest_code; table.n_levels]).len();
                CHAR_WIDTH * n_chars as f32 + 34.0
            }
            Self::Popularity => 92.0,
            Self::Sharing => 76.0,
            Self::Length => 80.0,
            Self::Id => 90.0,
            Self::Categories | Self::Author | Self::Feature(_) => 120.0,
        }
    }

    /// Whether it holds numbers.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Popularity | Self::Sharing | Self::Length)
    }

    /// What a cell shows.
    pub(super) fn text(self, table: &ItemTable, index: &ItemIndex, item_idx: u32) -> String {
        let row = item_idx as usize;
        match self {
            Self::Title => table.label(row).to_owned(),
            Self::SemanticId => semantic_id_text(table.codes(row)),
            Self::Popularity => count(u64::from(table.popularity(row))),
            Self::Sharing => count(u64::from(index.n_sharing[row])),
            Self::Id => table.external_id(row).to_owned(),
            Self::Categories => joined(table.categories(row)),
            Self::Author => table.author(row).unwrap_or("-").to_owned(),
            Self::Length => table
                .duration_secs(row)
                .map_or_else(|| "-".to_owned(), |secs| significant(f64::from(secs), 4)),
            Self::Feature(idx) => table.feature(idx, row).unwrap_or("-").to_owned(),
        }
    }

    /// The number in a cell, for columns of numbers; nothing where it is unknown.
    pub(super) fn number(self, table: &ItemTable, index: &ItemIndex, item_idx: u32) -> Option<f64> {
        let row = item_idx as usize;
        match self {
            Self::Popularity => Some(f64::from(table.popularity(row))),
            Self::Sharing => Some(f64::from(index.n_sharing[row])),
            Self::Length => table.duration_secs(row).map(f64::from),
            _ => None,
        }
    }
}

/// The headers of these columns.
pub(super) fn headers<'a>(columns: &[ItemColumn], table: &'a ItemTable) -> Vec<TableColumn<'a>> {
    let header = |column: &ItemColumn| TableColumn {
        name: column.name(table),
        tip: column.tip(),
        width: column.width(table),
        is_number: column.is_number(),
    };
    columns.iter().map(header).collect()
}

/// An item's popularity in words.
pub(super) fn positive_events(popularity: u32) -> String {
    match popularity {
        1 => "1 positive event".to_owned(),
        n => format!("{} positive events", count(u64::from(n))),
    }
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for text in texts {
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(text);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    #[test]
    fn columns_without_a_value_are_left_out() {
        let table = table();
        let columns = ItemColumn::all(&table);
        assert!(columns.contains(&ItemColumn::Categories));
        assert!(
            !columns.contains(&ItemColumn::Length),
            "no item has a length"
        );
        let index = ItemIndex::new(&table);
        assert_eq!(ItemColumn::Title.text(&table, &index, 1), "green");
        assert_eq!(
            ItemColumn::SemanticId.text(&table, &index, 3),
            "<a_2><b_5><c_0>"
        );
        assert_eq!(
            ItemColumn::Categories.text(&table, &index, 0),
            "film, red things"
        );
        assert_eq!(ItemColumn::Length.text(&table, &index, 0), "-");
        assert_eq!(ItemColumn::Sharing.number(&table, &index, 0), Some(2.0));
    }
}
