//! What the comparison says, from the state alone.

use std::cmp::Ordering;

use crate::app::widgets::number::{percent, significant};
use crate::engine::text_table::Table;
use crate::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};
use crate::engine::tokenizer::comparison_table::compact;
use crate::engine::tokenizer::health;
use crate::engine::tokenizer::report::TokenizerReport;

/// At most this share of the items may lack an ID of their own for a tokenizer to be recommended.
const MOST_COLLISIONS: f64 = 0.01;

/// The rule of the recommendation, in words.
pub(super) fn rule() -> String {
    format!(
        "Rule: of the tokenizers that leave at most {} of the items without an ID of their own, the one with the \
         lowest reconstruction error.",
        percent(MOST_COLLISIONS)
    )
}

/// The recommendation with its numbers; `None` before any tokenizer is done.
pub(super) fn verdict(comparison: &TokenizerComparison) -> Option<String> {
    let judged = |row: &ComparisonRow| -> Option<(String, TokenizerReport, f64)> {
        let report = row.report.clone()?;
        let error = report.reconstruction_error?;
        Some((row.name.clone(), report, error))
    };
    let rows: Vec<_> = comparison.rows.iter().filter_map(judged).collect();
    if rows.is_empty() {
        return None;
    }
    let best = rows
        .iter()
        .filter(|(_, report, _)| report.collision_rate <= MOST_COLLISIONS)
        .min_by(|a, b| a.2.total_cmp(&b.2));
    Some(match best {
        Some((name, report, error)) => format!(
            "{name}: reconstruction error {}, {} of the items without an ID of their own.",
            significant(*error, 3),
            percent(report.collision_rate)
        ),
        None => "Every tokenizer leaves too many items without an ID of their own: more codes, more levels or \
                 another policy for shared IDs would help."
            .to_owned(),
    })
}

/// The table as shown, with what each column means and which of its cells is best.
pub(super) struct Shown {
    /// Header and cells.
    pub table: Table,
    /// One explanation per column.
    pub tips: Vec<String>,
    /// Row of the best value per column.
    pub best: Vec<Option<usize>>,
}

impl Shown {
    /// The rows done so far.
    pub(super) fn new(comparison: &TokenizerComparison) -> Self {
        let table = compact(comparison);
        let tips = table.header.iter().map(|name| tip(name)).collect();
        let best = table
            .header
            .iter()
            .map(|name| best(name, &comparison.rows))
            .collect();
        Self { table, tips, best }
    }

    /// The rows sorted by a column: figures by their first number, words by the alphabet, empty cells last.
    pub(super) fn order(&self, column_idx: usize, is_descending: bool) -> Vec<usize> {
        let cell = |row: usize| {
            self.table.rows[row]
                .get(column_idx)
                .map_or("", String::as_str)
        };
        let number = |row: usize| cell(row).split('/').next()?.trim().parse::<f64>().ok();
        let mut rows: Vec<usize> = (0..self.table.rows.len()).collect();
        rows.sort_by(|a, b| {
            let order = match (number(*a), number(*b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => cell(*a).cmp(cell(*b)),
            };
            let order = if is_descending {
                order.reverse()
            } else {
                order
            };
            cell(*a).is_empty().cmp(&cell(*b).is_empty()).then(order)
        });
        rows
    }
}

/// What a column means: the definition that the documentation has.
fn tip(column: &str) -> String {
    let measure = match column {
        "reconstruction" => health::RECONSTRUCTION,
        "collisions" => health::COLLISIONS,
        "before policy" => {
            return format!(
                "{} Before items that share an ID were moved.",
                health::COLLISIONS.explain()
            );
        }
        "sharing" => health::ITEMS_SHARING,
        "largest" => health::LARGEST_GROUP,
        "utilization" => health::UTILIZATION,
        "entropy" => health::ENTROPY,
        "perplexity" => health::PERPLEXITY,
        "neighbourhood" => health::NEIGHBOURHOOD,
        "co-watch" => health::CO_WATCH,
        "seconds" => return "Time to fit and to give every item its ID.".to_owned(),
        "method" => return "The tokenizer; its description is over its name.".to_owned(),
        _ => return "Why it could not be fitted, or what to know when reading the row.".to_owned(),
    };
    let per_level = ["utilization", "entropy", "perplexity"].contains(&column);
    let per_prefix = ["neighbourhood", "co-watch"].contains(&column);
    let suffix = if per_level {
        " Per level, divided by slashes."
    } else if per_prefix {
        " For prefixes of 1, 2 and more codes, divided by slashes."
    } else {
        ""
    };
    format!("{}{suffix}", measure.explain())
}

/// The row with the best value of a column; none where better has no meaning or all are equal.
fn best(column: &str, rows: &[ComparisonRow]) -> Option<usize> {
    let first = |values: &[f64]| values.first().copied();
    let value = |row: &ComparisonRow| -> Option<f64> {
        let report = row.report.as_ref()?;
        // Larger is better for all of these.
        match column {
            "reconstruction" => report.reconstruction_error.map(|error| -error),
            "collisions" => Some(-report.collision_rate),
            "before policy" => Some(-report.collision_rate_before),
            "sharing" => Some(-(report.items_sharing as f64)),
            "largest" => Some(-(report.largest_group as f64)),
            "seconds" => Some(-row.seconds),
            "neighbourhood" => first(&report.neighbourhood_agreement),
            "co-watch" => first(&report.co_watch_agreement),
            _ => None,
        }
    };
    let values: Vec<Option<f64>> = rows.iter().map(value).collect();
    let known = || {
        values
            .iter()
            .enumerate()
            .filter_map(|(row, value)| Some((row, (*value)?)))
    };
    let (row, highest) = known().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    let n_best = known().filter(|(_, value)| *value >= highest).count();
    (n_best == 1 && known().count() > 1).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, error: f64, collision_rate: f64) -> ComparisonRow {
        ComparisonRow {
            name: name.to_owned(),
            report: Some(TokenizerReport {
                reconstruction_error: Some(error),
                collision_rate,
                ..TokenizerReport::default()
            }),
            ..ComparisonRow::default()
        }
    }

