//! What one column is asked for: a part of its text, a range of its numbers, or a pattern of codes.

use super::column::ItemColumn;
use super::index::ItemIndex;
use crate::engine::run::items::{ItemTable, Names};
use crate::engine::tokenizer::SidPattern;

/// A filter of one column, understood.
pub(super) enum Filter {
    /// Numbers from the first to the second, both included.
    Range(f64, f64),
    /// Codes.
    Pattern(SidPattern),
    /// Text in small letters.
    Text(String),
    /// Which of the column's different texts contain what was typed.
    Names(Vec<bool>),
}

impl Filter {
    /// What is wrong with what was typed for a column.
    pub(super) fn problem(column: ItemColumn, text: &str) -> Option<String> {
        let text = text.trim();
        match column {
            column if column.is_number() => range(text)
                .is_none()
                .then(|| format!("expected 5, >5, <=5 or 2-10, found {text:?}")),
            ItemColumn::SemanticId => SidPattern::parse(text)
                .is_none()
                .then(|| format!("expected codes such as 12.*.5, found {text:?}")),
            _ => None,
        }
    }

    /// Reads what was typed for a column; nothing where [`Filter::problem`] tells of one.
    pub(super) fn parse(column: ItemColumn, text: &str, table: &ItemTable) -> Option<Self> {
        let text = text.trim();
        let words = text.to_lowercase();
        match column {
            column if column.is_number() => range(text).map(|(low, high)| Self::Range(low, high)),
            ItemColumn::SemanticId => SidPattern::parse(text).map(Self::Pattern),
            ItemColumn::Categories => Some(Self::Names(containing(table.category_names(), &words))),
            ItemColumn::Feature(idx) => {
                Some(Self::Names(containing(table.feature_values(idx), &words)))
            }
            _ => Some(Self::Text(words)),
        }
    }

    /// Whether an item passes.
    pub(super) fn passes(
        &self,
        column: ItemColumn,
        table: &ItemTable,
        index: &ItemIndex,
        item_idx: u32,
    ) -> bool {
        let row = item_idx as usize;
        match self {
            Self::Range(low, high) => column
                .number(table, index, item_idx)
                .is_some_and(|number| (*low..=*high).contains(&number)),
            Self::Pattern(pattern) => pattern.matches(table.codes(row)),
            Self::Text(words) => match column {
                ItemColumn::Author => table
                    .author(row)
                    .is_some_and(|author| author.to_lowercase().contains(words)),
                ItemColumn::Id => table.external_id(row).to_lowercase().contains(words),
                _ => table.label(row).to_lowercase().contains(words),
            },
            Self::Names(wanted) => match column {
                ItemColumn::Feature(idx) => table
                    .feature_number(idx, row)
                    .is_some_and(|number| wanted[number as usize]),
                _ => table
                    .category_numbers(row)
                    .iter()
                    .any(|number| wanted[*number as usize]),
            },
        }
    }
}

/// Which of the names contain the words, in order of number.
pub(super) fn containing(names: &Names, words: &str) -> Vec<bool> {
    names
        .iter()
        .map(|name| name.to_lowercase().contains(words))
        .collect()
}

/// `5`, `>5`, `>=5`, `<5`, `<=5` or `2-10` as the numbers that pass, both ends included.
fn range(text: &str) -> Option<(f64, f64)> {
    let number = |text: &str| -> Option<f64> {
        let value: f64 = text.trim().replace(',', "").parse().ok()?;
        value.is_finite().then_some(value)
    };
    if let Some(rest) = text.strip_prefix(">=") {
        return Some((number(rest)?, f64::INFINITY));
    }
    if let Some(rest) = text.strip_prefix("<=") {
        return Some((f64::NEG_INFINITY, number(rest)?));
    }
    if let Some(rest) = text.strip_prefix('>') {
        return Some((number(rest)?.next_up(), f64::INFINITY));
    }
    if let Some(rest) = text.strip_prefix('<') {
        return Some((f64::NEG_INFINITY, number(rest)?.next_down()));
    }
    if let Some((low, high)) = text
        .split_once('-')
        .filter(|(low, _)| !low.trim().is_empty())
    {
        return Some((number(low)?, number(high)?));
    }
    number(text).map(|value| (value, value))
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(range("5"), Some((5.0, 5.0)));
        assert_eq!(range(">= 1,000"), Some((1000.0, f64::INFINITY)));
        assert_eq!(range("2-10"), Some((2.0, 10.0)));
        assert_eq!(range("-3"), Some((-3.0, -3.0)));
        let (low, _) = range(">5").unwrap();
        assert!(low > 5.0 && low < 5.001);
        for text in ["", "a", ">", "1-", "inf", "1-2-3"] {
            assert_eq!(range(text), None, "{text:?}");
        }
    }

    #[test]
    fn each_column_filters_by_what_it_shows() {
        let table = table();
        let index = ItemIndex::new(&table);
        let passing = |column: ItemColumn, text: &str| -> Vec<u32> {
            let filter = Filter::parse(column, text, &table).unwrap();
            let all = 0..table.len() as u32;
            all.filter(|item| filter.passes(column, &table, &index, *item))
                .collect()
        };
        assert_eq!(passing(ItemColumn::Popularity, ">5"), [0, 2]);
        assert_eq!(passing(ItemColumn::Sharing, "2"), [0, 2]);
        assert_eq!(passing(ItemColumn::SemanticId, "2.*.4"), [0, 2]);
        assert_eq!(passing(ItemColumn::Title, "RE"), [0, 1]);
        assert_eq!(passing(ItemColumn::Categories, "blue"), [2]);
        assert_eq!(passing(ItemColumn::Author, "ann"), [0]);
        assert_eq!(passing(ItemColumn::Feature(0), "g"), [1]);
        assert_eq!(passing(ItemColumn::Id, "id-推"), [3]);
        assert!(
            passing(ItemColumn::Length, ">0").is_empty(),
            "unknown lengths never pass"
        );
        for (column, text) in [
            (ItemColumn::Popularity, "many"),
            (ItemColumn::SemanticId, "red"),
        ] {
            assert!(Filter::parse(column, text, &table).is_none());
            assert!(Filter::problem(column, text).is_some());
        }
        assert_eq!(Filter::problem(ItemColumn::Title, "many"), None);
    }
}
