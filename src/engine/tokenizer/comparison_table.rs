//! A comparison of tokenizers as a table of text: for the terminal, for a spreadsheet, for a paper.

use super::comparison::{ComparisonRow, TokenizerComparison};
use super::report::TokenizerReport;
use crate::engine::text_table::{Table, fixed, significant};

/// The table of a comparison, one figure per cell; the columns per level cover the deepest tokenizer.
pub fn table(comparison: &TokenizerComparison) -> Table {
    let depths = comparison.rows.iter().filter_map(|row| row.report.as_ref());
    let n_levels = depths.map(|report| report.levels.len()).max().unwrap_or(0);
    let per_level = PER_LEVEL.iter().flat_map(|(name, figures)| {
        (0..n_levels).map(move |level_idx| -> Column {
            let name = format!("{name} {}", level_idx + 1);
            of_report(&name, move |report| figures(report).get(level_idx).cloned())
        })
    });
    fill(comparison, per_level.collect())
}

/// The table of a comparison for reading: the figures of all levels stand in one cell, divided by slashes.
pub fn compact(comparison: &TokenizerComparison) -> Table {
    let joined = PER_LEVEL
        .iter()
        .map(|(name, figures)| of_report(name, |report| Some(figures(report).join("/"))));
    fill(comparison, joined.collect())
}

type Column = (String, Box<dyn Fn(&ComparisonRow) -> String>);
type LevelFigures = (&'static str, fn(&TokenizerReport) -> Vec<String>);

/// Figures that every level or every prefix length has.
const PER_LEVEL: [LevelFigures; 5] = [
    ("utilization", |report| {
        let levels = report.levels.iter();
        levels.map(|level| fixed(level.utilization, 3)).collect()
    }),
    ("entropy", |report| {
        let levels = report.levels.iter();
        levels.map(|level| fixed(level.entropy_nats, 3)).collect()
    }),
    ("perplexity", |report| {
        let levels = report.levels.iter();
        levels.map(|level| fixed(level.perplexity, 1)).collect()
    }),
    ("neighbourhood", |report| {
        let shares = report.neighbourhood_agreement.iter();
        shares.map(|share| fixed(*share, 3)).collect()
    }),
    ("co-watch", |report| {
        let shares = report.co_watch_agreement.iter();
        shares.map(|share| fixed(*share, 3)).collect()
    }),
];

fn fill(comparison: &TokenizerComparison, per_level: Vec<Column>) -> Table {
    let mut columns: Vec<Column> = vec![
        ("method".to_owned(), Box::new(|row| row.name.clone())),
        ("seconds".to_owned(), Box::new(|row| fixed(row.seconds, 2))),
        of_report("reconstruction", |report| {
            report.reconstruction_error.map(significant)
        }),
        of_report("collisions", |report| Some(fixed(report.collision_rate, 4))),
        of_report("before policy", |report| {
            Some(fixed(report.collision_rate_before, 4))
        }),
        of_report("sharing", |report| Some(report.items_sharing.to_string())),
        of_report("largest", |report| Some(report.largest_group.to_string())),
    ];
    columns.extend(per_level);
    columns.push((
        "note".to_owned(),
        Box::new(|row| row.note.clone().unwrap_or_default()),
    ));
    let rows = comparison.rows.iter();
    Table {
        rows: rows
            .map(|row| columns.iter().map(|(_, cell)| cell(row)).collect())
            .collect(),
        header: columns.into_iter().map(|(name, _)| name).collect(),
    }
}

fn of_report(name: &str, cell: impl Fn(&TokenizerReport) -> Option<String> + 'static) -> Column {
    (
        name.to_owned(),
        Box::new(move |row| row.report.as_ref().and_then(&cell).unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tokenizer::report::CodebookLevel;

    fn comparison() -> TokenizerComparison {
        let level = CodebookLevel {
            utilization: 1.0,
            entropy_nats: 1.5,
            perplexity: 4.4817,
            ..CodebookLevel::default()
        };
        let fitted = |name: &str, n_levels: usize| ComparisonRow {
            name: name.to_owned(),
            seconds: 1.25,
            report: Some(TokenizerReport {
                levels: vec![level.clone(); n_levels],
                reconstruction_error: Some(0.012_345_6),
                neighbourhood_agreement: vec![0.5; n_levels],
                co_watch_agreement: vec![0.25; n_levels],
                ..TokenizerReport::default()
            }),
            ..ComparisonRow::default()
        };
        let failed = ComparisonRow {
            name: "a_b".to_owned(),
            note: Some("5 % of \"x\", y | z".to_owned()),
            ..ComparisonRow::default()
        };
        TokenizerComparison {
            rows: vec![fitted("one", 1), fitted("two", 2), failed],
            ..TokenizerComparison::default()
        }
    }

    #[test]
    fn every_row_has_every_column_and_shallow_tokenizers_leave_cells_empty() {
        let table = table(&comparison());
        assert!(table.rows.iter().all(|row| row.len() == table.header.len()));
        let cell = |row: usize, name: &str| {
            let column = table
                .header
                .iter()
                .position(|header| header == name)
                .unwrap();
            table.rows[row][column].as_str()
        };
        assert_eq!(cell(0, "reconstruction"), "0.01235");
        assert_eq!((cell(0, "entropy 2"), cell(1, "entropy 2")), ("", "1.500"));
        let compact = compact(&comparison());
        assert!(
            compact.rows[1].contains(&"1.500/1.500".to_owned()),
            "{compact:?}"
        );
        assert_eq!((cell(2, "seconds"), cell(2, "sharing")), ("0.00", ""));
    }
}
