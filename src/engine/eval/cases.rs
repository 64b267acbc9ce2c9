//! Which users are evaluated, and what the generator may know of them.

use rand::seq::index;

use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::{PreparedData, TestCase};
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

/// The last `history_len` positive items before each target, oldest first.
pub fn histories(data: &PreparedData, cases: &[TestCase], history_len: usize) -> Vec<Vec<ItemIdx>> {
    cases
        .iter()
        .map(|case| data.history(case.user, case.before_row, history_len))
        .collect()
}
