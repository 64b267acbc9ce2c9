//! What the policy would show now: slates of the same users again and again, scored by everyone who can judge them.
//! For the curves and the warnings; nothing that is learned depends on it.
//!
//! Hits are measured on the held-out items of those users, so they show what alignment does to accuracy as it happens.
//! They are no test result: the evaluation stage measures all users once alignment is done.

use burn::module::Module as _;
use burn::tensor::{Int, Tensor, TensorData};

use crate::engine::batch::{ContextBatch, ContextReader};
use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::{PreparedData, TestCase};
use crate::engine::decode::{Sampling, beam_search, rank_items};
use crate::engine::error::EngineError;
use crate::engine::eval::cases::{moments, sample_cases};
use crate::engine::eval::generate::{FreeId, SlateGenerator};
use crate::engine::eval::metrics::{hr_at_k, mean_ci95, rank_of};
use crate::engine::eval::rewards::Scorers;
use crate::engine::loss::{level_divergence, level_entropy};
use crate::engine::model::Generator;
use crate::engine::seed::Seed;
use crate::engine::train::code_use::{LevelUse, WrittenCodes};
use crate::engine::train::config::AlignConfig;

/// Beams of the searches for single items: the larger of the two hit rates.
const N_BEAMS: usize = 50;
/// Freely written IDs per user.
const N_FREE: usize = 16;

/// What a probe looks at.
#[derive(Clone, Copy)]
pub struct ProbeInput<'a> {
    /// Histories and held-out items.
    pub data: &'a PreparedData,
    /// Contexts and semantic IDs.
    pub reader: &'a ContextReader<'a>,
    /// Everyone who can say how good a slate is.
    pub scorers: Scorers<'a>,
    /// The generator before alignment.
    pub base: &'a Generator,
    /// Items of a slate.
    pub slate_len: usize,
    /// Of the experiment.
    pub seed: Seed,
}

/// Probes of one alignment, all of the same users.
pub struct AlignmentProbe<'a> {
    input: ProbeInput<'a>,
    generator: SlateGenerator<'a>,
    cases: Vec<TestCase>,
    batch_size: usize,
    before: Measured,
}

/// One figure then and now, as means over the users.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// Before alignment.
    pub before: f64,
    /// Now.
    pub now: f64,
    /// Half width of the 95% interval of the difference within users.
    pub half_width: f64,
}

impl Change {
    /// Of one value per user, in the same order.
    pub(super) fn of(before: &[f64], now: &[f64]) -> Self {
        let changes: Vec<f64> = now
            .iter()
            .zip(before)
            .map(|(now, then)| now - then)
            .collect();
        Self {
            before: mean_ci95(before).0,
            now: mean_ci95(now).0,
            half_width: mean_ci95(&changes).1,
        }
    }

    /// Higher than before, beyond chance.
    pub fn has_risen(&self) -> bool {
        self.now - self.before > self.half_width
    }

    /// Lower than before, beyond chance.
    pub fn has_fallen(&self) -> bool {
        self.before - self.now > self.half_width
    }
}

/// The figures of one probe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbePoint {
    /// Mean reward of the generated slates.
    pub reward: Change,
    /// The judge's.
    pub judge: Change,
    /// True utility, for simulated data.
    pub utility: Option<Change>,
    /// Hit rate of the held-out item among the first.
    pub hr_at_1: Change,
    /// Hit rate of the held-out item among the first 50.
    pub hr_at_50: Change,
    /// Share of freely drawn semantic IDs that belong to an item; what is likely is drawn often.
    pub legality: Change,
    /// The same of the likeliest IDs, of which each counts once.
    pub beam_legality: Change,
    /// Entropy of each level's predictions along the held-out items, nats.
    pub entropy: Vec<f64>,
    /// The same before alignment.
    pub entropy_before: Vec<f64>,
    /// Mean divergence from the generator before alignment along the held-out items, nats per code.
    pub divergence: f64,
    /// How the codes of each level are used in the generated items.
    pub levels: Vec<LevelUse>,
    /// Share of flagged items among the generated ones, where any are flagged.
    pub flagged: Option<Change>,
}

impl ProbePoint {
    /// The figures as named values of a training step.
    pub fn values(&self) -> Vec<(String, f64)> {
        let mut values = vec![
            ("probe_reward".to_owned(), self.reward.now),
            ("probe_judge".to_owned(), self.judge.now),
            ("probe_hr_at_1".to_owned(), self.hr_at_1.now),
            ("probe_hr_at_50".to_owned(), self.hr_at_50.now),
            ("probe_legality".to_owned(), self.legality.now),
            ("probe_beam_legality".to_owned(), self.beam_legality.now),
            ("probe_divergence".to_owned(), self.divergence),
        ];
        let optional = [
            ("probe_utility", self.utility),
            ("probe_flagged_share", self.flagged),
        ];
        for (name, change) in optional {
            values.extend(change.map(|change| (name.to_owned(), change.now)));
        }
        let of_levels = |value: fn(&LevelUse) -> f64| self.levels.iter().map(value).collect();
        let per_level: [(&str, Vec<f64>); 3] = [
            ("entropy", self.entropy.clone()),
            ("top_code_share", of_levels(|of| of.commonest.1)),
            ("written_entropy", of_levels(|of| of.entropy.1)),
        ];
        for (name, of_levels) in per_level {
            for (level_idx, value) in of_levels.into_iter().enumerate() {
                values.push((format!("probe_{name}_level_{}", level_idx + 1), value));
            }
        }
        values
    }
}

