//! The words of every item as numbers: what a text decoder must say from an item's aligned vectors. [B 2.1.1, L_caption]

use std::collections::HashMap;

use crate::engine::data::ItemCatalog;
use crate::engine::embedding::content::words;

/// Words that can be said: the most frequent ones.
const MAX_WORDS: usize = 2000;
/// Words of an item that have to be said: the first known ones.
pub const CAPTION_LEN: usize = 12;

/// The words of every item as numbers; a word of one item alone is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captions {
    n_words: usize,
    of: Vec<Vec<u32>>,
}

impl Captions {
    /// Numbers the words of a catalogue, the most frequent first.
    pub fn new(catalog: &ItemCatalog) -> Self {
        let texts: Vec<Vec<String>> = catalog.items.iter().map(words).collect();
        let mut n_items_with: HashMap<&str, u32> = HashMap::new();
        for text in &texts {
            let mut own: Vec<&str> = text.iter().map(String::as_str).collect();
            own.sort_unstable();
            own.dedup();
            for word in own {
                *n_items_with.entry(word).or_default() += 1;
            }
        }
        let mut known: Vec<(&str, u32)> = n_items_with
            .into_iter()
            .filter(|(_, count)| *count > 1)
            .collect();
        known.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        known.truncate(MAX_WORDS);
        let number: HashMap<&str, u32> = known.iter().map(|(word, _)| *word).zip(0..).collect();
        let of = texts
            .iter()
            .map(|text| {
                let known = text.iter().filter_map(|word| number.get(word.as_str()));
                known.take(CAPTION_LEN).copied().collect()
            })
            .collect();
        Self {
            n_words: known.len(),
            of,
        }
    }

    /// Different words.
    pub fn n_words(&self) -> usize {
        self.n_words
    }

    /// The words of an item, at most [`CAPTION_LEN`].
    pub fn of(&self, item: u32) -> &[u32] {
        &self.of[item as usize]
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.n_words == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::Item;

    #[test]
    fn words_of_one_item_alone_are_left_out_and_the_most_frequent_come_first() {
        let items = ["red shoe", "red shirt", "blue shoe", "red thing"].map(|title| Item {
            title: title.to_owned(),
            ..Item::default()
        });
        let captions = Captions::new(&ItemCatalog {
            items: items.to_vec(),
        });
        assert_eq!(captions.n_words(), 2, "red and shoe");
        assert_eq!(captions.of(0), [0, 1]);
        assert_eq!(captions.of(2), [1]);
        assert!(!captions.is_empty());
        assert!(Captions::new(&ItemCatalog::default()).is_empty());
    }
}
