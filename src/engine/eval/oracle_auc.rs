//! How well the oracle ranks the labels of a simulated log: chance decides the rest, so that even who knows every
//! probability ranks some slates wrongly. What a reward model reaches is to be held against that.
//!
//! Slates are ranked by the expected sum of their labels. Of single items that are viewed, followed or liked or not, no
//! ranking is better on average; of watch time and of several items one may be, a little.
//!
//! The simulator keeps one moment per user, that of the request with the last view. Of all slates that only test, those
//! of this request can be answered.

use serde::{Deserialize, Serialize};

use super::metrics::auc;
use crate::engine::data::logged_slate::LoggedSlate;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::source::simulator::Oracle;
use crate::engine::data::{FeedbackFlags, InteractionLog, UserIdx};
use crate::engine::reward::N_HEADS;

/// Areas under the ROC curve over the slates that the oracle can answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OracleAuc {
    /// Of the simulator's own expectations.
    pub oracle: f64,
    /// Of the reward model on the same slates.
    pub model: f64,
    /// How many slates these are.
    pub slates: u64,
}

/// What feedback to some slates would be on average, and which of the slates they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectations {
    slates: Vec<usize>,
    /// In the order of the heads.
    expected: Vec<[f64; N_HEADS]>,
}

impl Expectations {
    /// Of those slates whose moment the simulator kept; none where the log is not simulated, or only its k-core is left.
    pub fn of(data: &PreparedData, slates: &[&LoggedSlate]) -> Self {
        let mut found = Self::default();
        let log = &data.dataset.log;
        let (Some(oracle), Some(request)) = (&data.dataset.oracle, &log.request) else {
            return found;
        };
        if !oracle.is_log_whole() {
            return found;
        }
        let last_request = |user: UserIdx| {
            let mut rows = log.rows_of(user).rev();
            rows.find(|row| log.feedback[*row].flags.has(FeedbackFlags::VIEW))
                .map(|row| request[row])
        };
        for (slate_idx, slate) in slates.iter().enumerate() {
            if last_request(slate.user) != Some(request[slate.first_row]) {
                continue;
            }
            found.slates.push(slate_idx);
            found.expected.push(expected(oracle, log, request, slate));
        }
        found
    }

    /// How well the oracle, and a model that predicts `predicted[i]` for slate i, rank the labels of a head; nothing where
    /// no two labels differ.
    pub fn auc(
        &self,
        slates: &[&LoggedSlate],
        head: usize,
        predicted: impl Fn(usize) -> f64,
    ) -> Option<OracleAuc> {
        let known = || {
            let both = self.slates.iter().zip(&self.expected);
            both.filter(|(idx, _)| slates[**idx].labels[head].is_finite())
        };
        let labels: Vec<f64> = known()
            .map(|(idx, _)| f64::from(slates[*idx].labels[head]))
            .collect();
        let oracle: Vec<f64> = known().map(|(_, expected)| expected[head]).collect();
        let model: Vec<f64> = known().map(|(idx, _)| predicted(*idx)).collect();
        Some(OracleAuc {
            oracle: auc(&oracle, &labels)?,
            model: auc(&model, &labels)?,
            slates: labels.len() as u64,
        })
    }
}

/// Sums over the items of a slate, which may begin in the middle of its request.
fn expected(
    oracle: &Oracle,
    log: &InteractionLog,
    request: &[u32],
    slate: &LoggedSlate,
) -> [f64; N_HEADS] {
    let first_row = slate.first_row;
    let n_before = (log.rows_of(slate.user).start..first_row)
        .rev()
        .take_while(|row| request[*row] == request[first_row])
        .count();
    let shown = &log.item[first_row - n_before..first_row + slate.items.len()];
    let mut sums = [0.0; N_HEADS];
    for feedback in &oracle.feedback(slate.user, shown)[n_before..] {
        for (sum, expected) in sums.iter_mut().zip(feedback) {
            *sum += expected;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::logged_slate::logged_slates;
    use crate::engine::data::prepare::prepare;
    use crate::engine::data::source::simulator::{SimulatorConfig, simulate};
    use crate::engine::seed::Seed;

    fn oracle_auc(certainty: f64, slate_len: usize) -> [OracleAuc; N_HEADS] {
        let folder = tempfile::tempdir().unwrap();
        let config = SimulatorConfig {
            n_users: 400,
            n_items: 400,
            n_authors: 40,
            certainty,
            ..SimulatorConfig::default()
        };
        simulate(&config, Seed(3), folder.path()).unwrap();
        let data = prepare(folder.path(), &DataConfig::default()).unwrap();
        let slates = logged_slates(&data, slate_len);
        let later: Vec<&LoggedSlate> = slates.iter().filter(|slate| slate.is_later).collect();
        let known = Expectations::of(&data, &later);
        // Every user's last request is among the later days; a handful of users view nothing there.
        assert!(known.slates.len() > 300, "{} slates", known.slates.len());
        std::array::from_fn(|head| known.auc(&later, head, |_| 0.5).unwrap())
    }

    #[test]
    fn who_knows_the_probabilities_ranks_well_and_better_where_less_is_chance() {
        let (common, certain) = (oracle_auc(1.0, 1), oracle_auc(3.0, 1));
        for head in 0..N_HEADS {
            let (low, high) = (common[head].oracle, certain[head].oracle);
            assert!(
                low > 0.65 && high > low + 0.05,
                "head {head}: {low}, {high}"
            );
            assert_eq!(common[head].model, 0.5, "a model that says always the same");
        }
    }

    #[test]
    fn slates_are_sums_of_their_items() {
        for (head, auc) in oracle_auc(1.0, 5).iter().enumerate() {
            assert!(auc.oracle > 0.6, "head {head}: {auc:?}");
        }
    }

    #[test]
    fn nothing_is_known_of_a_log_that_was_not_simulated() {
        let data = crate::engine::eval::toy::data(&[&[0, 1, 2]], 3);
        assert_eq!(Expectations::of(&data, &[]), Expectations::default());
    }
}
