//! Warnings in words while alignment goes on: a reward that only the reward model sees, sinking legality, pairs
//! without a margin, a policy that has left its reference or writes one code over and over.
//!
//! Each rule states its numbers, and each is said once per run. A probe measures some hundred users, and there are many
//! probes: a rule must be broken in two of them in a row, so that one unlucky probe says nothing.

use std::collections::{BTreeSet, VecDeque};

use super::alignment_probe::{Change, ProbePoint};
use super::code_use::LevelUse;

/// Legality may fall to this share of what it was.
const LEAST_LEGALITY: f64 = 0.9;
/// Nats per code by which the policy may differ from the generator before alignment.
const MOST_DIVERGENCE: f64 = 0.5;
/// Share of the reward's rise that the judge must confirm.
const LEAST_CONFIRMED: f64 = 0.5;
/// Share of all generated items that may hold one code, unless it was so from the beginning.
const MOST_OF_ONE_CODE: f64 = 0.3;
/// How many times more often than before one code may come.
const MOST_GROWTH_OF_ONE_CODE: f64 = 2.0;
/// A code that has grown so much is named beside other warnings from this share of all generated items on.
const NAMED_FROM: f64 = 0.05;
/// The first level's entropy may fall to this share of what it was.
const LEAST_ENTROPY: f64 = 0.5;
/// Rewards of chosen and rejected slates that lie closer than this are no preference.
const LEAST_GAP: f64 = 0.01;
/// Logged steps over which that distance is a mean: the pairs of one step are few.
const GAP_STEPS: usize = 10;

/// What to do where the reward rises alone.
const EXPLOITED: &str = "the policy may exploit the reward model: lower align.lambda or align.learning_rate, raise \
     align.beta, or train the reward model on more slates";

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
    /// The judge confirms too little of the reward's rise.
    JudgeUnmoved,
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
    /// The rules that the last probe found broken.
    suspected: BTreeSet<Rule>,
    /// The rewards' distances of the last logged steps, oldest first.
    gaps: VecDeque<f64>,
}

impl AlignmentWatch {
    /// What is wrong after `step` steps as it was at the probe before, and was not said yet.
    pub fn look(&mut self, step: u64, point: &ProbePoint) -> Vec<Warning> {
        let when = format!("After {step} steps, as at the probe before,");
        let grown = grown_code(point);
        let mut warnings = lonely_rise(&when, point, grown);
        warnings.extend(strange_policy(&when, point, grown));
        let before = std::mem::take(&mut self.suspected);
        self.suspected = warnings.iter().map(|warning| warning.rule).collect();
        warnings.retain(|warning| before.contains(&warning.rule));
        self.first_time(warnings)
    }

