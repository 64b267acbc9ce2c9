//! How the time of a step of alignment divides between writing slates, scoring them and learning from them.

use super::rollout_worker::StepInput;
use crate::engine::event::{EventRecord, Stage};
use crate::engine::run::journal;
use crate::engine::run::report::StepSeconds;

/// The names of the parts among the values of a step; their seconds are means over the steps since the last report.
const NAMES: [&str; 5] = [
    "rollout_secs",
    "scoring_secs",
    "training_secs",
    "waiting_secs",
    "probe_secs",
];

fn parts(seconds: &mut StepSeconds) -> [&mut f64; 5] {
    [
        &mut seconds.rollout,
        &mut seconds.scoring,
        &mut seconds.training,
        &mut seconds.waiting,
        &mut seconds.probe,
    ]
}

/// Adds up the steps between two reports.
#[derive(Default)]
pub(super) struct StepClock {
    sum: StepSeconds,
    n_steps: u32,
}

impl StepClock {
    /// One more step: what its input took to make, how long it was waited for, and how long the step itself took.
    pub(super) fn add(&mut self, input: &StepInput, waiting: f64, training: f64) {
        self.n_steps += 1;
        self.sum.rollout += input.rollout_secs;
        self.sum.scoring += input.scoring_secs;
        self.sum.waiting += waiting;
        self.sum.training += training;
    }

    /// The same step's probe.
    pub(super) fn add_probe(&mut self, seconds: f64) {
        self.sum.probe += seconds;
    }

    /// Means over the steps since the last call.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (String, f64)> {
        let Self { mut sum, n_steps } = std::mem::take(self);
        let sums = parts(&mut sum).map(|part| *part);
        let means = sums.map(|sum| sum / f64::from(n_steps.max(1)));
        NAMES.map(str::to_owned).into_iter().zip(means)
    }
}

/// Means over all steps that the journal tells of; `None` where it tells of none.
pub(super) fn from_journal(records: &[EventRecord]) -> Option<StepSeconds> {
    let mut mean = StepSeconds::default();
    for (name, part) in NAMES.into_iter().zip(parts(&mut mean)) {
        let series = journal::series(records, Stage::Align, name);
        let (mut before, mut sum) = (0, 0.0);
        for (step, seconds) in series {
            // A value stands for all steps since the one before it.
            sum += seconds * (step - before) as f64;
            before = step;
        }
        if before == 0 {
            return None;
        }
        *part = sum / before as f64;
    }
    Some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, RunId, StepPoint};

    #[test]
    fn a_report_is_the_mean_over_its_steps_and_the_whole_that_over_all() {
        let input = |rollout_secs: f64| StepInput {
            batch: crate::engine::batch::HostBatch::new(
                &[],
                &crate::engine::batch::ContextReader::session(
                    &crate::engine::tokenizer::SemanticIdTable::new(1, 1, vec![0]),
                    1,
                ),
                1,
            ),
            n_samples: 0,
            groups: Vec::new(),
            free_ids: None,
            rollout_secs,
            scoring_secs: 0.5,
        };
        let mut clock = StepClock::default();
        clock.add(&input(1.0), 0.25, 3.0);
        let first: Vec<(String, f64)> = clock.take().collect();
        for rollout_secs in [2.0, 3.0, 4.0] {
            clock.add(&input(rollout_secs), 0.0, 1.0);
        }
        clock.add_probe(6.0);
        let second: Vec<(String, f64)> = clock.take().collect();
        assert_eq!(second[0], ("rollout_secs".to_owned(), 3.0));
        assert_eq!(second[4], ("probe_secs".to_owned(), 2.0));

        let point = |step, values: &[(String, f64)]| StepPoint {
            step,
            values: values.to_vec(),
            ..StepPoint::default()
        };
        let records = [EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId::default(),
            event: EngineEvent::Steps {
                stage: Stage::Align,
                points: vec![point(1, &first), point(4, &second)],
            },
        }];
        let whole = from_journal(&records).unwrap();
        // (1 + 2 + 3 + 4) / 4 and so on.
        assert_eq!(whole.rollout, 2.5);
        assert_eq!(whole.scoring, 0.5);
        assert_eq!(whole.training, 1.5);
        assert_eq!(whole.waiting, 0.0625);
        assert_eq!(whole.probe, 1.5);
        assert!(from_journal(&[]).is_none());
    }
}
