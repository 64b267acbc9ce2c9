//! The charts that we know how to explain: which metrics they hold, what they mean and how to read them.

use std::f64::consts::LN_2;

use crate::app::widgets::{Goal, level_letter};
use crate::engine::event::Stage;

/// A chart we know how to explain; the fields are those of [`ChartModel`](super::view_model::ChartModel).
pub(in crate::app::panes) struct Spec {
    pub stage: Stage,
    pub title: &'static str,
    pub tip: &'static str,
    pub unit: &'static str,
    /// The legend of a metric by its name in the events; `None` where it belongs elsewhere.
    pub legend: fn(&str) -> Option<String>,
    pub goal: Goal,
    pub references: &'static [(&'static str, f64)],
    pub note: &'static str,
}

/// The charts of training, in order.
pub(in crate::app::panes) const SPECS: [Spec; 21] = [
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining loss",
        tip: "Mean negative log-probability per code of the target sessions, in nats. Held out: the same over the last \
              learnable event of some users, which is not trained on.",
        unit: "nats per code",
        legend: |name| {
            only(name, "loss", "training").or_else(|| only(name, "validation_loss", "held out"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining loss per level",
        tip: "The same loss for the codes of each level. A model without knowledge has ln K.",
        unit: "nats per code",
        legend: level_legend,
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Learning rate",
        tip: "Linear warm-up, then cosine decay.",
        unit: "",
        legend: |name| only(name, "learning_rate", "learning rate"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Pretraining speed",
        tip: "Target codes per second of wall time, since the point before.",
        unit: "codes per second",
        legend: |name| only(name, "tokens_per_second", "tokens per second"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Pretrain,
        title: "Padding",
        tip: "Share of the history's places in a batch that are padding, mean since the point before.",
        unit: "",
        legend: |name| only(name, "padding_frac", "padding"),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Reward model loss",
        tip: "Binary cross-entropy summed over the heads, for the model that alignment uses and for the judge.",
        unit: "nats",
        legend: |name| {
            only(name, "loss", "reward model").or_else(|| only(name, "judge_loss", "judge"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Reward model loss per head",
        tip: "Binary cross-entropy of each head of the model that alignment uses.",
        unit: "nats",
        legend: |name| name.strip_prefix("loss_").map(str::to_owned),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Reward,
        title: "Judge loss per head",
        tip: "Binary cross-entropy of each head of the judge, which is trained on other users.",
        unit: "nats",
        legend: |name| name.strip_prefix("judge_loss_").map(str::to_owned),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Alignment loss",
        tip: "Next-token loss plus lambda times the preference loss of the samples that have a preference pair.",
        unit: "nats",
        legend: |name| {
            only(name, "loss", "total").or_else(|| only(name, "next_token_loss", "next token"))
        },
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "DPO loss",
        tip: "-ln sigmoid(margin) of the preference pairs.",
        unit: "nats",
        legend: |name| only(name, "dpo_loss", "DPO loss"),
        goal: Goal::Lowest,
        references: &[("ln 2", LN_2)],
        note: "At ln 2 the policy does not yet tell the pair apart better than its reference; every new \
               reference starts there again.",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference loss",
        tip: "The objective's loss of the preference pairs; where it starts depends on the objective.",
        unit: "nats",
        legend: |name| only(name, "preference_loss", "preference loss"),
        goal: Goal::Lowest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference margin",
        tip: "What the objective widens between chosen and rejected slate. For DPO: \
              beta x [(ln p - ln p_ref) of the chosen slate - the same of the rejected one].",
        unit: "nats",
        legend: |name| only(name, "margin", "margin"),
        goal: Goal::Highest,
        references: &[("no preference", 0.0)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference accuracy",
        tip: "Share of the pairs whose margin is positive.",
        unit: "",
        legend: |name| only(name, "accuracy", "accuracy"),
        goal: Goal::Highest,
        references: &[("chance", 0.5)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Log-probability of the pairs",
        tip: "Mean log-probability of the chosen and of the rejected slates under the policy.",
        unit: "nats",
        legend: |name| {
            only(name, "chosen_log_prob", "chosen")
                .or_else(|| only(name, "rejected_log_prob", "rejected"))
        },
        goal: Goal::None,
        references: &[],
        note: "Both may fall while the margin rises: DPO only asks for the distance between them. \
               A chosen line that falls much faster than the loss improves calls for a smaller learning rate.",
    },
    Spec {
        stage: Stage::Align,
        title: "Reward gap of the pairs",
        tip: "Reward of the chosen slate minus that of the rejected one, mean over the pairs of the step.",
        unit: "",
        legend: |name| only(name, "reward_gap", "reward gap"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Policy loss",
        tip: "Minus the objective of the policy gradient, mean over the codes or slates of all groups. \
              Its value means little; its course shows whether steps still change anything.",
        unit: "",
        legend: |name| only(name, "policy_loss", "policy loss"),
        goal: Goal::None,
        references: &[("frozen copy", 0.0)],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Reward of the rollouts",
        tip: "Mean reward of the slates that the frozen copy generated for this step.",
        unit: "",
        legend: |name| only(name, "rollout_reward", "reward"),
        goal: Goal::Highest,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Distance to the frozen copy",
        tip: "Mean over codes or slates of pi_old/pi - ln(pi_old/pi) - 1, an estimate of the KL divergence.",
        unit: "nats",
        legend: |name| only(name, "kl", "KL"),
        goal: Goal::None,
        references: &[],
        note: "It starts at 0 with every iteration. A steep rise means that the policy leaves what generated its \
               examples: lower the learning rate or take fewer steps per iteration.",
    },
    Spec {
        stage: Stage::Align,
        title: "Ratios outside the clip range",
        tip: "Share of the ratios pi / pi_old (raised as the objective says) outside 1 - clip to 1 + clip.",
        unit: "",
        legend: |name| only(name, "ratio_outside", "outside"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Preference pairs per step",
        tip: "Sessions of the step that got a preference pair.",
        unit: "pairs",
        legend: |name| only(name, "step_pairs", "pairs"),
        goal: Goal::None,
        references: &[],
        note: "",
    },
    Spec {
        stage: Stage::Align,
        title: "Marked pairs",
        tip: "Pairs that were left out or turned round since the point before, because they are marked so.",
        unit: "pairs",
        legend: |name| {
            only(name, "pairs_left_out", "left out")
                .or_else(|| only(name, "pairs_turned", "turned round"))
        },
        goal: Goal::None,
        references: &[],
        note: "",
    },
];

pub(super) fn only(name: &str, wanted: &str, legend: &str) -> Option<String> {
    (name == wanted).then(|| legend.to_owned())
}

/// `loss_level_1` is the loss of level a.
fn level_legend(name: &str) -> Option<String> {
    let number: usize = name.strip_prefix("loss_level_")?.parse().ok()?;
    Some(format!("level {}", level_letter(number.checked_sub(1)?)))
}
