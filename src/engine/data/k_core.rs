//! The k-core of a log: users and items with fewer than k events are left out, then those that thereby have fewer, until
//! nothing changes. What is left does not depend on the order of leaving out.

use super::source::builder::fingerprint;
use super::{Dataset, InteractionLog, ItemCatalog, ItemIdx, UserColumn, UserIdx};
use crate::engine::number::count;

/// The k-core as a dataset of its own, with new indices and a new fingerprint; all of it for k = 0. Events of all kinds
/// count, positive or not; an item without events is in no core.
pub(super) fn k_core(dataset: Dataset, k: usize) -> Dataset {
    if k == 0 {
        return dataset;
    }
    let log = &dataset.log;
    let rows = core_rows(log, dataset.catalog.len(), k);
    let (mut has_user, mut has_item) = (
        vec![false; log.n_users()],
        vec![false; dataset.catalog.len()],
    );
    for &row in &rows {
        has_user[log.user[row].idx()] = true;
        has_item[log.item[row].idx()] = true;
    }
    let (users, items) = (kept(&has_user), kept(&has_item));
    let log = renumbered(log, &rows, &users, &items);
    let catalog = ItemCatalog {
        items: items
            .iter()
            .map(|&item| dataset.catalog.items[item].clone())
            .collect(),
    };
    let names: Vec<String> = users
        .iter()
        .map(|&user| dataset.users[user].clone())
        .collect();
    let user_columns: Vec<UserColumn> = dataset
        .user_columns
        .iter()
        .map(|column| column.of(&users))
        .collect();
    let mut warnings = dataset.warnings;
    warnings.push(format!(
        "the {k}-core keeps {} of {} users, {} of {} items and {} of {} events",
        count(users.len() as u64),
        count(dataset.users.len() as u64),
        count(items.len() as u64),
        count(dataset.catalog.len() as u64),
        count(rows.len() as u64),
        count(dataset.log.len() as u64)
    ));
    Dataset {
        fingerprint: fingerprint(&catalog, &names, &user_columns, &log),
        oracle: dataset.oracle.map(|oracle| oracle.subset(&items, &users)),
        name: dataset.name,
        format: dataset.format,
        catalog,
        users: names,
        user_columns,
        log,
        warnings,
    }
}

/// Rows of events whose user and item have at least k of them.
fn core_rows(log: &InteractionLog, n_items: usize, k: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..log.len()).collect();
    loop {
        let (mut of_user, mut of_item) = (vec![0usize; log.n_users()], vec![0usize; n_items]);
        for &row in &rows {
            of_user[log.user[row].idx()] += 1;
            of_item[log.item[row].idx()] += 1;
        }
        let n_before = rows.len();
        rows.retain(|&row| of_user[log.user[row].idx()] >= k && of_item[log.item[row].idx()] >= k);
        if rows.len() == n_before {
            return rows;
        }
    }
}

/// The positions of what is kept.
fn kept(is_kept: &[bool]) -> Vec<usize> {
    (0..is_kept.len()).filter(|&idx| is_kept[idx]).collect()
}

/// The log of some rows under new numbers of users and items.
fn renumbered(
    log: &InteractionLog,
    rows: &[usize],
    users: &[usize],
    items: &[usize],
) -> InteractionLog {
    let new_idx = |kept: &[usize], old: usize| {
        kept.binary_search(&old)
            .expect("the kept rows name kept users and items only") as u32
    };
    let user: Vec<UserIdx> = rows
        .iter()
        .map(|&row| UserIdx(new_idx(users, log.user[row].idx())))
        .collect();
    InteractionLog {
        item: rows
            .iter()
            .map(|&row| ItemIdx(new_idx(items, log.item[row].idx())))
            .collect(),
        time_millis: rows.iter().map(|&row| log.time_millis[row]).collect(),
        request: log
            .request
            .as_ref()
            .map(|request| rows.iter().map(|&row| request[row]).collect()),
        feedback: rows.iter().map(|&row| log.feedback[row]).collect(),
        user_start: (0..=users.len())
            .map(|idx| user.partition_point(|user| user.idx() < idx))
            .collect(),
        user,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{Event, dataset};
    use super::*;

    #[test]
    fn leaving_one_out_may_leave_out_others() {
        // Item 3 has one event; without it user 2 has one; without that, item 1 has two, users 0 and 1 stay.
        let mut data = dataset(&[
            Event::view(0, 1, 1),
            Event::view(0, 2, 2),
            Event::skip(1, 1, 3),
            Event::view(1, 2, 4),
            Event::view(2, 1, 5),
            Event::view(2, 3, 6),
        ]);
        data.user_columns.push(UserColumn {
            name: "age".to_owned(),
            values: vec!["1".to_owned(), "2".to_owned()],
            of_user: vec![2, 0, 1],
        });
        let core = k_core(data.clone(), 2);
        assert_eq!(core.users, ["u0", "u1"]);
        assert_eq!(core.user_columns[0].of_user, [2, 0]);
        let ids: Vec<&str> = core
            .catalog
            .items
            .iter()
            .map(|item| item.external_id.as_str())
            .collect();
        assert_eq!(ids, ["i1", "i2"]);
        assert_eq!(core.log.time_millis, [1, 2, 3, 4]);
        assert_eq!(core.log.user_start, [0, 2, 4]);
        assert_eq!(core.log.item, [0, 1, 0, 1].map(ItemIdx));
        assert_eq!(
            core.warnings,
            ["the 2-core keeps 2 of 3 users, 2 of 4 items and 4 of 6 events"]
        );
        assert_eq!(k_core(data.clone(), 0).log.len(), 6);
        assert_eq!(k_core(data, 3).log.len(), 0);
    }

    proptest! {
        #[test]
        fn everybody_left_has_enough_and_nobody_with_enough_is_missing(
            events in proptest::collection::btree_set((0u32..8, 0u32..8), 1..50),
            k in 1usize..5,
        ) {
            let events: Vec<Event> = events.into_iter().map(|(user, item)| Event::view(user, item, 1)).collect();
            let data = dataset(&events);
            let core = k_core(data.clone(), k);
            let mut of_item = vec![0; core.catalog.len()];
            core.log.item.iter().for_each(|item| of_item[item.idx()] += 1);
            prop_assert!(of_item.iter().all(|&n| n >= k));
            let of_user = core.log.user_start.windows(2).map(|pair| pair[1] - pair[0]);
            prop_assert!(of_user.into_iter().all(|n| n >= k));
            // Taking out one user or item after the other, in any order, ends in the same core.
            let mut left: Vec<(u32, u32)> = events.iter().map(|event| (event.user, event.item)).collect();
            loop {
                let too_few = left.iter().rev().copied().find(|&(user, item)| {
                    left.iter().filter(|other| other.0 == user).count() < k
                        || left.iter().filter(|other| other.1 == item).count() < k
                });
                match too_few {
                    Some(event) => left.retain(|other| *other != event),
                    None => break,
                }
            }
            prop_assert_eq!(core.log.len(), left.len());
        }
    }
}
