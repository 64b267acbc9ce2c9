//! `report.json`: every figure that a run produced. Later versions only add fields.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine::data::stats::DatasetStats;
use crate::engine::device::DeviceReport;
use crate::engine::embedding::ItemAlignmentReport;
use crate::engine::error::EngineError;
use crate::engine::eval::calibration::ReliabilityBin;
use crate::engine::eval::distribution::ScoreDistribution;
use crate::engine::eval::diversity::Diversity;
use crate::engine::eval::oracle_auc::OracleAuc;
use crate::engine::eval::report::EvaluationReport;
use crate::engine::eval::shown_codes::LevelCodes;
use crate::engine::tokenizer::report::TokenizerReport;

/// Every figure of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Version of this layout.
    pub format_version: u32,
    /// The seed of all random streams.
    pub seed: u64,
    /// Requested and actual device.
    pub device: DeviceReport,
    /// The dataset, the session rule and the split.
    pub dataset: DatasetStats,
    /// Seconds per stage, summed over all processes that worked on it.
    pub seconds: BTreeMap<String, f64>,
    /// Highest resident memory of the process.
    pub peak_memory_bytes: u64,
    /// Drawing items together that are watched together; `None` where that was not asked for.
    #[serde(default)]
    pub item_alignment: Option<ItemAlignmentReport>,
    /// Health of the semantic IDs.
    pub tokenizer: Option<TokenizerReport>,
    /// Next-token training.
    pub pretrain: Option<PretrainReport>,
    /// The reward models.
    pub reward: Option<RewardReport>,
    /// Preference alignment.
    pub alignment: Option<AlignmentReport>,
    /// How the time of a step of alignment divided; `None` before that stage is complete.
    #[serde(default)]
    pub alignment_seconds: Option<StepSeconds>,
    /// Held-out metrics.
    pub evaluation: Option<EvaluationReport>,
}

impl RunReport {
    /// Reads `report.json`.
    ///
    /// # Errors
    /// If the file is missing or is not a report.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        let text = std::fs::read(path).map_err(EngineError::io("read", path))?;
        serde_json::from_slice(&text).map_err(|error| EngineError::RunFolder {
            path: path.to_owned(),
            found: format!("report.json is damaged: {error}"),
        })
    }
}

/// Figures of next-token training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PretrainReport {
    /// Optimiser steps that were done.
    pub steps: u64,
    /// Trainable parameters.
    pub parameters: u64,
    /// Mean loss per token over the first 10 logged steps, nats.
    pub loss_first: f64,
    /// Mean loss per token over the last 10 logged steps, nats.
    pub loss_last: f64,
    /// Held-out loss per token and level at the end, nats.
    pub held_out_loss: Vec<f64>,
    /// Entropy of each level's codes in the training targets, nats: the loss of a model that knows only frequencies.
    pub unigram_entropy: Vec<f64>,
    /// Target tokens per second, median.
    pub tokens_per_second: f64,
    /// Share of the history's places in the training batches that were padding, mean over the logged steps.
    #[serde(default)]
    pub padding_frac: f64,
    /// The lowest held-out loss that was measured while training, nats per code; `None` where none was.
    #[serde(default)]
    pub validation_loss: Option<f64>,
    /// The step at which it was measured; its weights are the generator's where patience was set.
    #[serde(default)]
    pub best_step: Option<u64>,
    /// How evenly the experts were used, layer by layer; empty where there are none.
    #[serde(default)]
    pub experts: Vec<ExpertEvenness>,
}

/// Load of the fullest expert of a layer over the mean load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExpertEvenness {
    /// The block that the layer belongs to, for example "decoder 1".
    pub layer: String,
    /// Over the first 10 logged steps together.
    pub max_over_mean_first: f64,
    /// Over the last 10 logged steps together.
    pub max_over_mean_last: f64,
}

/// Figures of the reward models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardReport {
    /// The heads of the model that alignment uses.
    pub heads: Vec<RewardHead>,
    /// The heads of the judge, trained on other users.
    pub judge_heads: Vec<RewardHead>,
    /// Slates that trained the reward model.
    pub train_slates: u64,
    /// Slates that trained the judge.
    pub judge_train_slates: u64,
    /// Later slates on which both were measured.
    pub test_slates: u64,
    /// How slates and labels were formed, in words.
    pub rule: String,
}

/// One head of a reward model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardHead {
    /// swt, vtr, wtr or ltr.
    pub name: String,
    /// Positive impressions in training.
    pub positives: u64,
    /// Area under the ROC curve on later days; `None` where one class is missing.
    pub auc: Option<f64>,
    /// Weight in the scalar reward; 0 where the head had too few positives to train.
    pub weight: f64,
    /// Mean predicted and mean true label on later days.
    pub calibration: (f64, f64),
    /// Area under the ROC curve within users, averaged by their number of slates.
    #[serde(default)]
    pub gauc: Option<f64>,
    /// Predictions against what happened on later days; empty where the head is not trained.
    #[serde(default)]
    pub reliability: Vec<ReliabilityBin>,
    /// Expected calibration error of those bins.
    #[serde(default)]
    pub calibration_error: f64,
    /// How well the oracle ranks the labels, for simulated data.
    #[serde(default)]
    pub oracle_auc: Option<OracleAuc>,
}

