//! What the slates pane says, from the state alone.

use std::collections::BTreeSet;

use crate::app::state::AppState;
use crate::app::widgets::TextTable;
use crate::app::widgets::number::{count, percent, signed, significant};
use crate::engine::eval::report::EvaluationReport;
use crate::engine::event::{ScoredSlate, SlateComparison};
use crate::engine::run::report::{AlignmentReport, RewardSummary};

/// One score of two slates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScoreRow {
    /// Its name.
    pub name: String,
    /// What it means.
    pub tip: &'static str,
    /// Before alignment.
    pub before: Option<f64>,
    /// After alignment.
    pub after: Option<f64>,
    /// The ends of the bar.
    pub range: (f64, f64),
}

/// Users that can be chosen without typing.
pub(super) fn known_users(state: &AppState) -> Vec<&str> {
    state.run.slates.keys().map(String::as_str).collect()
}

/// Users from whom one can be drawn at random: those that the dataset names, else those already generated.
pub(super) fn candidates(state: &AppState) -> Vec<&str> {
    let named = state.run.dataset.as_ref().map(|stats| &stats.example_users);
    match named {
        Some(users) if !users.is_empty() => users.iter().map(String::as_str).collect(),
        _ => known_users(state),
    }
}

/// The slates to show: those of the selected user, else those that arrived last.
pub(super) fn comparison(state: &AppState) -> Option<&SlateComparison> {
    let run = &state.run;
    let selected = state.selection.user.as_ref();
    selected
        .and_then(|user| run.slates.get(user))
        .or_else(|| run.slates.get(run.newest_slates.as_ref()?))
        .or_else(|| run.slates.values().next())
}

/// Every score of the slates of one rank, side by side. Bars span all slates of this user.
pub(super) fn scores(slates: &SlateComparison, rank: usize) -> Vec<ScoreRow> {
    let all = || slates.before.iter().chain(&slates.after);
    let (before, after) = (slates.before.get(rank), slates.after.get(rank));
    let range_of = |score: &dyn Fn(&ScoredSlate) -> Option<f64>| {
        let values = || all().filter_map(score).filter(|value| value.is_finite());
        let low = values().reduce(f64::min).unwrap_or(0.0);
        let high = values().reduce(f64::max).unwrap_or(1.0);
        (low - 0.1 * (high - low), high)
    };
    let row = |name: &str, tip, score: &dyn Fn(&ScoredSlate) -> Option<f64>| ScoreRow {
        name: name.to_owned(),
        tip,
        before: before.and_then(score),
        after: after.and_then(score),
        range: range_of(score),
    };
    let mut rows = Vec::new();
    // Heads are probabilities: their bars span 0 to 1.
    for name in head_names(slates) {
        let score = |slate: &ScoredSlate| {
            let head = slate.heads.iter().find(|(head, _)| *head == name);
            head.map(|(_, value)| *value)
        };
        let mut head = row(&name, head_tip(&name), &score);
        head.range = (0.0, 1.0);
        rows.push(head);
    }
    rows.push(row(
        "Reward",
        "Weighted sum of the heads: what alignment tries to raise.",
        &|slate| Some(slate.reward),
    ));
    rows.push(row(
        "Judge",
        "The same sum from a second reward model, trained on other users and not used for alignment.",
        &|slate| Some(slate.judge_reward),
    ));
    if all().any(|slate| slate.oracle.is_some()) {
        rows.push(row(
            "True utility",
            "What the slate is really worth to this user, by the simulator that made the data.",
            &|slate| slate.oracle,
        ));
    }
    rows.push(row(
        "Log-probability",
        "Sum of ln p over the codes of the slate, under the model that made it.",
        &|slate| Some(slate.log_prob),
    ));
    rows
}

/// Every score of one slate by its name, in the order of [`scores`].
pub(super) fn score_values(slate: &ScoredSlate) -> Vec<(String, f64)> {
    let mut values = slate.heads.clone();
    values.push(("Reward".to_owned(), slate.reward));
    values.push(("Judge".to_owned(), slate.judge_reward));
    values.extend(
        slate
            .oracle
            .map(|oracle| ("True utility".to_owned(), oracle)),
    );
    values.push(("Log-probability".to_owned(), slate.log_prob));
    values
}

