//! Warnings in words while alignment goes on: a reward that only the reward model sees, sinking legality, pairs
//! without a margin, a policy that has left its reference or writes one code over and over.
//!
//! Each rule states its numbers, and each is said once per run.

use std::collections::BTreeSet;

use super::alignment_probe::{Change, ProbePoint};

/// Legality may fall to this share of what it was.
const LEAST_LEGALITY: f64 = 0.9;
/// Nats per code by which the policy may differ from the generator before alignment.
const MOST_DIVERGENCE: f64 = 0.5;
/// Share of all generated items that may begin with one code, unless it was so from the beginning.
const MOST_OF_ONE_CODE: f64 = 0.3;
/// How many times more often than before one code may come.
const MOST_GROWTH_OF_ONE_CODE: f64 = 2.0;
/// The first level's entropy may fall to this share of what it was.
const LEAST_ENTROPY: f64 = 0.5;
/// Rewards of chosen and rejected slates that lie closer than this are no preference.
const LEAST_GAP: f64 = 0.01;

/// Something that the user should know, with the setting to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Which rule found it.
    pub rule: Rule,
    /// What was seen, with its numbers.
    pub text: String,
    /// What to change.
    pub hint: &'static str,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The reward rises while the judge falls.
    JudgeFalls,
    /// The reward rises while true utility falls.
    UtilityFalls,
    /// The reward rises while fewer held-out items are found.
    HitsFall,
    /// Freely written IDs belong to an item less often.
    LegalitySinks,
    /// The policy is far from the generator before alignment.
    LeftReference,
    /// One code fills the slates.
    OneCode,
    /// Predictions become certain.
    EntropyCollapses,
    /// Chosen and rejected slates have the same reward.
    NoMargin,
}

/// What was already said.
#[derive(Debug, Default)]
pub struct AlignmentWatch {
    told: BTreeSet<Rule>,
}