    /// The warning that the pairs of the last logged steps give for the first time. `gap` is the mean difference of the
    /// rewards of chosen and rejected slates in the newest of them.
    pub fn look_at_pairs(&mut self, step: u64, gap: f64) -> Vec<Warning> {
        self.gaps.push_back(gap);
        if self.gaps.len() > GAP_STEPS {
            self.gaps.pop_front();
        }
        let mean = self.gaps.iter().sum::<f64>() / self.gaps.len() as f64;
        if self.gaps.len() < GAP_STEPS || mean >= LEAST_GAP {
            return Vec::new();
        }
        let text = format!(
            "in {GAP_STEPS} logged steps up to step {step} chosen and rejected slates differ by a reward of {mean:.4} on \
             average, less than {LEAST_GAP}"
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

/// What is wrong with a reward that rises while others fall or stay where they were.
fn lonely_rise(when: &str, point: &ProbePoint, grown: Option<(usize, &LevelUse)>) -> Vec<Warning> {
    let (reward, judge) = (point.reward, point.judge);
    if !reward.has_risen() {
        return Vec::new();
    }
    let rose = format!(
        "{when} the reward rose from {:.4} to {:.4}",
        reward.before, reward.now
    );
    let filled = grown.map_or_else(String::new, |(level_idx, of)| {
        format!("; {}", code_growth(level_idx, of))
    });
    let less_found = "what users really went on to is found less often: lower align.lambda or align.learning_rate, or \
         take fewer steps";
    let others = [
        (Rule::JudgeFalls, "the judge's reward", Some(judge)),
        (Rule::UtilityFalls, "true utility", point.utility),
        (Rule::HitsFall, "HR@50", Some(point.hr_at_50)),
    ];
    let mut warnings = Vec::new();
    for (rule, what, change) in others {
        if let Some(change) = change.filter(Change::has_fallen) {
            warnings.push(Warning {
                rule,
                text: format!(
                    "{rose} while {what} fell from {:.4} to {:.4}, both beyond the 95% interval within users{filled}",
                    change.before, change.now
                ),
                hint: if rule == Rule::HitsFall {
                    less_found
                } else {
                    EXPLOITED
                },
            });
        }
    }
    let at_most = judge.now - judge.before + judge.half_width;
    if !judge.has_fallen() && at_most < LEAST_CONFIRMED * (reward.now - reward.before) {
        warnings.push(Warning {
            rule: Rule::JudgeUnmoved,
            text: format!(
                "{rose}, beyond its 95% interval, and the judge's from {:.4} to {:.4}, by {at_most:+.4} at the most: it \
                 confirms less than {:.0}% of the rise{filled}",
                judge.before,
                judge.now,
                100.0 * LEAST_CONFIRMED
            ),
            hint: EXPLOITED,
        });
    }
    warnings
}

/// What is wrong with the policy itself, whatever its reward.
fn strange_policy(
    when: &str,
    point: &ProbePoint,
    grown: Option<(usize, &LevelUse)>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |rule, text: String, hint| warnings.push(Warning { rule, text, hint });
    let sinks = |legality: &Change| {
        legality.has_fallen() && legality.now < LEAST_LEGALITY * legality.before
    };
    let free_ids = [
        ("freely drawn", point.legality),
        ("the likeliest freely written", point.beam_legality),
    ];
    if let Some((which, legality)) = free_ids.iter().find(|(_, legality)| sinks(legality)) {
        let text = format!(
            "{when} {:.1}% of {which} semantic IDs belong to an item, before {:.1}%: negative advantages \
             squeeze probability out of legal IDs",
            100.0 * legality.now,
            100.0 * legality.before
        );
        let hint = "set align.format_weight above 0, or lower align.learning_rate";
        warn(Rule::LegalitySinks, text, hint);
    }
    if point.divergence > MOST_DIVERGENCE {
        let text = format!(
            "{when} the policy differs from the generator before alignment by {:.2} nats per code, more than \
             {MOST_DIVERGENCE}",
            point.divergence
        );
        let hint =
            "lower align.learning_rate, raise align.beta or align.kl_weight, or take fewer steps";
        warn(Rule::LeftReference, text, hint);
    }
    if let Some((level_idx, of)) = grown.filter(|(_, of)| of.risen_share.now > MOST_OF_ONE_CODE) {
        let text = format!(
            "{when} {}: the reward may hang on that code alone",
            code_growth(level_idx, of)
        );
        warn(Rule::OneCode, text, EXPLOITED);
    }
    if let (Some(now), Some(before)) = (point.entropy.first(), point.entropy_before.first())
        && *now < LEAST_ENTROPY * before
    {
        let text = format!(
            "{when} the entropy of the first code is {now:.2} nats, before {before:.2}: the policy writes the same \
             things for everyone"
        );
        let hint = "lower align.learning_rate, or choose ECPO or GBPO as align.objective";
        warn(Rule::EntropyCollapses, text, hint);
    }
    warnings
}

/// The first level on which one code has gained so much ground that it is named, beyond chance.
fn grown_code(point: &ProbePoint) -> Option<(usize, &LevelUse)> {
    point.levels.iter().enumerate().find(|(_, of)| {
        let share = of.risen_share;
        share.has_risen()
            && share.now >= NAMED_FROM
            && share.now > MOST_GROWTH_OF_ONE_CODE * share.before
    })
}

/// How much ground one code has gained, in words.
fn code_growth(level_idx: usize, of: &LevelUse) -> String {
    let share = of.risen_share;
    format!(
        "{:.1}% ± {:.1} of the generated items hold code {} on level {}, before {:.1}%",
        100.0 * share.now,
        100.0 * share.half_width,
        of.risen,
        level_idx + 1,
        100.0 * share.before
    )
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

    fn one_code(before: f64, now: f64) -> LevelUse {
        LevelUse {
            risen: 7,
            risen_share: change(before, now),
            ..LevelUse::default()
        }
    }

    fn healthy() -> ProbePoint {
        ProbePoint {
            reward: change(0.3, 0.4),
            judge: change(0.3, 0.36),
            utility: Some(change(3.0, 3.5)),
            hr_at_1: change(0.1, 0.1),
            hr_at_50: change(0.4, 0.4),
            legality: change(0.9, 0.9),
            beam_legality: change(0.8, 0.8),
            entropy: vec![4.0, 2.0],
            entropy_before: vec![4.1, 2.1],
            divergence: 0.1,
            levels: vec![one_code(0.03, 0.15), one_code(0.1, 0.11)],
            flagged: None,
        }
    }

    /// The probes after 10 and 20 steps find the same.
    fn look_twice(watch: &mut AlignmentWatch, point: &ProbePoint) -> Vec<Warning> {
        assert!(watch.look(10, point).is_empty(), "one probe may be unlucky");
        watch.look(20, point)
    }

    #[track_caller]
    fn rules(point: &ProbePoint) -> Vec<Rule> {
        let found = look_twice(&mut AlignmentWatch::default(), point);
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
        let first = look_twice(&mut watch, &point);
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
        assert_eq!(rules(&within), [Rule::JudgeUnmoved]);
        let without = ProbePoint {
            reward: change(0.3, 0.3),
            judge: change(0.3, 0.2),
            ..healthy()
        };
        assert!(rules(&without).is_empty());
    }

    #[test]
    fn a_rise_that_the_judge_hardly_confirms_is_called_out_with_the_code_that_fills_the_slates() {
        // A rise of .1, of which the judge confirms .03 + .01 at the most.
        let alone = ProbePoint {
            judge: change(0.3, 0.33),
            ..healthy()
        };
        assert_eq!(rules(&alone), [Rule::JudgeUnmoved]);
        let text = &look_twice(&mut AlignmentWatch::default(), &alone)[0].text;
        assert!(text.contains("from 0.3000 to 0.4000"), "{text}");
        assert!(text.contains("by +0.0400 at the most"), "{text}");
        assert!(
            text.ends_with(
                "15.0% ± 1.0 of the generated items hold code 7 on level 1, before 3.0%"
            ),
            "{text}"
        );
        let unfilled = ProbePoint {
            levels: vec![one_code(0.03, 0.045)],
            ..alone
        };
        let text = &look_twice(&mut AlignmentWatch::default(), &unfilled)[0].text;
        assert!(
            !text.contains("code 7"),
            "a code that is still rare: {text}"
        );
        // An interval that reaches half of the rise.
        let unsure = ProbePoint {
            judge: change(0.3, 0.345),
            ..healthy()
        };
        assert!(rules(&unsure).is_empty());
    }

    #[test]
    fn two_unlucky_probes_apart_are_none() {
        let bad = ProbePoint {
            hr_at_50: change(0.4, 0.3),
            ..healthy()
        };
        let mut watch = AlignmentWatch::default();
        for (step, point) in [(10, &bad), (20, &healthy()), (30, &bad)] {
            assert!(watch.look(step, point).is_empty(), "step {step}");
        }
        assert_eq!(watch.look(40, &bad)[0].rule, Rule::HitsFall);
    }

    #[test]
    fn squeezing_distance_one_code_and_certainty_are_called_out() {
        let squeezed = ProbePoint {
            legality: change(0.9, 0.7),
            ..healthy()
        };
        assert_eq!(rules(&squeezed), [Rule::LegalitySinks]);
        // A policy that writes few IDs draws legal ones more and more often.
        let narrowed = ProbePoint {
            legality: change(0.7, 0.9),
            beam_legality: change(0.99, 0.5),
            ..healthy()
        };
        assert_eq!(rules(&narrowed), [Rule::LegalitySinks]);
        let far = ProbePoint {
            divergence: 0.6,
            ..healthy()
        };
        assert_eq!(rules(&far), [Rule::LeftReference]);
        let levels = |second| vec![one_code(0.05, 0.06), second];
        let hacked = ProbePoint {
            levels: levels(one_code(0.1, 0.45)),
            ..healthy()
        };
        assert_eq!(rules(&hacked), [Rule::OneCode]);
        let text = &look_twice(&mut AlignmentWatch::default(), &hacked)[0].text;
        assert!(
            text.contains(
                "45.0% ± 1.0 of the generated items hold code 7 on level 2, before 10.0%"
            ),
            "{text}"
        );
        let always_so = ProbePoint {
            levels: levels(one_code(0.4, 0.45)),
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
        let first = |watch: &mut AlignmentWatch, gaps: &[f64]| {
            let steps = (1..).zip(gaps);
            steps
                .flat_map(|(step, gap)| watch.look_at_pairs(step, *gap))
                .next()
        };
        assert_eq!(
            first(&mut watch, &[0.0; 9]),
            None,
            "nine steps are too few to tell"
        );
        assert_eq!(
            first(&mut watch, &[0.12; 10]),
            None,
            "one good step lifts the mean above .01"
        );
        // As soon as enough of the good steps are ten steps away.
        let found = first(&mut watch, &[0.004; 12]).unwrap();
        assert_eq!(found.rule, Rule::NoMargin);
        assert!(
            found.text.contains("up to step 10") && found.text.contains("0.0040"),
            "{}",
            found.text
        );
        assert_eq!(first(&mut watch, &[0.004; 12]), None, "said before");
    }
}
