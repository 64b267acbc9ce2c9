//! What alignment adds to the next-token loss: a preference between slates, or a policy gradient over groups of them.

use burn::tensor::{Device, Tensor, TensorData};

use crate::engine::batch::ContextReader;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::Moment;
use crate::engine::loss::policy::{self, PolicyOutput, Rollouts, group_advantages};
use crate::engine::loss::preference::{self, PairLogProbs, PreferenceOutput};
use crate::engine::model::Generator;
use crate::engine::tokenizer::Code;
use crate::engine::train::config::{AlignConfig, Objective, RatioUnit};
use crate::engine::train::preference_pairs::PreferencePair;
use crate::engine::train::rollouts::{Group, log_probs};

/// The term of one step.
pub struct AlignmentTerm {
    /// `[1]`.
    pub loss: Tensor<1>,
    /// What curves show, `[1]` each.
    pub tensors: Vec<(&'static str, Tensor<1>)>,
    /// What curves show and no model computed.
    pub values: Vec<(&'static str, f64)>,
    /// What both models say of the slates of each pair, where the term learns from pairs.
    pub pairs: Option<PairLogProbs>,
    /// Advantages of the slates and ratios of their units, where the term learns from groups.
    pub spread: Option<(Vec<f32>, Tensor<2>)>,
}

/// Policy and reference with what both need to see slates.
pub struct Models<'a> {
    /// Learns.
    pub policy: &'a Generator,
    /// The frozen copy that generated the slates.
    pub reference: &'a Generator,
    /// What both see of a moment.
    pub reader: &'a ContextReader<'a>,
    /// Where the policy computes, with autodiff.
    pub device: &'a Device,
}

impl Models<'_> {
    /// Log-probabilities of slates under policy and reference, the latter without gradient,
    /// `[n_moments * n_slates, n_codes]`; for each moment equally many slates.
    pub(super) fn log_probs(&self, moments: &[&Moment], slates: &[&[Code]]) -> [Tensor<2>; 2] {
        let device = self.reference.device();
        let frozen = log_probs(self.reference, self.reader, moments, slates, &device);
        [
            self.policy_log_probs(moments, slates),
            Tensor::from_inner(frozen),
        ]
    }

    /// Log-probabilities of slates under the policy alone.
    pub(super) fn policy_log_probs(&self, moments: &[&Moment], slates: &[&[Code]]) -> Tensor<2> {
        log_probs(self.policy, self.reader, moments, slates, self.device)
    }
}

/// The loss behind an objective, by what it learns from.
enum Loss {
    /// Pairs of slates.
    Preference(fn(&PairLogProbs, &AlignConfig) -> PreferenceOutput),
    /// Whole groups of slates.
    Policy(fn(&Rollouts, &AlignConfig) -> PolicyOutput),
}

fn loss_of(objective: Objective) -> Loss {
    match objective {
        Objective::Dpo => Loss::Preference(|pairs, set| preference::dpo(pairs, set.beta)),
        Objective::Ipo => Loss::Preference(|pairs, set| preference::ipo(pairs, set.beta)),
        Objective::Cdpo => {
            Loss::Preference(|pairs, set| preference::cdpo(pairs, set.beta, set.label_noise))
        }
        Objective::Rdpo => {
            Loss::Preference(|pairs, set| preference::rdpo(pairs, set.beta, set.label_noise))
        }
        Objective::Cpo => Loss::Preference(|pairs, set| preference::cpo(pairs, set.beta)),
        Objective::Simpo => Loss::Preference(|pairs, set| {
            preference::simpo(pairs, set.simpo_beta, set.target_margin)
        }),
        Objective::SDpo => Loss::Preference(|pairs, set| preference::s_dpo(pairs, set.beta)),
        Objective::Grpo => Loss::Policy(|rollouts, set| policy::grpo(rollouts, set.clip)),
        Objective::Ecpo => {
            Loss::Policy(|rollouts, set| policy::ecpo(rollouts, set.clip, set.early_clip))
        }
        Objective::Gbpo => Loss::Policy(|rollouts, _| policy::gbpo(rollouts)),
    }
}

