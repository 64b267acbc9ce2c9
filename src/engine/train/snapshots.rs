//! The frozen copies that generate candidates and that the policy is compared with. [A Alg. 2; B 3.3]
//!
//! A snapshot is saved when it is taken, so that a run resumed in the middle goes on with the same ones. Which one a
//! step learns from follows from the step's number: the newest, or with `max_staleness` an older one, so that its
//! slates could be written ahead.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use burn::module::Module as _;

use crate::engine::checkpoint::weights;
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::model::Generator;
use crate::engine::train::config::{AlignConfig, Reference};
use crate::engine::train::ctx::StageCtx;

/// A frozen copy with its number; numbers count up from 0.
pub(super) type Snapshot = (u64, Generator);

/// Which snapshot a step learns from.
#[derive(Clone, Copy, Debug)]
pub(super) struct SnapshotPlan {
    /// Steps between snapshots; nothing where all steps learn from the pretrained generator, which is then number 0.
    every: Option<u64>,
    max_staleness: u64,
}

impl SnapshotPlan {
    pub(super) fn new(settings: &AlignConfig) -> Self {
        let every = settings.snapshot_every_steps();
        Self {
            every: (settings.reference == Reference::Snapshot).then_some(every),
            max_staleness: settings.max_staleness,
        }
    }

    /// The newest snapshot when a step begins; it is taken before the step where it falls due.
    fn newest(&self, step: u64) -> u64 {
        self.every.map_or(0, |every| step / every)
    }

    /// The snapshot that a step learns from.
    pub(super) fn number(&self, step: u64) -> u64 {
        self.newest(step.saturating_sub(self.max_staleness))
    }

    /// Snapshots that can have been taken since the one that the step before learned from.
    fn most_ahead(&self) -> usize {
        self.every.map_or(1, |every| self.max_staleness / every + 2) as usize
    }

    /// The first snapshot that a run resumed from the last or the last but one checkpoint would ask for.
    fn oldest_needed(&self, step: u64, checkpoint_every: u64) -> u64 {
        let last = step / checkpoint_every * checkpoint_every;
        self.number(last.saturating_sub(checkpoint_every))
    }
}

/// The snapshots that steps still learn from.
pub(super) struct Snapshots<'a> {
    base: &'a Generator,
    plan: SnapshotPlan,
    /// Oldest first, without gaps in their numbers.
    kept: VecDeque<Snapshot>,
    /// Where slates are written with them, too.
    writer: SyncSender<Snapshot>,
}

impl<'a> Snapshots<'a> {
    /// `base` is the pretrained generator. Every snapshot is also sent to whoever holds the receiver, in order.
    pub(super) fn new(base: &'a Generator, plan: SnapshotPlan) -> (Self, Receiver<Snapshot>) {
        let (writer, receiver) = sync_channel(plan.most_ahead());
        let snapshots = Self {
            base,
            plan,
            kept: VecDeque::new(),
            writer,
        };
        (snapshots, receiver)
    }

    /// The reference of a step, which also wrote its slates: the policy as it was before the step at which that
    /// snapshot fell due, or the pretrained generator where the settings say so. Steps are asked for in order.
    ///
    /// # Errors
    /// If a snapshot cannot be written or read.
    pub(super) fn at(
        &mut self,
        ctx: &StageCtx<'_>,
        policy: &Generator,
        step: u64,
    ) -> Result<&Generator, EngineError> {
        let (oldest, newest) = (self.plan.number(step), self.plan.newest(step));
        let next = self.kept.back().map_or(oldest, |(number, _)| number + 1);
        for number in next..=newest {
            let model = self.take(ctx, policy, step, number)?;
            // A writer that has gone away says why when its slates are asked for.
            self.writer.send((number, model.clone())).ok();
            self.kept.push_back((number, model));
        }
        while self
            .kept
            .front()
            .is_some_and(|(number, _)| *number < oldest)
        {
            self.kept.pop_front();
        }
        Ok(self.kept.front().map_or(self.base, |(_, model)| model))
    }

