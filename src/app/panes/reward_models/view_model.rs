//! What the pane of reward models says, from their report alone.

use crate::app::widgets::ReliabilityCurve;
use crate::app::widgets::number::{count, percent, significant};
use crate::engine::run::report::{RewardHead, RewardReport};

/// AUC below which a head is said to rank like chance. 0.5 is chance itself; the rest is its noise on a few hundred slates.
const LEAST_AUC: f64 = 0.52;
/// Calibration error above which a head's probabilities are not to be taken at their word.
const MOST_ERROR: f64 = 0.05;

/// One sentence about the models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub text: String,
    /// What to do, where something is wrong.
    pub remedy: Option<String>,
}

/// The reliability of one head.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HeadCurves {
    /// For example "Like (ltr)".
    pub title: String,
    pub curves: Vec<ReliabilityCurve>,
}

/// A head by the label that it learns.
fn head_name(name: &str) -> &str {
    match name {
        "swt" => "Watch time (swt)",
        "vtr" => "View (vtr)",
        "wtr" => "Follow (wtr)",
        "ltr" => "Like (ltr)",
        other => other,
    }
}

/// What the figures say, in words: the best and the worst head, how far the oracle gets, then everything that is wrong.
pub(super) fn findings(report: &RewardReport) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ranking(&report.heads)
        .into_iter()
        .chain(beside_the_oracle(&report.heads))
        .map(|text| Finding { text, remedy: None })
        .collect();
    let both = [
        ("reward model", &report.heads),
        ("judge", &report.judge_heads),
    ];
    for (model, heads) in both {
        for head in heads.iter().filter(|head| head.weight > 0.0) {
            findings.extend(ranks_like_chance(model, head));
            findings.extend(is_badly_calibrated(model, head));
        }
    }
    findings.extend(report.heads.iter().filter_map(left_out));
    findings
}

fn ranking(heads: &[RewardHead]) -> Option<String> {
    let mut known: Vec<(&str, f64)> = heads
        .iter()
        .filter_map(|head| Some((head.name.as_str(), head.auc?)))
        .collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    let ((best, high), (worst, low)) = (known.first()?, known.last()?);
    Some(if known.len() == 1 {
        format!(
            "The reward model ranks later slates by {best} with an AUC of {high:.3}; 0.5 is chance."
        )
    } else {
        format!(
            "The reward model ranks later slates best by {best}, with an AUC of {high:.3}, and worst by {worst}, with \
             {low:.3}; 0.5 is chance."
        )
    })
}

fn beside_the_oracle(heads: &[RewardHead]) -> Option<String> {
    let known = || heads.iter().filter_map(|head| head.oracle_auc);
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), auc| {
        (low.min(auc.oracle), high.max(auc.oracle))
    });
    let slates = known().map(|auc| auc.slates).max()?;
    let ways = || heads.iter().filter_map(way);
    let (least, most) = (ways().reduce(f64::min)?, ways().reduce(f64::max)?);
    Some(format!(
        "What users do is partly chance: the simulator's own probabilities reach {low:.3} to {high:.3} on {} slates of this \
         log. The model comes {} to {} of the way there from chance.",
        count(slates),
        percent(least),
        percent(most)
    ))
}

/// How far a head is on the way from chance to the oracle.
fn way(head: &RewardHead) -> Option<f64> {
    let auc = head.oracle_auc?;
    (auc.oracle > 0.5).then(|| ((auc.model - 0.5) / (auc.oracle - 0.5)).max(0.0))
}

fn ranks_like_chance(model: &str, head: &RewardHead) -> Option<Finding> {
    let auc = head.auc.filter(|auc| *auc < LEAST_AUC)?;
    Some(Finding {
        text: format!(
            "The {model}'s {} ranks later slates hardly better than chance: AUC {auc:.3}, less than {LEAST_AUC}.",
            head.name
        ),
        remedy: Some(
            "raise reward.steps, use a log with more feedback, or set its weight in reward.weights to 0: it adds noise to \
             the reward"
                .to_owned(),
        ),
    })
}