/// Figures of preference alignment: means over the same users, best slate per user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlignmentReport {
    /// Optimiser steps.
    pub steps: u64,
    /// Preference pairs that trained.
    pub pairs: u64,
    /// Pairs that were left out because the user had marked them so.
    #[serde(default)]
    pub pairs_left_out: u64,
    /// Pairs that were learned the other way round because the user had marked them so.
    #[serde(default)]
    pub pairs_turned: u64,
    /// Iterations with a frozen snapshot each.
    pub iterations: u64,
    /// Users over which the figures below are means.
    pub users: u64,
    /// Scalar reward of the generated slates.
    pub reward_before: RewardSummary,
    /// The same after alignment.
    pub reward_after: RewardSummary,
    /// The judge's scalar reward.
    pub judge_before: RewardSummary,
    /// The same after alignment.
    pub judge_after: RewardSummary,
    /// True utility, for simulated data.
    pub oracle_before: Option<RewardSummary>,
    /// The same after alignment.
    pub oracle_after: Option<RewardSummary>,
    /// Share of the items of the generated slates that are flagged, where any are.
    #[serde(default)]
    pub flagged_before: Option<RewardSummary>,
    /// The same after alignment.
    #[serde(default)]
    pub flagged_after: Option<RewardSummary>,
    /// Per head of the reward model before and after. [A Table 1]
    pub heads: Vec<HeadChange>,
    /// How each score of the slates is spread, before and after.
    #[serde(default)]
    pub distributions: Vec<ScoreDistribution>,
    /// Which codes the slates are made of, level by level.
    #[serde(default)]
    pub codes: Vec<LevelCodes>,
    /// Best of the first K slates, for K = 1, 2, 4 and so on. [B Table 4]
    #[serde(default)]
    pub pass_at_k: Vec<PassAtK>,
    /// What would be shown before alignment.
    #[serde(default)]
    pub diversity_before: Diversity,
    /// The same after alignment.
    #[serde(default)]
    pub diversity_after: Diversity,
    /// Whether reward, judge and oracle rose, in one sentence each.
    pub verdict: Vec<String>,
}

/// Seconds of a step of alignment, as means over its steps. Rollouts are made and scored on a thread of their own, beside
/// the training of steps before: what passes while a step is done is training, waiting and probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepSeconds {
    /// Writing candidate slates, and free IDs for the format reward.
    pub rollout: f64,
    /// Scoring them.
    pub scoring: f64,
    /// Losses, gradients, the optimiser and snapshots.
    pub training: f64,
    /// What training waited for rollouts that were not there yet.
    pub waiting: f64,
    /// Probes, spread over all steps.
    pub probe: f64,
}

impl StepSeconds {
    /// What a step takes by the clock.
    pub fn step(&self) -> f64 {
        self.training + self.waiting + self.probe
    }

    /// The shares of rollout, scoring and training in the sum of the three.
    pub fn shares(&self) -> [f64; 3] {
        let parts = [self.rollout, self.scoring, self.training];
        let sum: f64 = parts.iter().sum();
        parts.map(|part| if sum > 0.0 { part / sum } else { 0.0 })
    }

    /// Both in one sentence.
    pub fn in_words(&self) -> String {
        let [rollout, scoring, training] = self.shares().map(|share| 100.0 * share);
        format!(
            "A step takes {:.3} s; of its work, writing slates is {rollout:.0} %, scoring them {scoring:.0} % and training \
             {training:.0} %; training waits {:.3} s for slates, and probes take {:.3} s",
            self.step(),
            self.waiting,
            self.probe
        )
    }
}

/// Mean and maximum over a user's generated slates, averaged over users. [A 5.1.3]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardSummary {
    /// Mean over the slates.
    pub mean: f64,
    /// Best of the slates.
    pub max: f64,
    /// Of the slate with the highest log-probability: the one that would be shown.
    pub top: f64,
    /// Half width of the 95% interval of `mean` over users.
    pub mean_ci95: f64,
}

/// The best of a user's K likeliest slates, averaged over users; before and after alignment. [B Table 4]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PassAtK {
    /// Slates per user that are looked at.
    pub k: u64,
    /// Best scalar reward.
    pub reward: (f64, f64),
    /// Best of the judge's scalar rewards.
    pub judge: (f64, f64),
    /// Best true utility, for simulated data.
    pub utility: Option<(f64, f64)>,
}

/// One reward head before and after alignment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadChange {
    /// The head.
    pub name: String,
    /// Before.
    pub before: RewardSummary,
    /// After.
    pub after: RewardSummary,
}