    /// Takes a snapshot that falls due at `step`, or reads one that an earlier process took.
    fn take(
        &self,
        ctx: &StageCtx<'_>,
        policy: &Generator,
        step: u64,
        number: u64,
    ) -> Result<Generator, EngineError> {
        let Some(every) = self.plan.every else {
            return Ok(self.base.clone());
        };
        let frozen = policy.valid();
        let path = path(ctx, number);
        if step != number * every {
            return Ok(weights::load(frozen, &path)?);
        }
        weights::save(&frozen, &path)?;
        let checkpoint_every = ctx.config.align.checkpoint_every_steps;
        forget(ctx, self.plan.oldest_needed(step, checkpoint_every));
        Ok(frozen)
    }
}

fn path(ctx: &StageCtx<'_>, number: u64) -> PathBuf {
    ctx.dir
        .stage_dir(Stage::Align)
        .join(format!("reference_{number}.safetensors"))
}

/// Removes the snapshots before `oldest`, as far back as there are any.
fn forget(ctx: &StageCtx<'_>, oldest: u64) {
    for number in (0..oldest).rev() {
        // Whatever cannot be removed costs disk space and nothing else.
        if std::fs::remove_file(path(ctx, number)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(every: u64, max_staleness: u64) -> SnapshotPlan {
        SnapshotPlan::new(&AlignConfig {
            sync_every_steps: every,
            max_staleness,
            ..AlignConfig::default()
        })
    }

    #[test]
    fn a_step_learns_from_the_newest_snapshot_unless_it_may_be_older() {
        let numbers = |every, max_staleness| -> Vec<u64> {
            (0..8)
                .map(|step| plan(every, max_staleness).number(step))
                .collect()
        };
        assert_eq!(numbers(3, 0), [0, 0, 0, 1, 1, 1, 2, 2]);
        assert_eq!(numbers(1, 0), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(1, 2), [0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(numbers(3, 1), [0, 0, 0, 0, 1, 1, 1, 2]);
        let pretrained = SnapshotPlan::new(&AlignConfig {
            reference: Reference::Pretrained,
            sync_every_steps: 2,
            ..AlignConfig::default()
        });
        assert_eq!(pretrained.number(100), 0);
    }

    /// The trainer must never wait for room: whoever takes the snapshots may wait for the trainer's next one.
    #[test]
    fn there_is_room_for_all_snapshots_that_nobody_can_have_asked_for() {
        for every in 1..6 {
            for max_staleness in 0..12 {
                let plan = plan(every, max_staleness);
                for step in 1..60 {
                    let taken = plan.newest(step) - plan.number(step - 1);
                    assert!(
                        taken <= plan.most_ahead() as u64,
                        "{every} {max_staleness} {step}"
                    );
                }
                // A resumed run reads all that its first step may need at once.
                assert!(plan.newest(100) - plan.number(100) < plan.most_ahead() as u64);
            }
        }
    }

    #[test]
    fn what_a_resumed_run_needs_is_kept() {
        for (every, max_staleness) in [(1, 0), (1, 3), (3, 0), (10, 0), (10, 4)] {
            for checkpoint_every in [1, 4, 25] {
                let plan = plan(every, max_staleness);
                for step in 0..120_u64 {
                    let oldest = plan.oldest_needed(step, checkpoint_every);
                    let last = step / checkpoint_every * checkpoint_every;
                    for resumed_at in [last, last.saturating_sub(checkpoint_every)] {
                        // A resume at a snapshot's own step takes it anew.
                        assert!(
                            plan.number(resumed_at) >= oldest,
                            "{step} {every} {max_staleness} {checkpoint_every}"
                        );
                    }
                }
            }
        }
        assert_eq!(plan(10, 0).oldest_needed(100, 50), 5);
        assert_eq!(plan(10, 5).oldest_needed(100, 50), 4);
    }
}
