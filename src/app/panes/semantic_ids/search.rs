//! Which items the table shows and in which order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::column::ItemColumn;
use super::filter::{Filter, containing};
use super::index::ItemIndex;
use crate::app::latest::Stale;
use crate::engine::run::items::{ItemTable, Names};
use crate::engine::tokenizer::SidPattern;

/// By which column the items are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ItemSort {
    /// The column.
    pub column: ItemColumn,
    /// Largest first.
    pub is_descending: bool,
}

/// What is asked of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// Words of the title, of the identifier or of a category, or a pattern of codes.
    pub text: String,
    /// Only items that share their semantic ID.
    pub is_shared: bool,
    /// Only items whose semantic ID fits.
    pub pattern: SidPattern,
    /// What single columns are asked for; those that cannot be understood filter nothing.
    pub filters: BTreeMap<ItemColumn, String>,
    /// The order.
    pub sort: ItemSort,
}

/// Searches one item table. Remembers the order of every column that was once sorted by.
pub(super) struct Searcher {
    table: Arc<ItemTable>,
    index: Arc<ItemIndex>,
    orders: BTreeMap<ItemColumn, Vec<u32>>,
}

impl Searcher {
    /// Sorts the table by semantic ID.
    pub(super) fn new(table: Arc<ItemTable>) -> Self {
        let index = Arc::new(ItemIndex::new(&table));
        Self {
            table,
            index,
            orders: BTreeMap::new(),
        }
    }

    /// What follows from the table alone.
    pub(super) fn index(&self) -> &Arc<ItemIndex> {
        &self.index
    }

    /// The table.
    pub(super) fn table(&self) -> &Arc<ItemTable> {
        &self.table
    }

    /// Rows of the item table that answer the query, in its order; nothing once the query is out of date.
    pub(super) fn search(&mut self, query: &Query, stale: &Stale) -> Option<Vec<u32>> {
        let Self {
            table,
            index,
            orders,
        } = self;
        // Items are kept in order of their IDs already.
        let order = match query.sort.column {
            ItemColumn::SemanticId => &index.order,
            column => orders
                .entry(column)
                .or_insert_with(|| sorted(table, index, column)),
        };
        let wanted = Wanted::new(query, table);
        let passes = |item_idx: &u32| !stale.is_stale() && wanted.passes(table, index, *item_idx);
        let mut found: Vec<u32> = order.par_iter().copied().filter(passes).collect();
        if query.sort.is_descending {
            found.reverse();
        }
        (!stale.is_stale()).then_some(found)
    }
}

/// All items, smallest first by one column; equal ones in order of their IDs, unknown values first.
fn sorted(table: &ItemTable, index: &ItemIndex, column: ItemColumn) -> Vec<u32> {
    let mut order = index.order.clone();
    let by = |compare: &(dyn Fn(usize, usize) -> Ordering + Sync), order: &mut Vec<u32>| {
        order.par_sort_by(|a, b| compare(*a as usize, *b as usize));
    };
    match column {
        ItemColumn::SemanticId => {}
        ItemColumn::Popularity | ItemColumn::Sharing | ItemColumn::Length => {
            let number = |row: usize| column.number(table, index, row as u32);
            let number = |row: usize| number(row).unwrap_or(f64::NEG_INFINITY);
            by(&|a, b| number(a).total_cmp(&number(b)), &mut order);
        }
        ItemColumn::Title => by(
            &|a, b| index.words.get(a).cmp(index.words.get(b)),
            &mut order,
        ),
        ItemColumn::Id => order.par_sort_by_cached_key(|row| {
            let id = table.external_id(*row as usize);
            (id.parse().unwrap_or(u64::MAX), id)
        }),
        ItemColumn::Categories => {
            let ranks = ranks(table.category_names());
            let key = |row: usize| {
                let numbers = table.category_numbers(row).iter();
                numbers.map(|number| ranks[*number as usize])
            };
            by(&|a, b| key(a).cmp(key(b)), &mut order);
        }
        ItemColumn::Author => by(&|a, b| table.author(a).cmp(&table.author(b)), &mut order),
        ItemColumn::Feature(idx) => {
            let ranks = ranks(table.feature_values(idx));
            let key = |row: usize| {
                let number = table.feature_number(idx, row);
                number.map(|number| ranks[number as usize])
            };
            by(&|a, b| key(a).cmp(&key(b)), &mut order);
        }
    }
    order
}