/// The term that the configured objective makes of some groups of slates, or of the pairs chosen among them; nothing
/// where they teach nothing.
pub fn alignment_term(
    models: &Models<'_>,
    groups: &[Group],
    pairs: &[PreferencePair<'_>],
    config: &ExperimentConfig,
) -> Option<AlignmentTerm> {
    match loss_of(config.align.objective) {
        Loss::Preference(loss) => preference_term(models, pairs, config, loss),
        Loss::Policy(loss) => policy_term(models, groups, config, loss),
    }
}

/// The preference of the chosen slate over the rejected ones. [A eq. 10]
fn preference_term(
    models: &Models<'_>,
    pairs: &[PreferencePair<'_>],
    config: &ExperimentConfig,
    loss: fn(&PairLogProbs, &AlignConfig) -> PreferenceOutput,
) -> Option<AlignmentTerm> {
    let n_codes = pairs.first()?.slates().next()?.codes.len();
    let n_slates = 1 + config.align.n_rejected;
    let moments: Vec<&Moment> = pairs.iter().map(|pair| &pair.group.moment).collect();
    let slates: Vec<&[Code]> = pairs
        .iter()
        .flat_map(PreferencePair::slates)
        .map(|slate| slate.codes.as_slice())
        .collect();
    let [policy, reference] = models
        .log_probs(&moments, &slates)
        .map(|codes| codes.sum_dim(1).reshape([pairs.len(), n_slates]));
    let pairs_log_probs = PairLogProbs {
        chosen: policy.clone().slice_dim(1, 0..1),
        rejected: policy.slice_dim(1, 1..n_slates),
        reference_chosen: reference.clone().slice_dim(1, 0..1),
        reference_rejected: reference.slice_dim(1, 1..n_slates),
        n_codes,
    };
    let output = loss(&pairs_log_probs, &config.align);
    let gap: f64 = pairs.iter().map(|pair| pair.reward_gap).sum();
    Some(AlignmentTerm {
        tensors: vec![
            (loss_name(&config.align), output.loss.clone().mean()),
            ("margin", output.margin.clone().mean()),
            ("accuracy", output.accuracy()),
            ("chosen_log_prob", pairs_log_probs.chosen.clone().mean()),
            ("rejected_log_prob", pairs_log_probs.rejected.clone().mean()),
        ],
        values: vec![
            ("reward_gap", gap / pairs.len() as f64),
            ("step_pairs", pairs.len() as f64),
        ],
        loss: output.loss.mean(),
        pairs: Some(pairs_log_probs),
        spread: None,
    })
}

/// The name of the preference loss among the values of a step. Where the loss starts at ln 2 it has a name of its
/// own, because curves show that line.
fn loss_name(settings: &AlignConfig) -> &'static str {
    let starts_at_ln_2 = match settings.objective {
        Objective::Dpo | Objective::Cdpo | Objective::Rdpo => true,
        objective => objective == Objective::SDpo && settings.n_rejected == 1,
    };
    if starts_at_ln_2 {
        "dpo_loss"
    } else {
        "preference_loss"
    }
}

/// The policy gradient over all slates of the groups, weighed by how much better each is than its group. [B eq. 32-34]
fn policy_term(
    models: &Models<'_>,
    groups: &[Group],
    config: &ExperimentConfig,
    loss: fn(&Rollouts, &AlignConfig) -> PolicyOutput,
) -> Option<AlignmentTerm> {
    // One pass over a history serves all its slates, so every group must have as many.
    let n_slates = groups.iter().map(|group| group.slates.len()).min()?;
    let mut advantages = Vec::new();
    let mut rewards = Vec::new();
    for group in groups {
        let group_rewards = &group.rewards[..n_slates];
        advantages.extend(
            group_advantages(group_rewards)
                .into_iter()
                .map(|a| a as f32),
        );
        rewards.extend(group_rewards);
    }
    if advantages.iter().all(|advantage| *advantage == 0.0) {
        return None;
    }
    let extreme = |of: fn(f32, f32) -> f32| advantages.iter().copied().reduce(of);
    let lowest = f64::from(extreme(f32::min).unwrap_or_default());
    let highest = f64::from(extreme(f32::max).unwrap_or_default());
    let moments: Vec<&Moment> = groups.iter().map(|group| &group.moment).collect();
    let slates: Vec<&[Code]> = groups
        .iter()
        .flat_map(|group| &group.slates[..n_slates])
        .map(|slate| slate.codes.as_slice())
        .collect();
    let n_rows = slates.len();
    let unit = |codes: Tensor<2>| match config.align.ratio {
        RatioUnit::Code => codes,
        RatioUnit::Slate => codes.sum_dim(1),
    };
    let [log_probs, old_log_probs] = models.log_probs(&moments, &slates).map(unit);
    let rollouts = Rollouts {
        log_probs,
        old_log_probs,
        advantages: Tensor::from_data(
            TensorData::new(advantages.clone(), [n_rows, 1]),
            models.device,
        ),
    };
    let settings = &config.align;
    let output = loss(&rollouts, settings);
    let kl = policy::kl_to_old(&rollouts).mean();
    let is_outside = output
        .ratio
        .clone()
        .sub_scalar(1.0)
        .abs()
        .greater_elem(settings.clip);
    let policy_loss = output.loss.mean();
    Some(AlignmentTerm {
        loss: policy_loss.clone() + kl.clone().mul_scalar(settings.kl_weight),
        tensors: vec![
            ("policy_loss", policy_loss),
            ("kl", kl),
            ("ratio_outside", is_outside.float().mean()),
            ("ratio_lowest", output.ratio.clone().min()),
            ("ratio_highest", output.ratio.clone().max()),
        ],
        values: vec![
            (
                "rollout_reward",
                rewards.iter().sum::<f64>() / n_rows as f64,
            ),
            ("advantage_lowest", lowest),
            ("advantage_highest", highest),
            ("step_groups", groups.len() as f64),
        ],
        pairs: None,
        spread: Some((advantages, output.ratio)),
    })
}