/// A score by its name in reports, as it is written here.
pub(super) fn score_name(name: &str) -> &'static str {
    match name {
        "reward" => "Reward",
        "judge" => "Judge",
        "utility" => "True utility",
        "swt" => "Head swt",
        "vtr" => "Head vtr",
        "wtr" => "Head wtr",
        "ltr" => "Head ltr",
        _ => "Another head",
    }
}

/// How many items of the slate the user really went on to.
pub(super) fn n_hits(slates: &SlateComparison, slate: &ScoredSlate) -> usize {
    let held_out: BTreeSet<u32> = slates.held_out.iter().map(|item| item.item_idx).collect();
    let items = slate.items.iter();
    items
        .filter(|item| held_out.contains(&item.item_idx))
        .count()
}

/// Rewards over all users before and after alignment.
pub(super) fn rewards(report: &AlignmentReport) -> TextTable {
    let mut pairs = vec![
        (
            "Reward".to_owned(),
            report.reward_before,
            report.reward_after,
        ),
        ("Judge".to_owned(), report.judge_before, report.judge_after),
    ];
    if let (Some(before), Some(after)) = (report.oracle_before, report.oracle_after) {
        pairs.push(("True utility".to_owned(), before, after));
    }
    let heads = report.heads.iter();
    pairs.extend(heads.map(|head| (format!("Head {}", head.name), head.before, head.after)));
    TextTable {
        columns: vec![
            ("Score", "Who judges the slates."),
            (
                "Mean before",
                "Mean over a user's slates, then over users, with the 95% interval over users.",
            ),
            ("Mean after", "The same after alignment."),
            ("Change", "Mean after - mean before."),
            (
                "Best before",
                "The best of a user's slates, mean over users.",
            ),
            ("Best after", "The same after alignment."),
            (
                "Top before",
                "The slate with the highest log-probability, which would be shown; mean over users.",
            ),
            ("Top after", "The same after alignment."),
        ],
        rows: pairs
            .into_iter()
            .map(|(name, before, after)| reward_row(name, before, after))
            .collect(),
    }
}

/// Held-out metrics of all models.
pub(super) fn evaluation(report: &EvaluationReport) -> TextTable {
    TextTable {
        columns: vec![
            (
                "Model",
                "The generator before and after alignment, and the floors that any model should beat.",
            ),
            ("Users", "Users evaluated."),
            (
                "HR@5",
                "Share of users whose held-out item is among the first 5.",
            ),
            (
                "HR@10",
                "Share of users whose held-out item is among the first 10, with the 95% interval.",
            ),
            (
                "NDCG@5",
                "Mean of 1 / log2(1 + rank) of the held-out item among the first 5, else 0.",
            ),
            (
                "NDCG@10",
                "Mean of 1 / log2(1 + rank) of the held-out item among the first 10, else 0.",
            ),
            (
                "Legal",
                "Share of the likeliest freely written semantic IDs, evaluate.n_beams of them per user, that belong to an item.",
            ),
            (
                "Coverage",
                "Share of the catalogue that appears in some user's first 10.",
            ),
        ],
        rows: report
            .models
            .iter()
            .map(|model| {
                vec![
                    model.name.clone(),
                    count(model.users),
                    format!("{:.4}", model.hr_5),
                    format!("{:.4} ± {:.4}", model.hr_10, model.hr_10_ci95),
                    format!("{:.4}", model.ndcg_5),
                    format!("{:.4}", model.ndcg_10),
                    model.legality.map_or_else(|| "-".to_owned(), percent),
                    percent(model.coverage),
                ]
            })
            .collect(),
    }
}

