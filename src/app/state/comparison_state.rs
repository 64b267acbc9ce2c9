//! A comparison of tokenizers as the window knows it: what was asked for, what is done, what is being done.

use crate::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};

/// The newest comparison of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComparisonState {
    /// Short names of the tokenizers asked for, in order.
    pub names: Vec<String>,
    /// What is done.
    pub result: TokenizerComparison,
    /// The tokenizer at hand and what it is doing; `None` when none is being fitted.
    pub doing: Option<(String, String)>,
    /// Whether the engine is at work on it.
    pub is_going: bool,
}

impl ComparisonState {
    /// Begins a new one.
    pub fn start(&mut self, names: &[String]) {
        *self = Self {
            names: names.to_vec(),
            is_going: true,
            ..Self::default()
        };
    }

    /// Takes in how far the tokenizer at hand is.
    pub fn progress(&mut self, name: &str, doing: &str) {
        self.doing = Some((name.to_owned(), doing.to_owned()));
    }

    /// Takes in a tokenizer that is done.
    pub fn add(&mut self, row: &ComparisonRow) {
        self.result.rows.push(row.clone());
        self.doing = None;
    }

    /// Takes in the whole.
    pub fn finish(&mut self, result: &TokenizerComparison) {
        self.result = result.clone();
        self.end();
    }

    /// Nothing is at work on it any more.
    pub fn end(&mut self) {
        self.doing = None;
        self.is_going = false;
    }
}