/// The place of every name in the order of the alphabet.
fn ranks(names: &Names) -> Vec<u32> {
    let mut by_name: Vec<(u32, &str)> = (0..).zip(names.iter()).collect();
    by_name.sort_by_key(|(_, name)| *name);
    let mut ranks = vec![0; names.len()];
    for (rank, (number, _)) in by_name.iter().enumerate() {
        ranks[*number as usize] = rank as u32;
    }
    ranks
}

/// A query, understood.
struct Wanted<'a> {
    query: &'a Query,
    words: String,
    pattern: Option<SidPattern>,
    is_pattern_only: bool,
    /// Which categories contain the words.
    categories: Vec<bool>,
    filters: Vec<(ItemColumn, Filter)>,
}

impl<'a> Wanted<'a> {
    fn new(query: &'a Query, table: &ItemTable) -> Self {
        let text = query.text.trim();
        let words = text.to_lowercase();
        let filters = query.filters.iter().filter_map(|(column, text)| {
            let filter = Filter::parse(*column, text, table)?;
            Some((*column, filter))
        });
        Self {
            query,
            pattern: SidPattern::parse(text),
            // A bare number may be an identifier or part of a title as well as a first code.
            is_pattern_only: text.contains(['.', '*', '<', '?']),
            categories: containing(table.category_names(), &words),
            words,
            filters: filters.collect(),
        }
    }

    fn passes(&self, table: &ItemTable, index: &ItemIndex, item_idx: u32) -> bool {
        let row = item_idx as usize;
        self.query.pattern.matches(table.codes(row))
            && (!self.query.is_shared || index.n_sharing[row] > 1)
            && self
                .filters
                .iter()
                .all(|(column, filter)| filter.passes(*column, table, index, item_idx))
            && self.has_words(table, index, row)
    }

    fn has_words(&self, table: &ItemTable, index: &ItemIndex, row: usize) -> bool {
        if self.words.is_empty() {
            return true;
        }
        if let Some(pattern) = &self.pattern {
            if pattern.matches(table.codes(row)) {
                return true;
            }
            if self.is_pattern_only {
                return false;
            }
        }
        index.words.get(row).contains(&self.words)
            || table
                .category_numbers(row)
                .iter()
                .any(|number| self.categories[*number as usize])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::index::tests::table;
    use super::*;
    use crate::engine::tokenizer::Code;

    pub(crate) fn query() -> Query {
        Query {
            text: String::new(),
            is_shared: false,
            pattern: SidPattern::default(),
            filters: BTreeMap::new(),
            sort: ItemSort {
                column: ItemColumn::Popularity,
                is_descending: true,
            },
        }
    }

    fn find(text: &str, is_shared: bool, prefix: &[Code]) -> Vec<u32> {
        let query = Query {
            text: text.to_owned(),
            is_shared,
            pattern: SidPattern::prefix(prefix),
            ..query()
        };
        let mut searcher = Searcher::new(Arc::new(table()));
        searcher.search(&query, &Stale::never()).unwrap()
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
        let mut query = query();
        query
            .filters
            .insert(ItemColumn::Popularity, "<20".to_owned());
        query.filters.insert(ItemColumn::Title, "re".to_owned());
        // What cannot be understood filters nothing.
        query.filters.insert(ItemColumn::Sharing, "many".to_owned());
        let mut searcher = Searcher::new(Arc::new(table()));
        assert_eq!(searcher.search(&query, &Stale::never()).unwrap(), [0, 1]);
    }

    #[test]
    fn every_column_has_an_order() {
        let mut searcher = Searcher::new(Arc::new(table()));
        for (column, expected) in [
            (ItemColumn::Title, [2, 1, 0, 3]),
            (ItemColumn::Id, [2, 1, 0, 3]),
            (ItemColumn::SemanticId, [1, 2, 0, 3]),
            (ItemColumn::Popularity, [3, 1, 0, 2]),
            (ItemColumn::Sharing, [1, 3, 2, 0]),
            (ItemColumn::Categories, [2, 1, 0, 3]),
            (ItemColumn::Author, [1, 2, 3, 0]),
            (ItemColumn::Feature(0), [2, 1, 0, 3]),
        ] {
            for is_descending in [false, true] {
                let sort = ItemSort {
                    column,
                    is_descending,
                };
                let query = Query { sort, ..query() };
                let mut found = searcher.search(&query, &Stale::never()).unwrap();
                if is_descending {
                    found.reverse();
                }
                assert_eq!(found, expected, "{column:?}, descending {is_descending}");
            }
        }
    }
}
