//! HR and NDCG of the generator and of the floors, on the same users, targets and rules.
//!
//! The generator ranks items by a beam search over one item. Beams become items, items of a shared ID the most
//! popular first; seen items are removed; the first ten count. Where fewer than ten are left, the ranking is
//! simply shorter: the generator gets no filling up from elsewhere.

use super::cases::{histories, sample_cases};
use super::config::EvaluateConfig;
use super::floors::Floors;
use super::held_out::{HeldOut, HeldOutInput, held_out};
use super::metrics::{hr_at_k, mean_ci95, ndcg_at_k, rank_of};
use super::report::ModelScore;
use crate::engine::batch::HistoryBatch;
use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::{PreparedData, TestCase};
use crate::engine::decode::{Beam, beam_search, rank_items};
use crate::engine::error::EngineError;
use crate::engine::model::EncoderDecoder;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::SemanticIdTable;
use crate::engine::tokenizer::trie::SemanticIdTrie;

/// Items of a ranking that count.
const MAX_K: usize = 10;

/// Users whose free generations are checked for legality: a share of 0.9 is then known to 0.02.
const LEGALITY_USERS: usize = 1000;

/// Measures rankings on a fixed set of test cases.
#[derive(Debug)]
pub struct Evaluator<'a> {
    data: &'a PreparedData,
    table: &'a SemanticIdTable,
    trie: SemanticIdTrie,
    config: &'a EvaluateConfig,
    history_len: usize,
    cases: Vec<TestCase>,
    control: &'a RunControl,
}

/// What is measured of a generator.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorScore {
    /// Ranking metrics, legality, coverage.
    pub score: ModelScore,
    /// Loss and entropy per level along the targets.
    pub held_out: HeldOut,
}

impl<'a> Evaluator<'a> {
    /// Draws the users with the seed. `history_len` is the generator's.
    pub fn new(
        data: &'a PreparedData,
        table: &'a SemanticIdTable,
        config: &'a EvaluateConfig,
        history_len: usize,
        seed: Seed,
        control: &'a RunControl,
    ) -> Self {
        Self {
            data,
            table,
            trie: SemanticIdTrie::new(table),
            config,
            history_len,
            cases: sample_cases(data, config.max_users, seed),
            control,
        }
    }

    /// The protocol in words.
    pub fn protocol(&self) -> String {
        let seen = if self.config.remove_seen {
            "all positive items of the user's history are removed from every ranking"
        } else {
            "items of the history stay in the rankings"
        };
        format!(
            "One held-out positive item per user ({} users), ranked against the whole catalogue ({} items); {seen}. The \
             generator ranks the items of its {} beams, so its ranking may hold fewer than 10 items. Legality: share \
             of the best unconstrained beams that are the ID of an item, over {} users. Entropy: mean entropy of each \
             level's softmax along the target's codes.",
            self.cases.len(),
            self.table.n_items(),
            self.config.n_beams,
            self.cases.len().min(LEGALITY_USERS),
        )
    }

    /// Users in all.
    pub fn n_users(&self) -> usize {
        self.cases.len()
    }

    /// Popularity and first-order Markov chain.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn floors(&self) -> Result<Vec<ModelScore>, EngineError> {
        let floors = Floors::fit(self.data);
        let mut popularity = Tally::new(self.table.n_items());
        let mut markov = Tally::new(self.table.n_items());
        for cases in self.cases.chunks(self.config.batch_size) {
            self.control.check()?;
            for case in cases {
                let removed = self.removed(case);
                let last = self.data.history(case.user, case.before_row, 1).pop();
                popularity.add(&floors.popularity(&removed, MAX_K), case.target);
                markov.add(&floors.markov(last, &removed, MAX_K), case.target);
            }
        }
        Ok(vec![popularity.score("popularity"), markov.score("markov")])
    }

    /// The generator under `name`. Progress is in users done.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn generator(
        &self,
        name: &str,
        model: &EncoderDecoder,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<GeneratorScore, EngineError> {
        let device = model.embeddings.val().device();
        let mut tally = Tally::new(self.table.n_items());
        let (mut n_free, mut n_legal) = (0, 0);
        for cases in self.cases.chunks(self.config.batch_size) {
            let histories = histories(self.data, cases, self.history_len);
            let history = HistoryBatch::new(&histories, self.table, self.history_len, &device);
            let n_beams = self.config.n_beams;
            let beams = beam_search(model, &history, Some(&self.trie), 1, n_beams, self.control)?;
            for (case, beams) in cases.iter().zip(&beams) {
                tally.add(&self.ranking(case, beams), case.target);
            }
            if n_free < LEGALITY_USERS {
                let free = beam_search(model, &history, None, 1, n_beams, self.control)?;
                n_free += free.len();
                n_legal += free.iter().filter(|beams| self.is_legal(beams)).count();
            }
            on_progress(tally.ranks.len() as u64, self.cases.len() as u64);
        }
        let input = HeldOutInput {
            data: self.data,
            table: self.table,
            cases: &self.cases,
            history_len: self.history_len,
            batch_size: self.config.batch_size,
        };
        Ok(GeneratorScore {
            score: ModelScore {
                legality: (n_free > 0).then(|| n_legal as f64 / n_free as f64),
                ..tally.score(name)
            },
            held_out: held_out(&model, input, self.control)?,
        })
    }

    /// The first items of the beams, best first.
    fn ranking(&self, case: &TestCase, beams: &[Beam]) -> Vec<ItemIdx> {
        let removed = self.removed(case);
        rank_items(beams, self.table, &self.data.popularity, usize::MAX)
            .into_iter()
            .filter(|item| !removed.contains(item))
            .take(MAX_K)
            .collect()
    }

    /// Items that no ranking may hold.
    fn removed(&self, case: &TestCase) -> Vec<ItemIdx> {
        if self.config.remove_seen {
            self.data.history(case.user, case.before_row, usize::MAX)
        } else {
            Vec::new()
        }
    }

    fn is_legal(&self, beams: &[Beam]) -> bool {
        beams
            .first()
            .is_some_and(|best| self.table.is_legal(&best.codes))
    }
}

/// Collects the rankings of one model.
struct Tally {
    ranks: Vec<Option<usize>>,
    is_shown: Vec<bool>,
}

impl Tally {
    fn new(n_items: usize) -> Self {
        Self {
            ranks: Vec::new(),
            is_shown: vec![false; n_items],
        }
    }

    fn add(&mut self, ranking: &[ItemIdx], target: ItemIdx) {
        self.ranks.push(rank_of(ranking, target));
        for item in ranking {
            self.is_shown[item.idx()] = true;
        }
    }

    fn score(&self, name: &str) -> ModelScore {
        let mean = |metric: fn(Option<usize>, usize) -> f64, k: usize| {
            let values: Vec<f64> = self.ranks.iter().map(|rank| metric(*rank, k)).collect();
            mean_ci95(&values)
        };
        let (hr_10, hr_10_ci95) = mean(hr_at_k, 10);
        let n_shown = self.is_shown.iter().filter(|is_shown| **is_shown).count();
        ModelScore {
            name: name.to_owned(),
            users: self.ranks.len() as u64,
            hr_5: mean(hr_at_k, 5).0,
            hr_10,
            ndcg_5: mean(ndcg_at_k, 5).0,
            ndcg_10: mean(ndcg_at_k, 10).0,
            hr_10_ci95,
            legality: None,
            coverage: n_shown as f64 / self.is_shown.len().max(1) as f64,
        }
    }
}