impl AlignmentWatch {
    /// The warnings that a probe after `step` steps gives for the first time.
    pub fn look(&mut self, step: u64, point: &ProbePoint) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |rule, text: String, hint| warnings.push(Warning { rule, text, hint });
        let only_reward = "the policy may exploit the reward model: lower align.lambda or align.learning_rate, raise align.beta, or \
             train the reward model on more slates";
        if point.reward.has_risen() {
            let others = [
                (Rule::JudgeFalls, "the judge's reward", Some(point.judge)),
                (Rule::UtilityFalls, "true utility", point.utility),
                (Rule::HitsFall, "HR@50", Some(point.hr_at_50)),
            ];
            for (rule, what, change) in others {
                if let Some(change) = change.filter(Change::has_fallen) {
                    let text = format!(
                        "after {step} steps the reward rose from {:.4} to {:.4} while {what} fell from {:.4} to {:.4}, \
                         both beyond the 95% interval within users",
                        point.reward.before, point.reward.now, change.before, change.now
                    );
                    warn(rule, text, only_reward);
                }
            }
        }
        let legality = point.legality;
        if legality.has_fallen() && legality.now < LEAST_LEGALITY * legality.before {
            let text = format!(
                "after {step} steps {:.1}% of freely written semantic IDs belong to an item, before {:.1}%: negative \
                 advantages squeeze probability out of legal IDs",
                100.0 * legality.now,
                100.0 * legality.before
            );
            let hint = "set align.format_weight above 0, or lower align.learning_rate";
            warn(Rule::LegalitySinks, text, hint);
        }
        if point.divergence > MOST_DIVERGENCE {
            let text = format!(
                "after {step} steps the policy differs from the generator before alignment by {:.2} nats per code, more \
                 than {MOST_DIVERGENCE}",
                point.divergence
            );
            let hint = "lower align.learning_rate, raise align.beta or align.kl_weight, or take fewer steps";
            warn(Rule::LeftReference, text, hint);
        }
        let (code, before, now) = point.top_code;
        if now > MOST_OF_ONE_CODE && now > MOST_GROWTH_OF_ONE_CODE * before {
            let text = format!(
                "after {step} steps {:.1}% of the generated items begin with code {code}, before {:.1}%: the reward \
                 may hang on that code alone",
                100.0 * now,
                100.0 * before
            );
            warn(Rule::OneCode, text, only_reward);
        }
        if let (Some(now), Some(before)) = (point.entropy.first(), point.entropy_before.first())
            && *now < LEAST_ENTROPY * before
        {
            let text = format!(
                "after {step} steps the entropy of the first code is {now:.2} nats, before {before:.2}: the policy \
                 writes the same things for everyone"
            );
            let hint = "lower align.learning_rate, or choose ECPO or GBPO as align.objective";
            warn(Rule::EntropyCollapses, text, hint);
        }
        self.first_time(warnings)
    }

    /// The warning that a step's pairs give for the first time. `gap` is the mean difference of the rewards of chosen
    /// and rejected slates.
    pub fn look_at_pairs(&mut self, step: u64, gap: f64) -> Vec<Warning> {
        if gap >= LEAST_GAP {
            return Vec::new();
        }
        let text = format!(
            "after {step} steps chosen and rejected slates differ by a reward of {gap:.4} on average, less than {LEAST_GAP}"
        );
        self.first_time(vec![Warning {
            rule: Rule::NoMargin,
            text,
            hint: "raise align.n_candidates, or let align.search sample, so that candidates differ more",
        }])
    }

    fn first_time(&mut self, warnings: Vec<Warning>) -> Vec<Warning> {
        warnings
            .into_iter()
            .filter(|warning| self.told.insert(warning.rule))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: f64, now: f64) -> Change {
        Change {
            before,
            now,
            half_width: 0.01,
        }
    }

    fn healthy() -> ProbePoint {
        ProbePoint {
            reward: change(0.3, 0.4),
            judge: change(0.3, 0.35),
            utility: Some(change(3.0, 3.5)),
            hr_at_1: change(0.1, 0.1),
            hr_at_50: change(0.4, 0.4),
            legality: change(0.9, 0.9),
            entropy: vec![4.0, 2.0],
            entropy_before: vec![4.1, 2.1],
            divergence: 0.1,
            top_code: (7, 0.1, 0.15),
        }
    }

    #[track_caller]
    fn rules(point: &ProbePoint) -> Vec<Rule> {
        let found = AlignmentWatch::default().look(10, point);
        found.iter().map(|warning| warning.rule).collect()
    }

    #[test]
    fn nothing_is_said_of_a_healthy_alignment() {
        assert!(rules(&healthy()).is_empty());
    }

    #[test]
    fn a_reward_that_nobody_shares_is_called_out_once() {
        let point = ProbePoint {
            judge: change(0.3, 0.28),
            utility: Some(change(3.0, 2.5)),
            hr_at_50: change(0.4, 0.3),
            ..healthy()
        };
        assert_eq!(
            rules(&point),
            [Rule::JudgeFalls, Rule::UtilityFalls, Rule::HitsFall]
        );
        let mut watch = AlignmentWatch::default();
        let first = watch.look(20, &point);
        assert!(
            first[0].text.contains("0.3000 to 0.4000") && first[0].text.contains("0.2800"),
            "{}",
            first[0].text
        );
        assert!(watch.look(30, &point).is_empty(), "said before");
        // A fall within chance is none, and so is one without a rise.
        let within = ProbePoint {
            judge: change(0.3, 0.295),
            ..healthy()
        };
        assert!(rules(&within).is_empty());
        let without = ProbePoint {
            reward: change(0.3, 0.3),
            judge: change(0.3, 0.2),
            ..healthy()
        };
        assert!(rules(&without).is_empty());
    }

    #[test]
    fn squeezing_distance_one_code_and_certainty_are_called_out() {
        let squeezed = ProbePoint {
            legality: change(0.9, 0.7),
            ..healthy()
        };
        assert_eq!(rules(&squeezed), [Rule::LegalitySinks]);
        let far = ProbePoint {
            divergence: 0.6,
            ..healthy()
        };
        assert_eq!(rules(&far), [Rule::LeftReference]);
        let hacked = ProbePoint {
            top_code: (7, 0.1, 0.45),
            ..healthy()
        };
        assert_eq!(rules(&hacked), [Rule::OneCode]);
        let always_so = ProbePoint {
            top_code: (7, 0.4, 0.45),
            ..healthy()
        };
        assert!(rules(&always_so).is_empty());
        let certain = ProbePoint {
            entropy: vec![1.5, 2.0],
            ..healthy()
        };
        assert_eq!(rules(&certain), [Rule::EntropyCollapses]);
    }

    #[test]
    fn pairs_without_a_margin_are_called_out() {
        let mut watch = AlignmentWatch::default();
        assert!(watch.look_at_pairs(1, 0.02).is_empty());
        assert_eq!(watch.look_at_pairs(2, 0.004)[0].rule, Rule::NoMargin);
        assert!(watch.look_at_pairs(3, 0.004).is_empty());
    }
}