    fn comparison(rows: Vec<ComparisonRow>) -> TokenizerComparison {
        TokenizerComparison {
            rows,
            ..TokenizerComparison::default()
        }
    }

    #[test]
    fn the_recommended_one_has_the_lowest_error_of_those_without_collisions() {
        let failed = ComparisonRow::default();
        assert_eq!(verdict(&comparison(vec![failed.clone()])), None);
        let rows = vec![
            row("a", 0.1, 0.2),
            row("b", 0.3, 0.0),
            row("c", 0.2, 0.01),
            failed,
        ];
        let said = verdict(&comparison(rows)).unwrap();
        assert!(
            said.starts_with("c: reconstruction error 0.200, 1.0%"),
            "{said}"
        );
        let said = verdict(&comparison(vec![row("a", 0.1, 0.2)])).unwrap();
        assert!(said.contains("too many"), "{said}");
    }

    #[test]
    fn the_best_of_a_column_is_marked_unless_all_are_equal() {
        let shown = Shown::new(&comparison(vec![
            row("a", 0.1, 0.2),
            row("b", 0.3, 0.2),
            ComparisonRow::default(),
        ]));
        let best = |name: &str| {
            let column = shown.table.header.iter().position(|header| header == name);
            shown.best[column.unwrap()]
        };
        assert_eq!(
            (best("reconstruction"), best("collisions")),
            (Some(0), None)
        );
    }

    #[test]
    fn rows_are_sorted_by_number_and_failed_ones_come_last() {
        let failed = ComparisonRow {
            name: "product".to_owned(),
            ..ComparisonRow::default()
        };
        let rows = vec![row("b", 0.5, 0.0), failed, row("a", 0.0625, 0.0)];
        let shown = Shown::new(&comparison(rows));
        let column = |name: &str| shown.table.header.iter().position(|it| it == name).unwrap();
        assert_eq!(shown.order(column("method"), false), [2, 0, 1]);
        assert_eq!(shown.order(column("reconstruction"), false), [2, 0, 1]);
        assert_eq!(shown.order(column("reconstruction"), true), [0, 2, 1]);
    }

    #[test]
    fn every_column_is_explained_by_its_definition() {
        let shown = Shown::new(&comparison(Vec::new()));
        assert!(shown.tips.iter().all(|tip| tip.len() > 20));
        for measure in [health::ENTROPY, health::CO_WATCH, health::COLLISIONS] {
            let is_there = |tip: &String| tip.contains(measure.formula);
            assert!(shown.tips.iter().any(is_there), "{}", measure.name);
        }
    }
}
