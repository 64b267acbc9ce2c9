//! A comparison of alignment objectives as tables of text. [A Table 1 has the form of the second]

use super::objective_comparison::{ObjectiveComparison, ObjectiveRow, Outcome};
use crate::engine::run::report::RewardSummary;
use crate::engine::text_table::Table;

/// What each objective gained and what it cost; cells are `mean ± standard deviation` over the seeds.
pub fn summary(comparison: &ObjectiveComparison) -> Table {
    fill(comparison, &summary_columns(comparison), Cells::Joined)
}

/// Mean and largest reward of every head of the reward model, in the form of the paper's table. [A Table 1]
pub fn by_head(comparison: &ObjectiveComparison) -> Table {
    fill(comparison, &head_columns(comparison), Cells::Joined)
}

/// All figures, one per cell: every column is followed by its standard deviation over the seeds.
pub fn figures(comparison: &ObjectiveComparison) -> Table {
    let mut columns = summary_columns(comparison);
    columns.extend(other_columns(comparison));
    columns.extend(head_columns(comparison));
    fill(comparison, &columns, Cells::Apart)
}

/// How mean and deviation stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// In one cell.
    Joined,
    /// In two.
    Apart,
}

/// A figure of an outcome, given the outcome of the same seed before alignment.
type Figure = dyn Fn(&Outcome, &Outcome) -> Option<f64>;

/// A figure of what a head says.
type HeadFigure = fn(&RewardSummary) -> f64;

/// One column.
struct Column {
    name: String,
    digits: usize,
    figure: Box<Figure>,
}

fn column(
    name: &str,
    digits: usize,
    figure: impl Fn(&Outcome, &Outcome) -> Option<f64> + 'static,
) -> Column {
    Column {
        name: name.to_owned(),
        digits,
        figure: Box::new(figure),
    }
}

fn summary_columns(comparison: &ObjectiveComparison) -> Vec<Column> {
    // Seconds are known of an alignment only, which tells what stands before it from what it made.
    let is_after = |outcome: &Outcome| outcome.seconds.is_some();
    let change = move |now: f64, before: f64, outcome: &Outcome| {
        (is_after(outcome) && before != 0.0).then(|| 100.0 * (now / before - 1.0))
    };
    let utility = |outcome: &Outcome| outcome.utility.map(|utility| utility.mean);
    let columns = vec![
        column("reward", 4, |it, _| Some(it.reward.mean)),
        column("reward max", 4, |it, _| Some(it.reward.max)),
        column("judge", 4, |it, _| Some(it.judge.mean)),
        column("judge max", 4, |it, _| Some(it.judge.max)),
        column("utility", 3, move |it, _| utility(it)),
        column("utility %", 1, move |it, before| {
            change(utility(it)?, utility(before)?, it)
        }),
        column("HR@10", 4, |it, _| Some(it.hr_10)),
        column("HR@10 %", 1, move |it, before| {
            change(it.hr_10, before.hr_10, it)
        }),
        column("legality", 4, |it, _| it.legality),
    ];
    known(comparison, columns)
}

/// Figures for whom the summary is not enough.
fn other_columns(comparison: &ObjectiveComparison) -> Vec<Column> {
    let mut columns = vec![
        column("utility max", 3, |it, _| {
            it.utility.map(|utility| utility.max)
        }),
        column("NDCG@10", 4, |it, _| Some(it.ndcg_10)),
    ];
    for level_idx in 0..n_levels(comparison) {
        let name = format!("entropy {}", level_idx + 1);
        columns.push(column(&name, 3, move |it, _| {
            it.code_entropy.get(level_idx).copied()
        }));
    }
    columns.push(column("seconds", 1, |it, _| it.seconds));
    known(comparison, columns)
}

/// The columns of which something is known: a real log has no true utility.
fn known(comparison: &ObjectiveComparison, mut columns: Vec<Column>) -> Vec<Column> {
    columns.retain(|column| {
        let mut rows = comparison.rows.iter();
        rows.any(|row| values(comparison, row, column).next().is_some())
    });
    columns
}

fn head_columns(comparison: &ObjectiveComparison) -> Vec<Column> {
    let first = outcomes(comparison).next();
    let names = first.map_or_else(Vec::new, |outcome| {
        let heads = outcome.heads.iter();
        heads.map(|head| head.name.clone()).collect()
    });
    let mut columns = Vec::new();
    for name in names {
        let kinds: [(&str, HeadFigure); 2] = [("mean", |head| head.mean), ("max", |head| head.max)];
        for (kind, value) in kinds {
            let head = name.clone();
            columns.push(column(&format!("{name} {kind}"), 4, move |it, _| {
                let head = it.heads.iter().find(|known| known.name == head)?;
                Some(value(&head.value))
            }));
        }
    }
    columns
}

fn outcomes(comparison: &ObjectiveComparison) -> impl Iterator<Item = &Outcome> {
    comparison.rows.iter().flat_map(|row| &row.outcomes)
}

fn n_levels(comparison: &ObjectiveComparison) -> usize {
    let levels = outcomes(comparison).map(|outcome| outcome.code_entropy.len());
    levels.max().unwrap_or(0)
}

