//! HR and NDCG of the generator and of the floors, on the same users, targets and rules.
//!
//! The generator ranks items by a beam search over one item. Beams become items, items of a shared ID the most
//! popular first; seen items are removed; the first ten count. Where fewer than ten are left, the ranking is
//! simply shorter: the generator gets no filling up from elsewhere.

use super::cases::{moments, sample_cases};
use super::change;
use super::config::EvaluateConfig;
use super::floors::Floors;
use super::held_out::{HeldOut, HeldOutInput, held_out};
use super::metrics::{hr_at_k, mean_ci95, ndcg_at_k, rank_of};
use super::report::ModelScore;
use crate::engine::batch::ContextReader;
use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::{PreparedData, TestCase};
use crate::engine::decode::{Beam, beam_search, rank_items};
use crate::engine::error::EngineError;
use crate::engine::model::Generator;
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
    reader: &'a ContextReader<'a>,
    table: &'a SemanticIdTable,
    trie: SemanticIdTrie,
    config: &'a EvaluateConfig,
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
    /// Place of every user's target among the first ten, from 0.
    ranks: Vec<Option<usize>>,
}

impl GeneratorScore {
    /// What changed from `before`, the same users' score by another generator, in words.
    pub fn verdict_since(&self, before: &Self) -> Vec<String> {
        type Metric = fn(Option<usize>, usize) -> f64;
        let metrics: [(&str, Metric); 2] = [("HR@10", hr_at_k), ("NDCG@10", ndcg_at_k)];
        metrics
            .iter()
            .map(|(name, metric)| {
                let [from, to] = [before, self].map(|of| -> Vec<f64> {
                    of.ranks.iter().map(|rank| metric(*rank, MAX_K)).collect()
                });
                let changes: Vec<f64> = from.iter().zip(&to).map(|(from, to)| to - from).collect();
                change::in_words(name, mean_ci95(&from).0, mean_ci95(&to).0, &changes)
            })
            .collect()
    }
}

