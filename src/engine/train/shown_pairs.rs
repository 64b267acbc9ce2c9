//! Preference pairs as they are shown: items, codes, rewards by everyone who can judge, and what both models say.

use burn::tensor::Tensor;

use crate::engine::data::prepare::PreparedData;
use crate::engine::eval::rewards::Scorers;
use crate::engine::eval::slates::slate_items;
use crate::engine::event::{PairSlate, PreferencePairs, ShownPair};
use crate::engine::loss::preference::PairLogProbs;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::train::preference_pairs::PreferencePair;

/// Pairs per step that are shown: each is a line of the journal.
const MOST_PAIRS: usize = 4;
/// Items of history that are shown.
const SHOWN_HISTORY: usize = 10;

/// The first pairs of a step. `said` holds what both models say of all of them, in the same order.
pub(super) fn shown_pairs(
    step: u64,
    pairs: &[PreferencePair<'_>],
    said: &PairLogProbs,
    data: &PreparedData,
    table: &SemanticIdTable,
    scorers: Scorers<'_>,
) -> PreferencePairs {
    let both = |chosen: &Tensor<2>, rejected: &Tensor<2>| -> Vec<f32> {
        Tensor::cat(vec![chosen.clone(), rejected.clone()], 1)
            .try_into_vec_as()
            .expect("the device that computed the log-probabilities can be read")
    };
    let policy = both(&said.chosen, &said.rejected);
    let reference = both(&said.reference_chosen, &said.reference_rejected);
    let shown = pairs
        .iter()
        .take(MOST_PAIRS)
        .enumerate()
        .map(|(pair_idx, pair)| {
            let group = pair.group;
            let slates: Vec<_> = pair.slates().cloned().collect();
            let n_slates = slates.len();
            let scores = scorers.score(group.moment.user, &group.moment.history, &slates);
            let indices = std::iter::once(pair.chosen).chain(pair.rejected.iter().copied());
            let mut sides = indices.enumerate().map(|(place, slate_idx)| PairSlate {
                items: slate_items(data, table, &slates[place].items),
                log_prob: f64::from(policy[pair_idx * n_slates + place]),
                reference_log_prob: f64::from(reference[pair_idx * n_slates + place]),
                reward: group.rewards[slate_idx],
                judge_reward: f64::from(scores[place].judge),
                oracle: scores[place].oracle,
            });
            let first_shown = group.moment.history.len().saturating_sub(SHOWN_HISTORY);
            ShownPair {
                user: data.dataset.users[group.moment.user.idx()].clone(),
                history: slate_items(data, table, &group.moment.history[first_shown..]),
                chosen: sides.next().expect("a pair has a chosen slate"),
                rejected: sides.collect(),
                is_turned: pair.is_turned,
            }
        });
    PreferencePairs {
        step,
        pairs: shown.collect(),
    }
}