/// Everything measured of one model, per user.
#[derive(Clone, Debug, Default)]
struct Measured {
    reward: Vec<f64>,
    judge: Vec<f64>,
    utility: Option<Vec<f64>>,
    hr_at_1: Vec<f64>,
    hr_at_50: Vec<f64>,
    legality: Vec<f64>,
    beam_legality: Vec<f64>,
    entropy: Vec<f64>,
    divergence: f64,
    written: WrittenCodes,
    flagged: Option<Vec<f64>>,
}

impl<'a> AlignmentProbe<'a> {
    /// Draws the users and measures the generator as it is before alignment; nothing where probes are switched off or
    /// there is no held-out item.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn new(
        input: ProbeInput<'a>,
        settings: &AlignConfig,
        control: &RunControl,
    ) -> Result<Option<Self>, EngineError> {
        let cases = sample_cases(input.data, settings.probe_users, input.seed);
        if settings.probe_every_steps == 0 || settings.probe_users == 0 || cases.is_empty() {
            return Ok(None);
        }
        let generator = SlateGenerator::new(
            input.reader,
            &input.data.popularity,
            input.slate_len,
            settings.probe_slates,
            settings.batch_size,
        );
        let mut probe = Self {
            input,
            generator,
            cases,
            batch_size: settings.batch_size,
            before: Measured::default(),
        };
        probe.before = probe.measure(input.base, control)?;
        Ok(Some(probe))
    }

    /// Measures the policy.
    ///
    /// # Errors
    /// [`EngineError::Stopped`] on request.
    pub fn look(
        &self,
        policy: &Generator,
        control: &RunControl,
    ) -> Result<ProbePoint, EngineError> {
        Ok(self.compare(self.measure(&policy.valid(), control)?))
    }

    /// The generator before alignment, where every curve begins.
    pub fn beginning(&self) -> ProbePoint {
        self.compare(self.before.clone())
    }

    fn compare(&self, now: Measured) -> ProbePoint {
        let before = &self.before;
        let of_optional = |before: &Option<Vec<f64>>, now: &Option<Vec<f64>>| {
            let both = before.as_ref().zip(now.as_ref());
            both.map(|(before, now)| Change::of(before, now))
        };
        ProbePoint {
            reward: Change::of(&before.reward, &now.reward),
            judge: Change::of(&before.judge, &now.judge),
            utility: of_optional(&before.utility, &now.utility),
            flagged: of_optional(&before.flagged, &now.flagged),
            hr_at_1: Change::of(&before.hr_at_1, &now.hr_at_1),
            hr_at_50: Change::of(&before.hr_at_50, &now.hr_at_50),
            legality: Change::of(&before.legality, &now.legality),
            beam_legality: Change::of(&before.beam_legality, &now.beam_legality),
            entropy: now.entropy,
            entropy_before: before.entropy.clone(),
            divergence: now.divergence,
            levels: now.written.since(&before.written),
        }
    }

    fn measure(&self, model: &Generator, control: &RunControl) -> Result<Measured, EngineError> {
        let scorers = &self.input.scorers;
        let mut measured = Measured {
            utility: scorers.oracle.map(|_| Vec::new()),
            flagged: scorers.flagged.map(|_| Vec::new()),
            written: WrittenCodes::new(self.input.reader.table().n_levels()),
            ..Measured::default()
        };
        self.score_slates(model, control, &mut measured)?;
        self.rank_held_out(model, control, &mut measured)?;
        self.write_freely(model, control, &mut measured)?;
        self.follow_held_out(model, control, &mut measured)?;
        Ok(measured)
    }

    fn score_slates(
        &self,
        model: &Generator,
        control: &RunControl,
        measured: &mut Measured,
    ) -> Result<(), EngineError> {
        let moments = moments(self.input.data, &self.cases, usize::MAX);
        let slates = self
            .generator
            .generate(model, &moments, control, &mut |_, _| {})?;
        for ((case, moment), slates) in self.cases.iter().zip(&moments).zip(&slates) {
            let scores = self.input.scorers.score(case.user, &moment.history, slates);
            let mean = |value: &dyn Fn(usize) -> f64| {
                (0..scores.len()).map(value).sum::<f64>() / scores.len().max(1) as f64
            };
            measured
                .reward
                .push(mean(&|idx| f64::from(scores[idx].reward)));
            measured
                .judge
                .push(mean(&|idx| f64::from(scores[idx].judge)));
            if let Some(utility) = &mut measured.utility {
                utility.push(mean(&|idx| scores[idx].oracle.unwrap_or_default()));
            }
            if let Some(flagged) = &mut measured.flagged {
                flagged.push(mean(&|idx| scores[idx].flagged.unwrap_or_default()));
            }
            measured.written.push(slates);
        }
        Ok(())
    }

    fn rank_held_out(
        &self,
        model: &Generator,
        control: &RunControl,
        measured: &mut Measured,
    ) -> Result<(), EngineError> {
        let (table, popularity) = (self.input.reader.table(), &self.input.data.popularity);
        for (cases, context) in self.batches(model) {
            let trie = Some(self.generator.trie());
            let beams = beam_search(model, &context, trie, 1, N_BEAMS, control)?;
            for (case, beams) in cases.iter().zip(&beams) {
                let seen = self
                    .input
                    .data
                    .history(case.user, case.before_row, usize::MAX);
                let ranking: Vec<ItemIdx> = rank_items(beams, table, popularity, usize::MAX)
                    .into_iter()
                    .filter(|item| !seen.contains(item))
                    .collect();
                let rank = rank_of(&ranking, case.target);
                measured.hr_at_1.push(hr_at_k(rank, 1));
                measured.hr_at_50.push(hr_at_k(rank, N_BEAMS));
            }
        }
        Ok(())
    }

    /// The same draws for every model.
    fn write_freely(
        &self,
        model: &Generator,
        control: &RunControl,
        measured: &mut Measured,
    ) -> Result<(), EngineError> {
        let history_len = self.input.reader.history_len();
        let moments = moments(self.input.data, &self.cases, history_len);
        let mut rng = self.input.seed.rng("align.probe", 0);
        let sampling = Sampling::default();
        let ids = self
            .generator
            .sample_free_ids(model, &moments, N_FREE, &sampling, &mut rng, control)?;
        measured.legality = ids.iter().map(|ids| legal_share(ids)).collect();
        let ids = self
            .generator
            .likeliest_free_ids(model, &moments, N_BEAMS, control)?;
        measured.beam_legality = ids.iter().map(|ids| legal_share(ids)).collect();
        Ok(())
    }

    /// Entropy, and divergence from the generator before alignment, along the codes of the held-out items.
    fn follow_held_out(
        &self,
        model: &Generator,
        control: &RunControl,
        measured: &mut Measured,
    ) -> Result<(), EngineError> {
        let n_levels = self.input.reader.table().n_levels();
        let mut sums = vec![0.0; 2 * n_levels];
        for (cases, context) in self.batches(model) {
            control.check()?;
            let codes: Vec<i64> = cases
                .iter()
                .flat_map(|case| self.input.reader.table().sid(case.target))
                .map(|code| i64::from(*code))
                .collect();
            let codes = Tensor::<2, Int>::from_data(
                TensorData::new(codes, [cases.len(), n_levels]),
                &context.device(),
            );
            let logits = |model: &Generator| model.decode(&model.encode(&context), codes.clone());
            let own = logits(model);
            let entropy = level_entropy(own.clone(), n_levels);
            let divergence = level_divergence(own, logits(self.input.base), n_levels);
            let means: Vec<f32> = Tensor::cat(vec![entropy, divergence], 0)
                .try_into_vec_as()
                .expect("the device that computed the entropies can be read");
            for (sum, mean) in sums.iter_mut().zip(means) {
                *sum += f64::from(mean) * cases.len() as f64;
            }
        }
        let n_cases = self.cases.len() as f64;
        let (entropy, divergence) = sums.split_at(n_levels);
        measured.entropy = entropy.iter().map(|sum| sum / n_cases).collect();
        measured.divergence = divergence.iter().sum::<f64>() / (n_cases * n_levels as f64);
        Ok(())
    }

    fn batches(&self, model: &Generator) -> impl Iterator<Item = (&[TestCase], ContextBatch)> {
        let device = model.device();
        let reader = self.input.reader;
        self.cases.chunks(self.batch_size).map(move |cases| {
            let moments = moments(self.input.data, cases, reader.history_len());
            (cases, reader.read(&moments).to_device(&device))
        })
    }
}

fn legal_share(ids: &[FreeId]) -> f64 {
    ids.iter().filter(|id| id.is_legal).count() as f64 / ids.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_judged_within_users() {
        // Every user rises by .1, though users differ by much more than that.
        let before = [0.0, 1.0, 2.0, 3.0];
        let now = [0.1, 1.1, 2.1, 3.1];
        let change = Change::of(&before, &now);
        assert!((change.now - change.before - 0.1).abs() < 1e-12);
        assert!(change.has_risen() && !change.has_fallen());
        let unsure = Change::of(&before, &[1.0, 0.0, 3.0, 2.5]);
        assert!(!unsure.has_risen() && !unsure.has_fallen(), "{unsure:?}");
        assert!(Change::of(&now, &before).has_fallen());
    }
}
