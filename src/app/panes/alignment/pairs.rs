//! The preference pairs of a run as rows that can be filtered, and what both models and the judge say of one.

use crate::app::state::RunStore;
use crate::app::widgets::number::{signed, significant};
use crate::engine::event::{PairSlate, ShownPair};
use crate::engine::run::pair_marks::{PairMark, PairMarks, PairVerdict};

/// One pair of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct PairRow<'a> {
    /// The step that learned from it.
    pub step: u64,
    /// The pair.
    pub pair: &'a ShownPair,
    /// The user's mark on it.
    pub mark: Option<&'a PairMark>,
}

impl PairRow<'_> {
    /// Reward of the chosen slate minus that of the worst.
    pub(super) fn reward_gap(&self) -> f64 {
        self.pair.chosen.reward - self.worst().map_or(f64::NAN, |slate| slate.reward)
    }

    /// The same by the judge.
    pub(super) fn judge_gap(&self) -> f64 {
        self.pair.chosen.judge_reward - self.worst().map_or(f64::NAN, |slate| slate.judge_reward)
    }

    /// How much more the policy prefers the chosen slate than the reference does, before the step, nats.
    pub(super) fn gained_preference(&self) -> f64 {
        let gained = |slate: &PairSlate| slate.log_prob - slate.reference_log_prob;
        gained(&self.pair.chosen) - self.worst().map_or(f64::NAN, gained)
    }

    fn worst(&self) -> Option<&PairSlate> {
        self.pair.rejected.first()
    }

    /// The texts of the table's columns: step, user, mark, reward gap, judge gap, gained preference.
    pub(super) fn cells(&self) -> [String; 6] {
        let mark = self.mark.map_or("", |mark| verdict_name(mark.verdict));
        [
            self.step.to_string(),
            self.pair.user.clone(),
            mark.to_owned(),
            signed(self.reward_gap(), 3),
            signed(self.judge_gap(), 3),
            signed(self.gained_preference(), 3),
        ]
    }
}

/// What is asked of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PairFilter {
    /// Words of a user, an item's title or identifier.
    pub text: String,
    /// Only pairs that the judge sees the other way round.
    pub is_disputed: bool,
    /// Only pairs with such a mark.
    pub marks: MarkFilter,
}

/// Which marks are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MarkFilter {
    /// Any or none.
    #[default]
    All,
    /// None.
    Unmarked,
    /// This one.
    Marked(PairVerdict),
}

impl MarkFilter {
    pub(super) const ALL: [Self; 4] = [
        Self::All,
        Self::Unmarked,
        Self::Marked(PairVerdict::LeaveOut),
        Self::Marked(PairVerdict::TurnRound),
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::All => "all pairs",
            Self::Unmarked => "unmarked",
            Self::Marked(verdict) => verdict_name(verdict),
        }
    }

    fn takes(self, mark: Option<&PairMark>) -> bool {
        match self {
            Self::All => true,
            Self::Unmarked => mark.is_none(),
            Self::Marked(verdict) => mark.is_some_and(|mark| mark.verdict == verdict),
        }
    }
}

/// What becomes of a pair, in words.
pub(super) const fn verdict_name(verdict: PairVerdict) -> &'static str {
    match verdict {
        PairVerdict::LeaveOut => "left out",
        PairVerdict::TurnRound => "turned round",
    }
}

/// Why there are no pairs.
pub(super) fn absence(run: &RunStore) -> &'static str {
    let learns_from_pairs = run
        .config
        .as_ref()
        .is_none_or(|config| config.align.objective.learns_from_pairs());
    if learns_from_pairs {
        "No pair yet."
    } else {
        "This objective learns from whole groups of slates, not from pairs."
    }
}

/// The pairs that answer the filter, newest first.
pub(super) fn rows<'a>(run: &'a RunStore, filter: &PairFilter) -> Vec<PairRow<'a>> {
    let words = filter.text.trim().to_lowercase();
    run.pairs
        .iter()
        .rev()
        .flat_map(|learned| {
            learned.pairs.iter().map(|pair| PairRow {
                step: learned.step,
                pair,
                mark: mark_of(&run.pair_marks, pair),
            })
        })
        .filter(|row| words.is_empty() || has_words(row.pair, &words))
        .filter(|row| !filter.is_disputed || row.judge_gap() < 0.0)
        .filter(|row| filter.marks.takes(row.mark))
        .collect()
}

/// The mark on a pair. A user has few marks, so that names are made for few pairs only.
fn mark_of<'a>(marks: &'a PairMarks, pair: &ShownPair) -> Option<&'a PairMark> {
    let has_marks = marks.all().iter().any(|mark| mark.pair.user == pair.user);
    has_marks.then(|| marks.of(&pair.key())).flatten()
}

