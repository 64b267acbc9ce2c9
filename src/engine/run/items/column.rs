//! Columns of texts: a million short texts in a few large pieces of memory instead of a million small ones.

use std::collections::HashMap;

/// One text per row, all in one string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where the text of each row begins, and the end of the last one.
    starts: Vec<usize>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            text: String::new(),
            starts: vec![0],
        }
    }
}

impl Texts {
    /// Appends a row.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.starts.push(self.text.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of one row.
    pub fn get(&self, row: usize) -> &str {
        &self.text[self.starts[row]..self.starts[row + 1]]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.starts
            .windows(2)
            .map(|ends| &self.text[ends[0]..ends[1]])
    }
}

/// Texts that many rows have in common, each stored once: categories, authors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<String>,
}

impl Names {
    /// Number of different texts.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The text of a number.
    pub fn get(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// All texts in order of number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// Gives every different text a number, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    numbers: HashMap<String, u32>,
    names: Names,
}

impl Numbering {
    /// The number of a text, a new one where it was not seen before.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.names.push(name.to_owned());
        number
    }

    pub(super) fn finish(self) -> Names {
        self.names
    }
}

/// Rows of different lengths, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Lists<T> {
    values: Vec<T>,
    starts: Vec<usize>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            starts: vec![0],
        }
    }
}

impl<T> Lists<T> {
    /// Appends a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.values.extend(row);
        self.starts.push(self.values.len());
    }

    /// The values of one row.
    pub fn get(&self, row: usize) -> &[T] {
        &self.values[self.starts[row]..self.starts[row + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let mut texts = Texts::default();
        for text in ["red", "", "推荐"] {
            texts.push(text);
        }
        assert_eq!(texts.len(), 3);
        assert_eq!(
            [texts.get(0), texts.get(1), texts.get(2)],
            ["red", "", "推荐"]
        );
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["red", "", "推荐"]);

        let mut lists = Lists::default();
        lists.push([1, 2]);
        lists.push([]);
        lists.push([3]);
        assert_eq!(lists.get(0), [1, 2]);
        assert!(lists.get(1).is_empty());
        assert_eq!(lists.get(2), [3]);
    }

    #[test]
    fn equal_names_have_one_number() {
        let mut numbering = Numbering::default();
        let numbers = ["film", "music", "film"].map(|name| numbering.number(name));
        assert_eq!(numbers, [0, 1, 0]);
        let names = numbering.finish();
        assert_eq!((names.len(), names.get(1)), (2, "music"));
    }
}
