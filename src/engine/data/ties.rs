//! Events that say less than they seem to: adjacent ones of one user with equal times, whose order is the file's, and
//! repeated ones. Where ties are sorted by item, a model that has learned that order looks better than it is.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::Dataset;
use super::interaction::NO_TIME;
use crate::engine::number::count;

/// Counts over a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ties {
    /// Adjacent timed events of one user.
    n_pairs: u64,
    /// Those with equal times.
    n_tied: u64,
    /// Ties of two different items in ascending order of their identifiers, and those in descending order.
    n_ascending: u64,
    n_descending: u64,
    /// Events that equal an earlier one in user, item and time. Events without a time are never repeats: a user may well
    /// come back to an item.
    pub(super) n_duplicates: u64,
}

impl Ties {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let log = &dataset.log;
        let mut ties = Self::default();
        // The items of the current user at the current time.
        let mut at_once = HashSet::new();
        for row in 0..log.len() {
            if log.time_millis[row] == NO_TIME {
                continue;
            }
            let is_pair = row > 0
                && log.user[row - 1] == log.user[row]
                && log.time_millis[row - 1] != NO_TIME;
            let is_tie = is_pair && log.time_millis[row - 1] == log.time_millis[row];
            ties.n_pairs += u64::from(is_pair);
            if is_tie {
                ties.n_tied += 1;
                at_once.insert(log.item[row - 1]);
                let id = |row: usize| {
                    dataset.catalog.items[log.item[row].idx()]
                        .external_id
                        .as_str()
                };
                match compare(id(row - 1), id(row)) {
                    Ordering::Less => ties.n_ascending += 1,
                    Ordering::Greater => ties.n_descending += 1,
                    Ordering::Equal => {}
                }
                ties.n_duplicates += u64::from(!at_once.insert(log.item[row]));
            } else if !at_once.is_empty() {
                at_once.clear();
            }
        }
        ties
    }

    /// Share of adjacent timed events of one user with equal times.
    pub(super) fn tied_frac(&self) -> f64 {
        frac(self.n_tied, self.n_pairs)
    }

    /// Share of ties of two items that are in ascending order of the identifiers; a half by chance.
    pub(super) fn sorted_frac(&self) -> f64 {
        frac(self.n_ascending, self.n_ascending + self.n_descending)
    }

    /// What of it a user should know.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if are_suspicious(self.tied_frac(), self.sorted_frac()) {
            warnings.push(format!(
                "{:.1} % of adjacent events of one user have equal times, and {:.0} % of those stand in the order of the \
                 items' identifiers: next-item metrics are inflated",
                100.0 * self.tied_frac(),
                100.0 * self.sorted_frac()
            ));
        }
        if self.n_duplicates > 0 {
            warnings.push(format!(
                "{} events repeat an earlier one of the same user, item and time",
                count(self.n_duplicates)
            ));
        }
        warnings
    }
}

/// Whether ties are frequent enough, and far enough from chance, to change metrics.
pub(super) fn are_suspicious(tied_frac: f64, sorted_frac: f64) -> bool {
    tied_frac > 0.01 && !(0.2..=0.8).contains(&sorted_frac)
}

/// Identifiers that are numbers by their value, others by their text.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

fn frac(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Event, dataset};
    use super::*;

    #[test]
    fn ties_their_order_and_repeats_are_counted() {
        let untimed = Event::view(1, 3, NO_TIME);
        let data = dataset(&[
            Event::view(0, 2, 10),
            Event::view(0, 5, 10),
            Event::view(0, 2, 10),
            Event::view(0, 2, 20),
            untimed.clone(),
            untimed,
            Event::view(1, 3, 10),
            Event::view(1, 4, 10),
        ]);
        let ties = Ties::of(&data);
        // Pairs: 10-10, 10-10, 10-20 of user 0 and 10-10 of user 1; ties 2<5, 5>2, 3<4; the second (0, 2, 10) repeats.
        let expected = Ties {
            n_pairs: 4,
            n_tied: 3,
            n_ascending: 2,
            n_descending: 1,
            n_duplicates: 1,
        };
        assert_eq!(ties, expected);
        assert_eq!((ties.tied_frac(), ties.sorted_frac()), (0.75, 2.0 / 3.0));
        assert_eq!(ties.warnings().len(), 1, "{:?}", ties.warnings());
        let ties = Ties::of(&dataset_sorted());
        assert_eq!(ties.sorted_frac(), 1.0, "9 before 10, as numbers");
        assert!(ties.warnings()[0].starts_with("100.0 % of adjacent events"));
    }

    fn dataset_sorted() -> Dataset {
        let mut data = dataset(&[Event::view(0, 0, 5), Event::view(0, 1, 5)]);
        data.catalog.items[0].external_id = "9".to_owned();
        data.catalog.items[1].external_id = "10".to_owned();
        data
    }
}