fn has_words(pair: &ShownPair, words: &str) -> bool {
    let slates = std::iter::once(&pair.chosen).chain(&pair.rejected);
    pair.user.to_lowercase().contains(words)
        || slates.flat_map(|slate| &slate.items).any(|item| {
            item.title.to_lowercase().contains(words) || item.external_id.contains(words)
        })
}

/// The scores of one side: name, text, meaning.
pub(super) fn scores(slate: &PairSlate) -> Vec<(&'static str, String, &'static str)> {
    let mut scores = vec![
        (
            "Reward",
            significant(slate.reward, 4),
            "What decided between the slates.",
        ),
        (
            "Judge",
            significant(slate.judge_reward, 4),
            "The reward of a second model, trained on other users and not used for alignment.",
        ),
    ];
    if let Some(oracle) = slate.oracle {
        scores.push((
            "True utility",
            significant(oracle, 4),
            "What the slate is really worth to this user, by the simulator that made the data.",
        ));
    }
    scores.extend([
        (
            "ln p, policy",
            significant(slate.log_prob, 4),
            "Log-probability of the slate's codes under the policy before the step.",
        ),
        (
            "ln p, reference",
            significant(slate.reference_log_prob, 4),
            "The same under the frozen copy that wrote the slate.",
        ),
        (
            "Gained",
            signed(slate.log_prob - slate.reference_log_prob, 3),
            "ln p of the policy - ln p of the reference; times beta it is DPO's implied reward. It may fall for both \
             slates: DPO only asks for the distance between them.",
        ),
    ]);
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{PreferencePairs, SlateItem};

    fn slate(title: &str, reward: f64, judge_reward: f64, log_prob: f64) -> PairSlate {
        PairSlate {
            items: vec![SlateItem {
                item_idx: 0,
                external_id: "17".into(),
                title: title.into(),
                codes: vec![1, 2],
            }],
            log_prob,
            reference_log_prob: -5.0,
            reward,
            judge_reward,
            oracle: None,
        }
    }

    fn run() -> RunStore {
        let pair = |user: &str, title: &str, judge: f64| ShownPair {
            user: user.into(),
            history: Vec::new(),
            chosen: slate(title, 0.75, judge, -4.0),
            rejected: vec![slate("other", 0.25, 0.5, -6.0)],
            is_turned: false,
        };
        let mut run = RunStore::default();
        run.pairs = vec![
            PreferencePairs {
                step: 1,
                pairs: vec![pair("u1", "red shoe", 0.75)],
            },
            PreferencePairs {
                step: 2,
                pairs: vec![pair("u2", "blue hat", 0.25), pair("u3", "red hat", 0.75)],
            },
        ];
        run
    }

    fn users(filter: &PairFilter) -> Vec<String> {
        rows(&run(), filter)
            .iter()
            .map(|row| row.pair.user.clone())
            .collect()
    }

    #[test]
    fn the_newest_come_first_and_words_narrow() {
        assert_eq!(users(&PairFilter::default()), ["u2", "u3", "u1"]);
        let words = |text: &str| PairFilter {
            text: text.into(),
            ..PairFilter::default()
        };
        assert_eq!(users(&words("RED")), ["u3", "u1"]);
        assert_eq!(users(&words("u2")), ["u2"]);
        let disputed = PairFilter {
            is_disputed: true,
            ..PairFilter::default()
        };
        assert_eq!(users(&disputed), ["u2"]);
    }

    #[test]
    fn marks_stand_beside_their_pairs_and_are_filtered_for() {
        let mut run = run();
        let pair = run.pairs[1].pairs[0].key();
        run.pair_marks.set(PairMark {
            pair,
            verdict: PairVerdict::LeaveOut,
            note: String::new(),
        });
        let found = |marks| -> Vec<String> {
            let filter = PairFilter {
                marks,
                ..PairFilter::default()
            };
            let rows = rows(&run, &filter);
            rows.iter().map(|row| row.cells()[1..3].join(" ")).collect()
        };
        assert_eq!(found(MarkFilter::All), ["u2 left out", "u3 ", "u1 "]);
        assert_eq!(found(MarkFilter::Unmarked), ["u3 ", "u1 "]);
        assert_eq!(
            found(MarkFilter::Marked(PairVerdict::LeaveOut)),
            ["u2 left out"]
        );
        assert!(found(MarkFilter::Marked(PairVerdict::TurnRound)).is_empty());
    }

    #[test]
    fn gaps_and_gains_by_hand() {
        let run = run();
        let rows = rows(&run, &PairFilter::default());
        assert_eq!(
            rows[0].cells(),
            ["2", "u2", "", "+0.500", "-0.250", "+2.00"].map(str::to_owned)
        );
        let scores = scores(&rows[0].pair.chosen);
        assert_eq!(scores.last().unwrap().1, "+1.00");
        assert_eq!(scores.len(), 5);
    }
}