fn reward_row(name: String, before: RewardSummary, after: RewardSummary) -> Vec<String> {
    let mean = |summary: RewardSummary| {
        format!(
            "{} ± {}",
            significant(summary.mean, 4),
            significant(summary.mean_ci95, 2)
        )
    };
    vec![
        name,
        mean(before),
        mean(after),
        signed(after.mean - before.mean, 3),
        significant(before.max, 4),
        significant(after.max, 4),
        significant(before.top, 4),
        significant(after.top, 4),
    ]
}

fn head_names(slates: &SlateComparison) -> Vec<String> {
    let first = slates.before.first().or(slates.after.first());
    let heads = first.map_or(&[][..], |slate| &slate.heads);
    heads.iter().map(|(name, _)| name.clone()).collect()
}

fn head_tip(name: &str) -> &'static str {
    match name {
        "swt" => "Session watch time head: predicted share of the watch time, 0 to 1.",
        "vtr" => "View-through head: predicted share of the slate that is effectively viewed.",
        "wtr" => "Follow head: predicted probability of a follow.",
        "ltr" => "Like head: predicted probability of a like.",
        _ => "A head of the session reward model.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::report::ModelScore;
    use crate::engine::event::SlateItem;

    fn slate(item_idx: u32, reward: f64, oracle: Option<f64>) -> ScoredSlate {
        ScoredSlate {
            items: vec![SlateItem {
                item_idx,
                external_id: item_idx.to_string(),
                title: format!("item {item_idx}"),
                codes: vec![1, 2, 3],
            }],
            log_prob: -4.0,
            heads: vec![("vtr".into(), 0.5)],
            reward,
            judge_reward: f64::NAN,
            oracle,
            shares: Vec::new(),
        }
    }

    fn slates(user: &str, oracle: Option<f64>) -> SlateComparison {
        SlateComparison {
            user: user.into(),
            history: Vec::new(),
            held_out: slate(7, 0.0, None).items,
            before: vec![slate(3, 1.0, oracle), slate(4, 0.5, oracle)],
            after: vec![slate(7, 2.0, oracle)],
        }
    }

    #[test]
    fn the_selected_user_comes_before_the_newest() {
        let mut state = AppState::default();
        assert!(comparison(&state).is_none());
        for user in ["a", "b"] {
            state.run.slates.insert(user.into(), slates(user, None));
        }
        state.run.newest_slates = Some("b".into());
        assert_eq!(comparison(&state).unwrap().user, "b");
        state.selection.user = Some("a".into());
        assert_eq!(comparison(&state).unwrap().user, "a");
        state.selection.user = Some("unknown".into());
        assert_eq!(comparison(&state).unwrap().user, "b");
        assert_eq!(known_users(&state), ["a", "b"]);
    }

    #[test]
    fn scores_stand_side_by_side() {
        let slates = slates("a", None);
        let rows = scores(&slates, 0);
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["vtr", "Reward", "Judge", "Log-probability"]);
        assert_eq!((rows[1].before, rows[1].after), (Some(1.0), Some(2.0)));
        assert_eq!(rows[0].range, (0.0, 1.0));
        let second = scores(&slates, 1);
        assert_eq!((second[1].before, second[1].after), (Some(0.5), None));
        assert_eq!(scores(&self::slates("a", Some(3.0)), 0).len(), 5);
    }

    #[test]
    fn hits_are_held_out_items() {
        let slates = slates("a", None);
        assert_eq!(n_hits(&slates, &slates.before[0]), 0);
        assert_eq!(n_hits(&slates, &slates.after[0]), 1);
    }

    #[test]
    fn tables_have_a_cell_per_column() {
        let report = AlignmentReport {
            oracle_before: Some(RewardSummary::default()),
            oracle_after: Some(RewardSummary::default()),
            ..AlignmentReport::default()
        };
        let table = rewards(&report);
        assert_eq!(table.rows.len(), 3);
        assert!(
            table
                .rows
                .iter()
                .all(|row| row.len() == table.columns.len())
        );
        let table = evaluation(&EvaluationReport {
            models: vec![ModelScore::default()],
            ..EvaluationReport::default()
        });
        assert_eq!(table.rows[0].len(), table.columns.len());
        assert_eq!(table.rows[0][6], "-");
    }
}
