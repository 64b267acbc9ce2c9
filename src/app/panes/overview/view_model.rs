//! What the overview says, from the state alone.

use crate::app::state::AppState;
use crate::app::widgets::Stat;
use crate::app::widgets::number::{count, duration, percent, significant};
use crate::engine::event::Stage;

/// What the run came to: one figure per finished stage, in order.
pub(super) fn results(state: &AppState) -> Vec<Stat> {
    let run = &state.run;
    let mut stats = Vec::new();
    if let Some(tokenizer) = &run.tokenizer {
        let lowest = tokenizer.levels.iter().map(|level| level.utilization);
        stats.push(Stat::new(
            "Codes in use",
            percent(lowest.fold(1.0, f64::min)),
            "Codes with at least one item / codes, on the worst level.",
        ));
        stats.push(Stat::new(
            "Collision rate",
            percent(tokenizer.collision_rate),
            "1 - distinct semantic IDs / items.",
        ));
    }
    if let Some(last) = run
        .series(Stage::Pretrain, "loss")
        .and_then(|series| series.last())
    {
        let tip = "Mean negative log-probability per code of the last logged step, in nats.";
        stats.push(Stat::new("Pretraining loss", significant(last.value, 4), tip).unit("nats"));
    }
    if let Some(alignment) = &run.alignment {
        let pairs = [
            (
                "Reward gained",
                Some((alignment.reward_before, alignment.reward_after)),
                "by the reward model that alignment used",
            ),
            (
                "Judge gained",
                Some((alignment.judge_before, alignment.judge_after)),
                "by a second reward model trained on other users",
            ),
            (
                "True utility gained",
                alignment.oracle_before.zip(alignment.oracle_after),
                "by the simulator that made the data",
            ),
        ];
        for (label, pair, whose) in pairs {
            if let Some((before, after)) = pair {
                let tip = format!(
                    "Mean score of the generated slates after alignment minus before, {whose}: {} to {}.",
                    significant(before.mean, 4),
                    significant(after.mean, 4)
                );
                let gain = crate::app::widgets::number::signed(after.mean - before.mean, 3);
                stats.push(Stat::new(label, gain, tip));
            }
        }
    }
    if let Some(evaluation) = &run.evaluation {
        for model in &evaluation.models {
            let tip = format!(
                "Share of {} users whose held-out item is among the first 10. {}",
                count(model.users),
                evaluation.protocol
            );
            let label = format!("HR@10 {}", model.name);
            stats.push(Stat::new(label, significant(model.hr_10, 3), tip));
        }
    }
    let seconds: f64 = Stage::ALL
        .iter()
        .map(|stage| run.stage(*stage).elapsed_seconds())
        .sum();
    if seconds > 0.0 {
        stats.push(Stat::new(
            "Time",
            duration(seconds),
            "Work of all stages so far.",
        ));
    }
    stats
}

/// Whether alignment raised what it should and what it cost, in the engine's own sentences.
pub(super) fn verdict(state: &AppState) -> impl Iterator<Item = &String> {
    let raised = state.run.alignment.iter().flat_map(|of| &of.verdict);
    let cost = state.run.evaluation.iter().flat_map(|of| &of.verdict);
    raised.chain(cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::run::report::{AlignmentReport, RewardSummary};

    #[test]
    fn nothing_is_known_at_first() {
        let state = AppState::default();
        assert!(results(&state).is_empty());
        assert_eq!(verdict(&state).count(), 0);
    }

    #[test]
    fn gains_are_after_minus_before() {
        let mut state = AppState::default();
        let summary = |mean| RewardSummary {
            mean,
            ..RewardSummary::default()
        };
        state.run.alignment = Some(AlignmentReport {
            reward_before: summary(0.5),
            reward_after: summary(0.75),
            judge_before: summary(0.5),
            judge_after: summary(0.25),
            ..AlignmentReport::default()
        });
        let shown = results(&state);
        let gains: Vec<(&str, &str)> = shown
            .iter()
            .map(|stat| (stat.label.as_str(), stat.value.as_str()))
            .collect();
        assert_eq!(
            gains,
            [("Reward gained", "+0.250"), ("Judge gained", "-0.250")]
        );
    }
}
