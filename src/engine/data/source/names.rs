//! Identifiers as text, numbered in the order of their first appearance. A row of a log costs no memory here, and most
//! identifiers are numbers, which are looked up as such.

use std::collections::HashMap;

/// The identifiers of users, of items or of requests.
#[derive(Debug, Default)]
pub(super) struct Names {
    of_number: HashMap<u64, u32>,
    of_text: HashMap<Box<str>, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of an identifier, new or known.
    pub(super) fn idx(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.names.len())
            .expect("four billion identifiers do not fit into memory");
        let idx = match canonical_number(name) {
            Some(number) => *self.of_number.entry(number).or_insert(next),
            None => match self.of_text.get(name) {
                Some(&idx) => idx,
                None => *self.of_text.entry(name.into()).or_insert(next),
            },
        };
        if idx == next {
            self.names.push(name.to_owned());
        }
        idx
    }

    /// The number of a known identifier.
    pub(super) fn get(&self, name: &str) -> Option<u32> {
        match canonical_number(name) {
            Some(number) => self.of_number.get(&number).copied(),
            None => self.of_text.get(name).copied(),
        }
    }

    /// All identifiers by their numbers.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// The number that is written exactly like this: no sign, no leading zero, no space.
fn canonical_number(name: &str) -> Option<u64> {
    let is_canonical = matches!(name.as_bytes(), [b'1'..=b'9', ..] | [b'0'])
        && name.len() < 20
        && name.bytes().all(|byte| byte.is_ascii_digit());
    is_canonical.then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_texts_share_a_number() {
        let texts = [
            "7",
            "07",
            "+7",
            "7.0",
            "0",
            "00",
            "",
            "-0",
            "9999999999999999999",
            "99999999999999999999",
            "７",
        ];
        let mut names = Names::default();
        for _ in 0..2 {
            for (expected, text) in texts.iter().enumerate() {
                assert_eq!(names.idx(text) as usize, expected, "{text:?}");
            }
        }
        assert_eq!(names.into_names(), texts);
    }
}