impl<'a> Evaluator<'a> {
    /// Draws the users with the seed. `reader` is the generator's.
    pub fn new(
        data: &'a PreparedData,
        reader: &'a ContextReader<'a>,
        config: &'a EvaluateConfig,
        seed: Seed,
        control: &'a RunControl,
    ) -> Self {
        let table = reader.table();
        Self {
            data,
            reader,
            table,
            trie: SemanticIdTrie::new(table),
            config,
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
             of as many unconstrained beams that are the ID of an item, over {} users. Entropy: mean entropy of each \
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
        model: &Generator,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<GeneratorScore, EngineError> {
        let device = model.device();
        let mut tally = Tally::new(self.table.n_items());
        let (mut n_users, mut n_free, mut n_legal) = (0, 0, 0_usize);
        for cases in self.cases.chunks(self.config.batch_size) {
            let moments = moments(self.data, cases, self.reader.history_len());
            let context = self.reader.read(&moments).to_device(&device);
            let n_beams = self.config.n_beams;
            let beams = beam_search(model, &context, Some(&self.trie), 1, n_beams, self.control)?;
            for (case, beams) in cases.iter().zip(&beams) {
                tally.add(&self.ranking(case, beams), case.target);
            }
            if n_users < LEGALITY_USERS {
                let free = beam_search(model, &context, None, 1, n_beams, self.control)?;
                n_users += free.len();
                for beam in free.iter().flatten() {
                    n_free += 1;
                    n_legal += usize::from(self.table.is_legal(&beam.codes));
                }
            }
            on_progress(tally.ranks.len() as u64, self.cases.len() as u64);
        }
        let input = HeldOutInput {
            data: self.data,
            reader: self.reader,
            cases: &self.cases,
            batch_size: self.config.batch_size,
        };
        Ok(GeneratorScore {
            score: ModelScore {
                legality: (n_free > 0).then(|| n_legal as f64 / n_free as f64),
                ..tally.score(name)
            },
            held_out: held_out(model, input, self.control)?,
            ranks: tally.ranks,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::toy;

    /// Targets: 8, 6 and 0. The third user has seen the target before.
    fn toy_data() -> PreparedData {
        toy::data(&[&[0, 1, 0, 8], &[1, 0, 2, 6], &[7, 0, 0]], 12)
    }

    #[test]
    fn floors_by_hand() {
        let data = toy_data();
        let table = toy::table(12);
        let reader = ContextReader::session(&table, 4);
        let control = RunControl::default();
        let score = |remove_seen| {
            let config = EvaluateConfig {
                remove_seen,
                ..EvaluateConfig::default()
            };
            Evaluator::new(&data, &reader, &config, Seed(1), &control)
                .floors()
                .unwrap()
        };
        // Popularity: 0 (4 times), 1 (twice), 2, 7 (once), then 3, 4, 5, 6, 8 in order.
        // Kept: 8 is ninth, 6 is eighth, 0 is first.
        let kept = &score(false)[0];
        assert_eq!((kept.name.as_str(), kept.users), ("popularity", 3));
        assert!((kept.hr_5 - 1.0 / 3.0).abs() < 1e-12);
        assert!((kept.hr_10 - 1.0).abs() < 1e-12);
        let gain = (1.0 / 10.0_f64.log2() + 1.0 / 9.0_f64.log2() + 1.0) / 3.0;
        assert!((kept.ndcg_10 - gain).abs() < 1e-12);
        // Removed: 8 is seventh, 6 is fifth, 0 cannot be found.
        let removed = &score(true)[0];
        assert!((removed.hr_5 - 1.0 / 3.0).abs() < 1e-12);
        assert!((removed.hr_10 - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(score(true)[1].name, "markov");
        assert_eq!(removed.legality, None);
    }

    #[test]
    fn enough_beams_rank_every_unseen_item() {
        let data = toy_data();
        let table = toy::table(12);
        let reader = ContextReader::session(&table, 4);
        let model = toy::generator();
        let control = RunControl::default();
        let config = EvaluateConfig {
            n_beams: 9,
            batch_size: 2,
            ..EvaluateConfig::default()
        };
        let evaluator = Evaluator::new(&data, &reader, &config, Seed(1), &control);
        let mut seen = Vec::new();
        let result = evaluator
            .generator("generator", &model, &mut |done, total| {
                seen.push((done, total));
            })
            .unwrap();
        assert_eq!(seen, [(2, 3), (3, 3)]);
        // Every ID is legal here, whatever an untrained model prefers.
        assert_eq!(result.score.legality, Some(1.0));
        // At most ten items are unseen, so all of them are ranked; the third target is a seen one.
        assert!((result.score.hr_10 - 2.0 / 3.0).abs() < 1e-12);
        // Item 0 is seen by everyone.
        assert!((result.score.coverage - 11.0 / 12.0).abs() < 1e-12);
        assert!(result.score.ndcg_10 >= result.score.ndcg_5);
        assert_eq!(result.held_out.loss.len(), 2);

        control.stop();
        let stopped = evaluator.generator("generator", &model, &mut |_, _| {});
        assert!(matches!(stopped, Err(EngineError::Stopped)));
    }

    #[test]
    fn items_of_a_shared_id_come_together_the_popular_one_first() {
        let data = toy::data(&[&[3, 9, 9, 1], &[2, 9, 9, 1]], 12);
        let table = toy::table(12);
        let reader = ContextReader::session(&table, 4);
        let control = RunControl::default();
        let config = EvaluateConfig::default();
        let evaluator = Evaluator::new(&data, &reader, &config, Seed(1), &control);
        // Items 0 and 9 share the ID (0, 0); 9 is more popular but the user has seen it.
        let beams = [[0, 0], [1, 0]].map(|codes| Beam {
            codes: codes.to_vec(),
            log_prob: 0.0,
        });
        let case = data.test_cases()[1];
        assert_eq!(evaluator.ranking(&case, &beams), [0, 3].map(ItemIdx));
        let kept = EvaluateConfig {
            remove_seen: false,
            ..config.clone()
        };
        let evaluator = Evaluator::new(&data, &reader, &kept, Seed(1), &control);
        assert_eq!(evaluator.ranking(&case, &beams), [9, 0, 3].map(ItemIdx));
    }
    /// The floors of kuairand-pure in the folder `ONEREC_DATA`, against a reference written in Python:
    /// leave-one-out over long views, at least three per user, whole catalogue.
    /// Ties in the counts may move the fourth digit.
    #[test]
    fn floors_agree_with_the_reference_on_kuairand() {
        let Some(root) = std::env::var_os("ONEREC_DATA") else {
            println!("skipped: set ONEREC_DATA to the folder that holds kuairand-pure");
            return;
        };
        let path = std::path::PathBuf::from(root).join("kuairand-pure");
        let data_config = crate::engine::data::config::DataConfig::default();
        let data = crate::engine::data::prepare::prepare(&path, &data_config).unwrap();
        let n_items = data.dataset.catalog.len();
        let table = SemanticIdTable::new(1, n_items, (0..n_items as u16).collect());
        let reader = ContextReader::session(&table, 20);
        let control = RunControl::default();
        let expected = [
            (true, [(0.0561, 0.0291), (0.0521, 0.0281)]),
            (false, [(0.0538, 0.0273), (0.0506, 0.0272)]),
        ];
        for (remove_seen, expected) in expected {
            let config = EvaluateConfig {
                remove_seen,
                ..EvaluateConfig::default()
            };
            let evaluator = Evaluator::new(&data, &reader, &config, Seed(1), &control);
            for (score, (hr, ndcg)) in evaluator.floors().unwrap().iter().zip(expected) {
                println!("remove_seen {remove_seen}: {score:?}");
                assert_eq!(score.users, 23_442);
                assert!((score.hr_10 - hr).abs() < 0.001, "{score:?}");
                assert!((score.ndcg_10 - ndcg).abs() < 0.001, "{score:?}");
            }
        }
    }
}
