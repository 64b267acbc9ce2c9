//! Which items the table shows and in which order; and what is near an item.

use super::tree::ItemIndex;
use crate::app::widgets::TableSort;
use crate::engine::run::items::ItemTable;
use crate::engine::tokenizer::Code;
use crate::engine::tokenizer::pattern::SidPattern;

/// Columns of the item table, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl ItemColumn {
    /// All columns in order; the first ones are shown where there is little room.
    pub(super) const ALL: [Self; 6] = [
        Self::Title,
        Self::SemanticId,
        Self::Popularity,
        Self::Sharing,
        Self::Id,
        Self::Categories,
    ];
}

/// What is asked of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Words of the title, of the identifier or of a category, or a pattern of codes.
    pub text: String,
    /// Only items that share their semantic ID.
    pub is_shared: bool,
    /// Only items whose semantic ID starts so.
    pub prefix: Vec<Code>,
    /// The order.
    pub sort: TableSort,
}

/// A near item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Neighbour {
    /// Row of the item table.
    pub item_idx: u32,
    /// Euclidean distance of the vectors.
    pub distance: f32,
    /// How many codes both IDs have in common from the start.
    pub shared_prefix: usize,
}

/// Rows of the item table that answer the query, in its order.
pub(super) fn search(table: &ItemTable, index: &ItemIndex, query: &Query) -> Vec<u32> {
    let wanted = Wanted::new(&query.text);
    let mut found: Vec<u32> = index
        .order
        .iter()
        .copied()
        .filter(|item_idx| {
            let row = &table.rows[*item_idx as usize];
            row.codes.starts_with(&query.prefix)
                && (!query.is_shared || index.n_sharing[*item_idx as usize] > 1)
                && wanted.matches(row)
        })
        .collect();
    let row = |item_idx: &u32| &table.rows[*item_idx as usize];
    match ItemColumn::ALL[query.sort.column_idx] {
        ItemColumn::Id => found.sort_by(|a, b| {
            natural(&row(a).item.external_id).cmp(&natural(&row(b).item.external_id))
        }),
        ItemColumn::Title => {
            found.sort_by_cached_key(|item_idx| row(item_idx).item.label().to_lowercase());
        }
        ItemColumn::Categories => {
            found.sort_by(|a, b| row(a).item.categories.cmp(&row(b).item.categories));
        }
        // The index is in this order already.
        ItemColumn::SemanticId => {}
        ItemColumn::Popularity => found.sort_by_key(|item_idx| row(item_idx).popularity),
        ItemColumn::Sharing => found.sort_by_key(|item_idx| index.n_sharing[*item_idx as usize]),
    }
    if query.sort.is_descending {
        found.reverse();
    }
    found
}

/// The nearest items of one item with how much of the ID they share.
pub(super) fn neighbours(table: &ItemTable, item_idx: u32) -> Vec<Neighbour> {
    let Some(row) = table.rows.get(item_idx as usize) else {
        return Vec::new();
    };
    row.neighbours
        .iter()
        .filter_map(|(other_idx, distance)| {
            let other = table.rows.get(*other_idx as usize)?;
            let same = row.codes.iter().zip(&other.codes);
            Some(Neighbour {
                item_idx: *other_idx,
                distance: *distance,
                shared_prefix: same.take_while(|(a, b)| a == b).count(),
            })
        })
        .collect()
}

/// The text of a query, understood.
struct Wanted {
    words: String,
    pattern: Option<SidPattern>,
    is_pattern_only: bool,
}

impl Wanted {
    fn new(text: &str) -> Self {
        let text = text.trim();
        Self {
            words: text.to_lowercase(),
            pattern: SidPattern::parse(text),
            // A bare number may be an identifier or part of a title as well as a first code.
            is_pattern_only: text.contains(['.', '*', '<', '?']),
        }
    }

    fn matches(&self, row: &crate::engine::run::items::ItemRow) -> bool {
        if self.words.is_empty() {
            return true;
        }
        if let Some(pattern) = &self.pattern {
            if pattern.matches(&row.codes) {
                return true;
            }
            if self.is_pattern_only {
                return false;
            }
        }
        let item = &row.item;
        [&item.title, &item.external_id]
            .into_iter()
            .chain(&item.categories)
            .any(|text| text.to_lowercase().contains(&self.words))
    }
}

/// Sorts numbers by value and everything else as text after them.
fn natural(text: &str) -> (u64, &str) {
    (text.parse().unwrap_or(u64::MAX), text)
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::table;
    use super::*;

    fn find(text: &str, is_shared: bool, prefix: &[Code]) -> Vec<u32> {
        let table = table();
        let query = Query {
            text: text.to_owned(),
            is_shared,
            prefix: prefix.to_vec(),
            sort: TableSort {
                column_idx: ItemColumn::Popularity as usize,
                is_descending: true,
            },
        };
        search(&table, &ItemIndex::new(&table), &query)
    }

    #[test]
    fn an_empty_query_shows_all_by_popularity() {
        assert_eq!(find("", false, &[]), [2, 0, 1, 3]);
    }

    #[test]
    fn words_are_found_in_titles_identifiers_and_categories() {
        assert_eq!(find("RED", false, &[]), [0]);
        assert_eq!(find("推", false, &[]), [3]);
        assert_eq!(find("id-green", false, &[]), [1]);
        assert_eq!(find("film", false, &[]).len(), 4);
        assert!(find("nothing like it", false, &[]).is_empty());
    }

    #[test]
    fn patterns_find_by_code() {
        assert_eq!(find("2", false, &[]), [2, 0, 3]);
        assert_eq!(find("*.3.4", false, &[]), [2, 0, 1]);
        assert_eq!(find("<a_2><b_5>", false, &[]), [3]);
    }

    #[test]
    fn filters_narrow_further() {
        assert_eq!(find("", true, &[]), [2, 0]);
        assert_eq!(find("", false, &[2, 5]), [3]);
        assert!(find("red", true, &[1]).is_empty());
    }

    #[test]
    fn neighbours_tell_the_shared_prefix() {
        let table = table();
        let near = neighbours(&table, 0);
        assert_eq!(near.len(), 1);
        assert_eq!((near[0].item_idx, near[0].shared_prefix), (1, 0));
        assert!(neighbours(&table, 99).is_empty());
    }
}
