//! The search of the pane: in place for small catalogues, on a helper thread for large ones, so that no frame waits.

use std::sync::Arc;

use egui::Context;

use super::index::ItemIndex;
use super::search::{Query, Searcher};
use crate::app::latest::{Latest, Stale};
use crate::engine::run::items::ItemTable;

/// Catalogues up to this size are searched and sorted within a frame.
const IN_PLACE: usize = 10_000;

/// What was found.
#[derive(Clone)]
pub(super) struct Found {
    /// The table that was searched.
    pub table: Arc<ItemTable>,
    /// What follows from it alone.
    pub index: Arc<ItemIndex>,
    /// What was asked.
    pub query: Query,
    /// Rows of the table, in order.
    pub items: Arc<Vec<u32>>,
}

/// Answers queries; the newest one counts.
#[derive(Default)]
pub(super) struct Finder {
    in_place: Option<Searcher>,
    helper: Option<Latest<Question, Found>>,
    asked: Option<Query>,
    found: Option<Found>,
}

struct Question {
    table: Arc<ItemTable>,
    query: Query,
}

impl Finder {
    /// Sees to it that the query is answered, at once or in a later frame.
    pub(super) fn ask(&mut self, ctx: &Context, table: &Arc<ItemTable>, query: Query) {
        let is_known = |found: &Found| Arc::ptr_eq(&found.table, table);
        if table.len() <= IN_PLACE {
            if !self
                .found
                .as_ref()
                .is_some_and(|found| is_known(found) && found.query == query)
            {
                self.answer_in_place(table, query);
            }
            return;
        }
        self.in_place = None;
        if !self.found.as_ref().is_none_or(is_known) {
            self.found = None;
            self.asked = None;
        }
        let helper = self.helper.get_or_insert_with(|| spawn(ctx));
        if let Some(found) = helper.take()
            && is_known(&found)
        {
            self.found = Some(found);
        }
        if self.asked.as_ref() != Some(&query) {
            self.asked = Some(query.clone());
            let table = Arc::clone(table);
            helper.ask(Question { table, query });
        }
    }

    /// The newest answer; to an earlier query while the newest is being worked on.
    pub(super) fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// Whether the newest query has no answer yet.
    pub(super) fn is_busy(&self) -> bool {
        self.helper.as_ref().is_some_and(Latest::is_waiting)
    }

    fn answer_in_place(&mut self, table: &Arc<ItemTable>, query: Query) {
        if !is_of(self.in_place.as_ref(), table) {
            self.helper = None;
            self.in_place = Some(Searcher::new(Arc::clone(table)));
        }
        if let Some(searcher) = &mut self.in_place {
            self.found = answer(searcher, query, &Stale::never());
        }
    }
}

fn spawn(ctx: &Context) -> Latest<Question, Found> {
    let waker = ctx.clone();
    let mut searcher: Option<Searcher> = None;
    Latest::spawn(
        "item-search",
        move || waker.request_repaint(),
        move |question: Question, stale| {
            if !is_of(searcher.as_ref(), &question.table) {
                searcher = Some(Searcher::new(question.table));
            }
            answer(searcher.as_mut()?, question.query, stale)
        },
    )
}

fn is_of(searcher: Option<&Searcher>, table: &Arc<ItemTable>) -> bool {
    searcher.is_some_and(|searcher| Arc::ptr_eq(searcher.table(), table))
}

fn answer(searcher: &mut Searcher, query: Query, stale: &Stale) -> Option<Found> {
    let items = Arc::new(searcher.search(&query, stale)?);
    Some(Found {
        table: Arc::clone(searcher.table()),
        index: Arc::clone(searcher.index()),
        query,
        items,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::index::tests::table;
    use super::super::search::tests::query;
    use super::*;
    use crate::engine::data::Item;
    use crate::engine::run::items::ItemTableBuilder;

    #[test]
    fn small_tables_are_searched_at_once() {
        let (ctx, table) = (Context::default(), Arc::new(table()));
        let mut finder = Finder::default();
        finder.ask(&ctx, &table, query());
        assert_eq!(*finder.found().unwrap().items, [2, 0, 1, 3]);
        assert!(!finder.is_busy());
    }

    #[test]
    fn large_tables_are_searched_by_a_helper() {
        let mut builder = ItemTableBuilder::new(1, 4);
        for number in 0..IN_PLACE + 1 {
            let item = Item {
                external_id: number.to_string(),
                ..Item::default()
            };
            builder.push(&item, &[0], number as u32, []);
        }
        let (ctx, table) = (Context::default(), Arc::new(builder.finish()));
        let mut finder = Finder::default();
        let start = Instant::now();
        let wanted = Query {
            text: "10000".to_owned(),
            ..query()
        };
        finder.ask(&ctx, &table, query());
        loop {
            finder.ask(&ctx, &table, wanted.clone());
            if !finder.is_busy() {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no answer");
            std::thread::yield_now();
        }
        let found = finder.found().unwrap();
        assert_eq!(found.query, wanted);
        assert_eq!(*found.items, [10_000]);
    }
}
