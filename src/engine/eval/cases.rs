//! Which users are evaluated, and what the generator may know of them.

use rand::seq::index;

use crate::engine::data::prepare::{Moment, PreparedData, TestCase};
use crate::engine::seed::Seed;

/// `n_users` test cases drawn at random, in order of the users; all of them when `n_users` is 0 or too large.
/// The same seed gives the same users.
pub fn sample_cases(data: &PreparedData, n_users: usize, seed: Seed) -> Vec<TestCase> {
    let cases = data.test_cases();
    if n_users == 0 || n_users >= cases.len() {
        return cases;
    }
    let mut rng = seed.rng("evaluate.users", 0);
    let mut drawn = index::sample(&mut rng, cases.len(), n_users).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().map(|idx| cases[idx]).collect()
}

/// The moment before each target, with the last `history_len` positive items.
pub fn moments(data: &PreparedData, cases: &[TestCase], history_len: usize) -> Vec<Moment> {
    cases
        .iter()
        .map(|case| data.moment(case.user, case.before_row, history_len))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::ItemIdx;
    use crate::engine::eval::toy;

    #[test]
    fn the_same_seed_draws_the_same_users_in_order() {
        let sequences: Vec<[u32; 3]> = (0..50).map(|idx| [idx % 5, (idx + 1) % 5, 2]).collect();
        let sequences: Vec<&[u32]> = sequences.iter().map(|s| s.as_slice()).collect();
        let data = toy::data(&sequences, 5);
        let users = |n, seed| -> Vec<u32> {
            let cases = sample_cases(&data, n, Seed(seed));
            cases.iter().map(|case| case.user.0).collect()
        };
        assert_eq!(users(0, 1), (0..50).collect::<Vec<u32>>());
        assert_eq!(users(99, 1).len(), 50);
        let drawn = users(10, 1);
        assert!(drawn.is_sorted() && drawn.len() == 10, "{drawn:?}");
        assert_eq!(drawn, users(10, 1));
        assert_ne!(drawn, users(10, 2));
    }

    #[test]
    fn a_history_ends_before_its_target() {
        let data = toy::data(&[&[4, 3, 2, 1]], 5);
        let cases = data.test_cases();
        assert_eq!(cases[0].target, ItemIdx(1));
        let moment = &moments(&data, &cases, 2)[0];
        assert_eq!(moment.history, [ItemIdx(3), ItemIdx(2)]);
        assert_eq!((moment.user, moment.before_row), (cases[0].user, 3));
    }
}