/// The figures of a row, one per seed that has one.
fn values<'a>(
    comparison: &'a ObjectiveComparison,
    row: &'a ObjectiveRow,
    column: &'a Column,
) -> impl Iterator<Item = f64> + 'a {
    row.outcomes.iter().filter_map(|outcome| {
        let start = comparison.rows.first()?;
        let mut before = start.outcomes.iter();
        let before = before.find(|before| before.seed == outcome.seed)?;
        (column.figure)(outcome, before)
    })
}

fn fill(comparison: &ObjectiveComparison, columns: &[Column], cells: Cells) -> Table {
    let mut header = vec!["objective".to_owned(), "seeds".to_owned()];
    for column in columns {
        header.push(column.name.clone());
        if cells == Cells::Apart {
            header.push(format!("{} deviation", column.name));
        }
    }
    let rows = comparison.rows.iter().map(|row| {
        let mut texts = vec![row.title.clone(), row.outcomes.len().to_string()];
        for column in columns {
            let values: Vec<f64> = values(comparison, row, column).collect();
            let digits = column.digits;
            let [mean, deviation] =
                mean_and_deviation(&values).map(|it| it.map(|it| format!("{it:.digits$}")));
            match (cells, mean, deviation) {
                (Cells::Apart, mean, deviation) => {
                    texts.extend([mean, deviation].map(Option::unwrap_or_default));
                }
                (Cells::Joined, Some(mean), Some(deviation)) => {
                    texts.push(format!("{mean} ± {deviation}"));
                }
                (Cells::Joined, mean, _) => texts.push(mean.unwrap_or_default()),
            }
        }
        texts
    });
    Table {
        rows: rows.collect(),
        header,
    }
}

/// The mean of some values and their standard deviation as a sample; a single value has none.
fn mean_and_deviation(values: &[f64]) -> [Option<f64>; 2] {
    let n = values.len() as f64;
    if values.is_empty() {
        return [None, None];
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
    [Some(mean), deviation]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::eval::objective_comparison::{BEFORE, HeadOutcome};

    fn outcome(seed: u64, seconds: Option<f64>, mean: f64, hr_10: f64) -> Outcome {
        let value = RewardSummary {
            mean,
            max: 2.0 * mean,
            ..RewardSummary::default()
        };
        Outcome {
            seed,
            seconds,
            reward: value,
            judge: value,
            heads: vec![HeadOutcome {
                name: "swt".to_owned(),
                value,
            }],
            hr_10,
            code_entropy: vec![3.0, 1.0],
            ..Outcome::default()
        }
    }

    fn comparison() -> ObjectiveComparison {
        let row = |name: &str, outcomes: Vec<Outcome>| ObjectiveRow {
            name: name.to_owned(),
            title: name.to_owned(),
            outcomes,
            ..ObjectiveRow::default()
        };
        ObjectiveComparison {
            seeds: vec![1, 2],
            rows: vec![
                row(
                    BEFORE,
                    vec![outcome(1, None, 0.1, 0.125), outcome(2, None, 0.3, 0.25)],
                ),
                row(
                    "dpo",
                    vec![
                        outcome(1, Some(5.0), 0.2, 0.125),
                        outcome(2, Some(7.0), 0.4, 0.3125),
                    ],
                ),
                row("grpo", vec![outcome(2, Some(9.0), 0.5, 0.125)]),
                row("ipo", Vec::new()),
            ],
            ..ObjectiveComparison::default()
        }
    }

    fn cell(table: &Table, row: usize, name: &str) -> String {
        let column = table.header.iter().position(|header| header == name);
        table.rows[row][column.unwrap_or_else(|| panic!("no column {name:?}"))].clone()
    }

    #[test]
    fn means_deviations_and_changes_are_those_of_the_seeds() {
        let table = summary(&comparison());
        assert_eq!(cell(&table, 0, "reward"), "0.2000 ± 0.1414");
        assert_eq!(cell(&table, 1, "reward max"), "0.6000 ± 0.2828");
        // Nothing with the first seed and +25% with the second; before alignment nothing has changed.
        assert_eq!(cell(&table, 1, "HR@10 %"), "12.5 ± 17.7");
        assert_eq!(cell(&table, 0, "HR@10 %"), "");
        // One seed has no deviation and is compared with its own start.
        assert_eq!(cell(&table, 2, "HR@10 %"), "-50.0");
        assert_eq!(cell(&table, 2, "seeds"), "1");
        assert_eq!(cell(&table, 3, "reward"), "");
        // Nothing is known of utility and legality here.
        assert!(!table.header.iter().any(|name| name.contains("utility")));
        assert!(!table.header.contains(&"legality".to_owned()));
    }

    #[test]
    fn heads_have_mean_and_largest_and_all_figures_stand_alone() {
        let heads = by_head(&comparison());
        assert_eq!(heads.header, ["objective", "seeds", "swt mean", "swt max"]);
        assert_eq!(cell(&heads, 1, "swt max"), "0.6000 ± 0.2828");
        let figures = figures(&comparison());
        assert_eq!(cell(&figures, 1, "swt max deviation"), "0.2828");
        assert_eq!(cell(&figures, 2, "swt max deviation"), "");
        assert_eq!(cell(&figures, 1, "entropy 2"), "1.000");
        assert_eq!(cell(&figures, 1, "seconds"), "6.0");
        assert!(
            figures
                .rows
                .iter()
                .all(|row| row.len() == figures.header.len())
        );
        assert!(
            figures
                .rows
                .iter()
                .flatten()
                .all(|text| !text.contains('±'))
        );
    }
}