fn is_badly_calibrated(model: &str, head: &RewardHead) -> Option<Finding> {
    let (predicted, observed) = head.calibration;
    (head.calibration_error > MOST_ERROR).then(|| Finding {
        text: format!(
            "The {model}'s {} is not to be taken at its word: it predicts {} on average where {} was observed, and its calibration \
             error is {}, more than {MOST_ERROR}.",
            head.name,
            significant(predicted, 3),
            significant(observed, 3),
            significant(head.calibration_error, 3)
        ),
        remedy: Some(
            "later days may differ from those it learned; its order can still be right, see AUC"
                .to_owned(),
        ),
    })
}

fn left_out(head: &RewardHead) -> Option<Finding> {
    (head.weight <= 0.0).then(|| Finding {
        text: format!(
            "{} is left out of the reward, with {} positive impressions to learn from.",
            head.name,
            count(head.positives)
        ),
        remedy: Some(
            "to learn it all the same, lower reward.min_positives, or raise its weight in reward.weights where that is 0"
                .to_owned(),
        ),
    })
}

/// One kind of figure for every head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FigureRow {
    pub name: &'static str,
    /// What it means and by which formula.
    pub tip: &'static str,
    pub values: Vec<String>,
}

/// The names of the heads, as they stand over the figures.
pub(super) fn head_names(heads: &[RewardHead]) -> Vec<String> {
    let names = heads.iter().map(|head| head_name(&head.name).to_owned());
    names.collect()
}

/// The figures of one model, a value per head. The oracle has rows where there is one.
pub(super) fn figures(heads: &[RewardHead]) -> Vec<FigureRow> {
    let row = |name, tip, value: &dyn Fn(&RewardHead) -> Option<String>| {
        let values = heads.iter().map(value);
        FigureRow {
            name,
            tip,
            values: values
                .map(|text| text.unwrap_or_else(|| "-".to_owned()))
                .collect(),
        }
    };
    let share = |value: f64| format!("{value:.3}");
    let of_trained = |head: &RewardHead, value: f64| (head.weight > 0.0).then(|| share(value));
    let mut rows = vec![
        row(
            "AUC",
            "Of two later slates with different labels, how often the better one is scored higher. 0.5 is chance, 1 is best.",
            &|head| head.auc.map(share),
        ),
        row(
            "AUC within users",
            "The same over slates of one user, averaged over users by their number of slates: GAUC.",
            &|head| head.gauc.map(share),
        ),
    ];
    if heads.iter().any(|head| head.oracle_auc.is_some()) {
        rows.extend([
            row(
                "Oracle's AUC",
                "Of the simulator's own probabilities, over the slates of each user's last request with a view; the rest is \
                 chance.",
                &|head| head.oracle_auc.map(|auc| share(auc.oracle)),
            ),
            row(
                "Way to the oracle",
                "(model's AUC - 0.5) / (oracle's AUC - 0.5), over those slates.",
                &|head| way(head).map(percent),
            ),
        ]);
    }
    rows.extend([
        row("Mean prediction", "Over later slates.", &|head| {
            of_trained(head, head.calibration.0)
        }),
        row("Mean label", "Over the same slates.", &|head| {
            Some(share(head.calibration.1))
        }),
        row(
            "Calibration error",
            "Sum over ten bins of n / N |mean prediction - mean label|. 0 is best.",
            &|head| of_trained(head, head.calibration_error),
        ),
        row(
            "Positives",
            "Impressions with this feedback that it learned from; watch time is a rank, which none has or lacks.",
            &|head| (head.name != "swt").then(|| count(head.positives)),
        ),
        row(
            "Weight",
            "In the scalar reward; 0 leaves the head out.",
            &|head| Some(significant(head.weight, 3)),
        ),
    ]);
    rows
}

