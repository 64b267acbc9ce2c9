//! Where the time of a step goes.

use crate::app::state::RunStore;
use crate::engine::event::Stage;
use crate::engine::run::report::StepSeconds;

/// What the parts are and how they fit together.
pub(super) const TIP: &str = "Means over the steps so far, in seconds by the clock. Rollout: a frozen copy of the \
    policy writes the candidate slates, on a thread of its own. Scoring: the reward model judges them, on the same \
    thread. Training: losses, gradients, the optimiser and snapshots. The percentages are shares of these three. \
    A step takes training + waiting + probes: rollouts for later steps go on beside it, as far as their snapshot has \
    been taken. Where training waits long, a larger align.sync_every_steps or fewer align.n_candidates help, or \
    align.max_staleness with a policy gradient.";

/// Where the time went, in words; `None` for runs that did not measure it.
pub(super) fn sentence(run: &RunStore) -> Option<String> {
    let mean = |name: &str| {
        let points = &run.series(Stage::Align, name)?.points;
        let sum: f64 = points.iter().map(|point| point.value).sum();
        Some(sum / points.len().max(1) as f64)
    };
    let seconds = StepSeconds {
        rollout: mean("rollout_secs")?,
        scoring: mean("scoring_secs")?,
        training: mean("training_secs")?,
        waiting: mean("waiting_secs")?,
        probe: mean("probe_secs")?,
    };
    let meaning = if seconds.waiting > 0.5 * seconds.step() {
        "training mostly waits for slates"
    } else if seconds.waiting > 0.1 * seconds.step() {
        "training waits for slates at times"
    } else {
        "slates are there when training asks for them"
    };
    Some(format!("{}: {meaning}", seconds.in_words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{EngineEvent, EventRecord, RunId, StepPoint};

    fn run(waiting: f64) -> RunStore {
        let mut run = RunStore::default();
        let points = [1.0, 2.0].map(|factor| StepPoint {
            step: factor as u64,
            values: [
                ("rollout_secs", 0.4 * factor),
                ("scoring_secs", 0.2 * factor),
                ("training_secs", 0.2 * factor),
                ("waiting_secs", waiting),
                ("probe_secs", 0.1),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
            ..StepPoint::default()
        });
        run.apply(&EventRecord {
            seq: 0,
            time_millis: 0,
            run: RunId("r".into()),
            event: EngineEvent::Steps {
                stage: Stage::Align,
                points: points.to_vec(),
            },
        });
        run
    }

    #[test]
    fn the_parts_are_shares_of_the_work_and_the_step_is_what_the_clock_shows() {
        assert_eq!(sentence(&RunStore::default()), None);
        assert_eq!(
            sentence(&run(0.6)).as_deref(),
            Some(
                "A step takes 1.000 s; of its work, writing slates is 50 %, scoring them 25 % and training 25 %; \
                 training waits 0.600 s for slates, and probes take 0.100 s: training mostly waits for slates"
            )
        );
        let end = |waiting| {
            let text = sentence(&run(waiting)).unwrap();
            text.rsplit(": ").next().map(str::to_owned).unwrap()
        };
        assert_eq!(end(0.1), "training waits for slates at times");
        assert_eq!(end(0.0), "slates are there when training asks for them");
    }
}
