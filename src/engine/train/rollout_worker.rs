//! What each step of alignment learns from, made ahead on a thread of its own: the step's sessions, slates for some of
//! them by a frozen copy of the policy, and their rewards. [A Alg. 2; B 2.7]
//!
//! All of it follows from the step's number and the snapshot that the step's number prescribes, so it makes no
//! difference how far ahead it was made. It is made ahead as far as that snapshot has been taken.

use std::ops::Range;
use std::sync::mpsc::Receiver;
use std::thread::Scope;
use std::time::Instant;

use rand::Rng as _;
use rand::RngExt as _;

use super::format_term::{FreeIds, write_free_ids};
use super::loader::Loader;
use super::rollouts::{Group, roll_out, score};
use super::session_source::SessionSource;
use super::snapshots::{Snapshot, SnapshotPlan};
use crate::engine::batch::{Example, HostBatch};
use crate::engine::config::ExperimentConfig;
use crate::engine::control::RunControl;
use crate::engine::data::Moment;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::reward::RewardScorer;

/// What one step learns from.
pub(super) struct StepInput {
    /// The sessions of the next-token loss.
    pub batch: HostBatch,
    /// How many they are.
    pub n_samples: usize,
    /// Scored slates for some of the sessions.
    pub groups: Vec<Group>,
    /// Semantic IDs for the format reward, where it is asked for.
    pub free_ids: Option<FreeIds>,
    /// Seconds of writing slates and IDs.
    pub rollout_secs: f64,
    /// Seconds of scoring them.
    pub scoring_secs: f64,
}

/// Makes the input of steps.
pub(super) struct RolloutWorker<'a> {
    pub config: &'a ExperimentConfig,
    /// The sessions of all steps.
    pub source: SessionSource<'a>,
    /// Writes slates with the generator that it is given.
    pub candidates: &'a SlateGenerator<'a>,
    /// The reward model, a copy of its own.
    pub scorer: RewardScorer,
    /// Which items are flagged, where any are.
    pub is_flagged: Option<&'a [bool]>,
    pub control: RunControl,
    /// Where the snapshots come from, in order.
    pub snapshots: Receiver<Snapshot>,
    pub plan: SnapshotPlan,
}

impl<'a> RolloutWorker<'a> {
    /// Starts the thread for these steps.
    ///
    /// # Errors
    /// If the system refuses another thread.
    pub(super) fn start<'scope>(
        mut self,
        scope: &'scope Scope<'scope, '_>,
        steps: Range<u64>,
    ) -> Result<Loader<'scope, Result<StepInput, EngineError>>, EngineError>
    where
        'a: 'scope,
    {
        let mut sampler = None;
        let make = move |step| self.make(step, &mut sampler);
        Loader::start(scope, "rollouts", steps, make)
    }

    /// Makes the input of a step with the snapshot that its number prescribes, once that has been taken.
    fn make(
        &mut self,
        step: u64,
        sampler: &mut Option<Snapshot>,
    ) -> Result<StepInput, EngineError> {
        let (config, settings) = (self.config, &self.config.align);
        let examples = self.source.batch(step, settings.batch_size);
        let prompts = chosen_prompts(config, step, &examples);
        let moments: Vec<Moment> = prompts.iter().map(|prompt| prompt.moment.clone()).collect();
        let slate_len = config.data.session.slate_len;
        let batch = HostBatch::new(&examples, self.candidates.reader, slate_len);

        let wanted = self.plan.number(step);
        let (_, sampler) = match sampler {
            Some(snapshot) if snapshot.0 == wanted => snapshot,
            _ => sampler.insert(self.await_snapshot(wanted)?),
        };
        let began = Instant::now();
        let mut rng = config.seed.rng("align.rollouts", step);
        let mut groups = roll_out(
            sampler,
            self.candidates,
            settings,
            &prompts,
            &mut rng,
            &self.control,
        )?;
        let mut rng = config.seed.rng("align.format", step);
        let free_ids = write_free_ids(
            sampler,
            self.candidates,
            &moments,
            settings,
            &mut rng,
            &self.control,
        )?;
        let rollout_secs = began.elapsed().as_secs_f64();

        let began = Instant::now();
        score(
            &mut groups,
            &prompts,
            &self.scorer,
            self.is_flagged,
            settings,
        );
        Ok(StepInput {
            batch,
            n_samples: examples.len(),
            groups,
            free_ids,
            rollout_secs,
            scoring_secs: began.elapsed().as_secs_f64(),
        })
    }

    /// The snapshot of that number; earlier ones that come before it are passed over.
    fn await_snapshot(&self, wanted: u64) -> Result<Snapshot, EngineError> {
        // Whoever takes the snapshots has gone away, so nobody will ask for this step.
        let gone = |_| EngineError::Stopped;
        loop {
            let snapshot = self.snapshots.recv().map_err(gone)?;
            if snapshot.0 == wanted {
                return Ok(snapshot);
            }
        }
    }
}

