//! Several alignment objectives from the same start, as plain numbers.

use serde::{Deserialize, Serialize};

use crate::engine::run::report::{HeadChange, RewardSummary, RunReport};

/// The name of the first row: what all objectives start from.
pub const BEFORE: &str = "before";

/// The result of a comparison: what every objective came to with every seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveComparison {
    /// The dataset's folder or file.
    pub data: String,
    /// SHA-256 of its content.
    pub fingerprint: String,
    /// Seeds, each with a start of its own.
    pub seeds: Vec<u64>,
    /// Optimiser steps of each alignment.
    pub steps: u64,
    /// Users over whose slates the rewards are means.
    pub users: u64,
    /// What all start from, then one row per objective.
    pub rows: Vec<ObjectiveRow>,
}

impl ObjectiveComparison {
    /// What was compared, in words.
    pub fn subject(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        format!(
            "{}: {} steps each, rewards of the slates of {} users, mean and standard deviation over the seeds {}",
            self.data,
            self.steps,
            self.users,
            seeds.join(", ")
        )
    }
}

/// One objective, or what all start from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveRow {
    /// Short unique name, as on the command line, for example `s_dpo`.
    pub name: String,
    /// What it is called in papers.
    pub title: String,
    /// What it is, in words.
    pub description: String,
    /// What it came to, by seed.
    pub outcomes: Vec<Outcome>,
}

/// Figures of one generator: rewards of its slates and its ranking of held-out items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The run's seed.
    pub seed: u64,
    /// Seconds of alignment; `None` before it.
    pub seconds: Option<f64>,
    /// The reward model's scalar reward.
    pub reward: RewardSummary,
    /// The judge's scalar reward.
    pub judge: RewardSummary,
    /// True utility, for simulated data.
    pub utility: Option<RewardSummary>,
    /// The heads of the reward model. [A Table 1]
    pub heads: Vec<HeadOutcome>,
    /// Share of users whose held-out item is among the first 10.
    pub hr_10: f64,
    /// Normalised discounted gain at 10.
    pub ndcg_10: f64,
    /// Share of freely generated semantic IDs that belong to an item.
    pub legality: Option<f64>,
    /// Entropy of the predictions per level, nats. [A 5.4]
    pub code_entropy: Vec<f64>,
}

/// What one head of the reward model says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadOutcome {
    /// swt, vtr, wtr or ltr.
    pub name: String,
    /// Of the generated slates.
    pub value: RewardSummary,
}

impl Outcome {
    /// What a finished run says of its generator before and after alignment; `None` where it did not come that far.
    pub fn before_and_after(report: &RunReport) -> Option<[Self; 2]> {
        let alignment = report.alignment.as_ref()?;
        let evaluation = report.evaluation.as_ref()?;
        let score = |name: &str| evaluation.models.iter().find(|model| model.name == name);
        let (base, aligned) = (score("generator")?, score("aligned")?);
        let heads = |value: fn(&HeadChange) -> RewardSummary| {
            let heads = alignment.heads.iter();
            heads
                .map(|head| HeadOutcome {
                    name: head.name.clone(),
                    value: value(head),
                })
                .collect()
        };
        Some([
            Self {
                seed: report.seed,
                seconds: None,
                reward: alignment.reward_before,
                judge: alignment.judge_before,
                utility: alignment.oracle_before,
                heads: heads(|head| head.before),
                hr_10: base.hr_10,
                ndcg_10: base.ndcg_10,
                legality: base.legality,
                code_entropy: evaluation.code_entropy_before.clone(),
            },
            Self {
                seed: report.seed,
                seconds: report.seconds.get("align").copied(),
                reward: alignment.reward_after,
                judge: alignment.judge_after,
                utility: alignment.oracle_after,
                heads: heads(|head| head.after),
                hr_10: aligned.hr_10,
                ndcg_10: aligned.ndcg_10,
                legality: aligned.legality,
                code_entropy: evaluation.code_entropy_after.clone(),
            },
        ])
    }
}