/// Reliability of every head that was trained, of both models.
pub(super) fn curves(report: &RewardReport) -> Vec<HeadCurves> {
    let trained = report
        .heads
        .iter()
        .filter(|head| !head.reliability.is_empty());
    trained
        .map(|head| {
            let judge = report
                .judge_heads
                .iter()
                .find(|other| other.name == head.name);
            let both = [("reward model", Some(head)), ("judge", judge)];
            HeadCurves {
                title: head_name(&head.name).to_owned(),
                curves: both
                    .into_iter()
                    .filter_map(|(name, head)| {
                        let bins = &head?.reliability;
                        Some(ReliabilityCurve {
                            name,
                            bins: bins
                                .iter()
                                .map(|bin| (bin.predicted, bin.observed, bin.n))
                                .collect(),
                        })
                    })
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::calibration::ReliabilityBin;
    use crate::engine::eval::oracle_auc::OracleAuc;

    fn head(name: &str, auc: f64) -> RewardHead {
        RewardHead {
            name: name.to_owned(),
            positives: 1234,
            auc: Some(auc),
            weight: 1.0,
            calibration: (0.31, 0.3),
            gauc: Some(auc - 0.01),
            calibration_error: 0.012,
            ..RewardHead::default()
        }
    }

    fn texts(report: &RewardReport) -> Vec<String> {
        let findings = findings(report).into_iter();
        findings.map(|finding| finding.text).collect()
    }

    #[test]
    fn the_best_and_the_worst_head_are_named() {
        let report = RewardReport {
            heads: vec![head("swt", 0.69), head("vtr", 0.59)],
            ..RewardReport::default()
        };
        assert_eq!(
            texts(&report),
            [
                "The reward model ranks later slates best by swt, with an AUC of 0.690, and worst by vtr, with 0.590; 0.5 is \
              chance."
            ]
        );
        assert!(findings(&RewardReport::default()).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_a_remedy() {
        let report = RewardReport {
            heads: vec![
                head("swt", 0.6),
                RewardHead {
                    calibration_error: 0.2,
                    ..head("vtr", 0.51)
                },
                RewardHead {
                    weight: 0.0,
                    positives: 12,
                    auc: None,
                    ..head("wtr", 0.5)
                },
            ],
            judge_heads: vec![head("swt", 0.4)],
            ..RewardReport::default()
        };
        let wrong: Vec<Finding> = findings(&report)
            .into_iter()
            .filter(|finding| finding.remedy.is_some())
            .collect();
        let begins = |idx: usize, text: &str| {
            assert!(wrong[idx].text.starts_with(text), "{:?}", wrong[idx]);
        };
        begins(0, "The reward model's vtr ranks later slates hardly better");
        begins(1, "The reward model's vtr is not to be taken at its word");
        begins(2, "The judge's swt ranks");
        begins(
            3,
            "wtr is left out of the reward, with 12 positive impressions",
        );
        assert_eq!(wrong.len(), 4);
    }

    #[test]
    fn the_oracle_stands_beside_the_model() {
        let known = RewardHead {
            oracle_auc: Some(OracleAuc {
                oracle: 0.7,
                model: 0.55,
                slates: 800,
            }),
            ..head("vtr", 0.58)
        };
        let report = RewardReport {
            heads: vec![head("swt", 0.6), known],
            ..RewardReport::default()
        };
        assert!(texts(&report)[1].contains("reach 0.700 to 0.700 on 800 slates"));
        assert!(texts(&report)[1].contains("comes 25.0% to 25.0%"));
        let value = |name: &str, head_idx: usize| {
            let row = figures(&report.heads)
                .into_iter()
                .find(|row| row.name == name);
            row.unwrap().values[head_idx].clone()
        };
        assert_eq!(value("Oracle's AUC", 1), "0.700");
        assert_eq!(value("Way to the oracle", 1), "25.0%");
        assert_eq!(value("Way to the oracle", 0), "-");
        // A real log has no rows for what nobody knows.
        let real = figures(&[head("vtr", 0.58)]);
        assert!(!real.iter().any(|row| row.name == "Oracle's AUC"));
    }

    #[test]
    fn a_head_has_the_curves_of_both_models() {
        let bin = |predicted, observed| ReliabilityBin {
            predicted,
            observed,
            n: 7,
        };
        let with = |bins: Vec<ReliabilityBin>| RewardHead {
            reliability: bins,
            ..head("ltr", 0.6)
        };
        let report = RewardReport {
            heads: vec![head("swt", 0.6), with(vec![bin(0.1, 0.2)])],
            judge_heads: vec![with(vec![bin(0.1, 0.1), bin(0.3, 0.4)])],
            ..RewardReport::default()
        };
        let found = curves(&report);
        assert_eq!(found.len(), 1, "an untrained head has no curve");
        assert_eq!(found[0].title, "Like (ltr)");
        assert_eq!(found[0].curves[0].bins, [(0.1, 0.2, 7)]);
        assert_eq!(found[0].curves[1].bins.len(), 2);
    }
}