/// The samples for which slates are generated: each with probability r_DPO, at least one.
fn chosen_prompts(config: &ExperimentConfig, step: u64, examples: &[Example]) -> Vec<Example> {
    let ratio = config.align.dpo_ratio;
    if ratio <= 0.0 {
        return Vec::new();
    }
    let mut rng = config.seed.rng("align.dpo_gate", step);
    let possible: Vec<&Example> = examples
        .iter()
        .filter(|example| !example.moment.history.is_empty())
        .collect();
    let mut chosen: Vec<Example> = possible
        .iter()
        .filter(|_| rng.random_bool(ratio))
        .map(|example| (*example).clone())
        .collect();
    if chosen.is_empty() && !possible.is_empty() {
        let idx = (rng.next_u64() % possible.len() as u64) as usize;
        chosen.push(possible[idx].clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::thread::scope;
    use std::time::Duration;

    use burn::tensor::Device;

    use super::*;
    use crate::engine::batch::ContextReader;
    use crate::engine::data::prepare::PreparedData;
    use crate::engine::data::session::Session;
    use crate::engine::data::{ItemIdx, UserIdx};
    use crate::engine::embedding::ItemEmbeddings;
    use crate::engine::eval::toy;
    use crate::engine::model::Generator;
    use crate::engine::seed::Seed;
    use crate::engine::tokenizer::SemanticIdTable;
    use crate::engine::train::config::{Search, SessionOrder};

    const N_STEPS: u64 = 5;

    /// All that a worker borrows.
    struct World {
        config: ExperimentConfig,
        data: PreparedData,
        table: SemanticIdTable,
        popularity: Vec<u32>,
    }

    fn world() -> World {
        let mut config = ExperimentConfig::default();
        config.data.session.slate_len = 2;
        config.align.batch_size = 3;
        config.align.dpo_ratio = 0.6;
        config.align.search = Search::Sample;
        config.align.format_weight = 1.0;
        config.align.sync_every_steps = 2;
        World {
            config,
            data: toy::data(&[&[0, 1, 2, 3, 4], &[5, 6, 7, 8, 1], &[2, 4, 6, 8, 0]], 9),
            table: toy::table(9),
            popularity: vec![0; 9],
        }
    }

    fn candidates<'a>(
        world: &'a World,
        reader: &'a ContextReader<'a>,
        slate_len: usize,
    ) -> SlateGenerator<'a> {
        SlateGenerator::new(reader, &world.popularity, slate_len, 4, 2)
    }

    fn worker<'a>(
        world: &'a World,
        candidates: &'a SlateGenerator<'a>,
    ) -> (RolloutWorker<'a>, SyncSender<Snapshot>) {
        let sessions = (0..3).map(|user| Session {
            user: UserIdx(user),
            first_row: 5 * user as usize + 2,
            items: vec![ItemIdx(user), ItemIdx(user + 1)],
        });
        let embeddings = ItemEmbeddings {
            values: (0..9 * 3).map(|idx| (idx % 7) as f32 - 3.0).collect(),
            dim: 3,
        };
        let model = world.config.reward.init(3, Seed(2), &Device::flex());
        let (sender, snapshots) = sync_channel(9);
        let worker = RolloutWorker {
            config: &world.config,
            source: SessionSource::of(
                &world.data,
                &world.config,
                "test.shuffle",
                sessions.collect(),
                SessionOrder::Shuffled,
            )
            .unwrap(),
            candidates,
            scorer: RewardScorer::new(&model, &embeddings, [1.0; 4]),
            is_flagged: None,
            control: RunControl::default(),
            snapshots,
            plan: SnapshotPlan::new(&world.config.align),
        };
        (worker, sender)
    }

    /// Snapshots that differ.
    fn snapshot(number: u64) -> Snapshot {
        let factor = 20.0 * (number + 1) as f64;
        (number, toy::generator().with_embeddings_times(factor))
    }

    /// What all steps get when the trainer gives each snapshot as late as it can, and takes its time, or all at once.
    fn inputs(world: &World, is_late: bool) -> Vec<(Vec<Group>, Option<FreeIds>, HostBatch)> {
        let reader = ContextReader::session(&world.table, 4);
        let candidates = candidates(world, &reader, 2);
        scope(|scope| {
            let (worker, sender) = worker(world, &candidates);
            let mut made = worker.start(scope, 0..N_STEPS).unwrap();
            if !is_late {
                (0..3).for_each(|number| sender.send(snapshot(number)).unwrap());
            }
            (0..N_STEPS)
                .map(|step| {
                    if is_late && step % 2 == 0 {
                        std::thread::sleep(Duration::from_millis(20));
                        sender.send(snapshot(step / 2)).unwrap();
                    }
                    let input = made.next().unwrap().unwrap();
                    (input.groups, input.free_ids, input.batch)
                })
                .collect()
        })
    }

    #[test]
    fn what_a_step_learns_from_does_not_depend_on_who_waits_for_whom() {
        let world = world();
        let (late, early) = (inputs(&world, true), inputs(&world, false));
        assert!(late == early, "the order of events has reached a result");
        assert!(late.iter().all(|(groups, ..)| !groups.is_empty()));

        // And it is what the prescribed snapshot gives when nothing runs beside it.
        let reader = ContextReader::session(&world.table, 4);
        let candidates = candidates(&world, &reader, 2);
        let (mut alone, _) = worker(&world, &candidates);
        for (step, (groups, ..)) in (0..).zip(&late) {
            let settings = &world.config.align;
            let examples = alone.source.batch(step, settings.batch_size);
            let prompts = chosen_prompts(&world.config, step, &examples);
            let write = |model: &Generator| {
                let mut rng = world.config.seed.rng("align.rollouts", step);
                let control = RunControl::default();
                let mut groups =
                    roll_out(model, &candidates, settings, &prompts, &mut rng, &control).unwrap();
                score(&mut groups, &prompts, &alone.scorer, None, settings);
                groups
            };
            assert_eq!(*groups, write(&snapshot(step / 2).1));
            assert_ne!(*groups, write(&snapshot(step / 2 + 1).1), "step {step}");
        }
    }

    #[test]
    fn a_stop_is_told_and_a_trainer_that_goes_away_is_not_waited_for() {
        let world = world();
        let reader = ContextReader::session(&world.table, 4);
        let candidates = candidates(&world, &reader, 2);
        scope(|scope| {
            let (worker, sender) = worker(&world, &candidates);
            let control = worker.control.clone();
            let mut made = worker.start(scope, 0..N_STEPS).unwrap();
            sender.send(snapshot(0)).unwrap();
            assert!(made.next().unwrap().is_ok());
            control.stop();
            sender.send(snapshot(1)).unwrap();
            let mut rest = std::iter::from_fn(|| made.next());
            assert!(rest.any(|input| matches!(input, Err(EngineError::Stopped))));
        });
        scope(|scope| {
            let (worker, _sender) = worker(&world, &candidates);
            // The scope would not end if the thread went on waiting for a snapshot.
            worker.start(scope, 0..N_STEPS).unwrap();
        });
    }

    #[test]
    fn a_panic_of_the_worker_is_its_trainers() {
        let world = world();
        let reader = ContextReader::session(&world.table, 4);
        // The toy writes slates of three items at most.
        let candidates = candidates(&world, &reader, 4);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            scope(|scope| {
                let (worker, sender) = worker(&world, &candidates);
                let mut made = worker.start(scope, 0..N_STEPS).unwrap();
                sender.send(snapshot(0)).unwrap();
                made.next().is_some()
            })
        }));
        let message = outcome.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*message, "4 items from a model for 3");
    }
}
