//! A search for semantic IDs as the user types it: `12.3.5`, `12.*.5`, `12` or `<a_12><b_3>`.

use super::Code;

/// What each level must be; missing levels at the end may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SidPattern {
    /// The code of each level, or nothing where any code will do.
    pub levels: Vec<Option<Code>>,
}

impl SidPattern {
    /// All IDs that begin with these codes.
    pub fn prefix(codes: &[Code]) -> Self {
        Self {
            levels: codes.iter().copied().map(Some).collect(),
        }
    }

    /// All IDs with that code at that level.
    pub fn code(level_idx: usize, code: Code) -> Self {
        let mut levels = vec![None; level_idx];
        levels.push(Some(code));
        Self { levels }
    }

    /// Whether it asks for nothing: every ID fits.
    pub fn is_open(&self) -> bool {
        self.levels.iter().all(Option::is_none)
    }

    /// The codes, where it leaves no level open before its last one.
    pub fn codes(&self) -> Option<Vec<Code>> {
        self.levels.iter().copied().collect()
    }

    /// Reads a pattern; nothing where the text is not one.
    ///
    /// Codes are separated by dots, commas, dashes or spaces, and `*` or `?` stands for any code.
    /// The papers' form `<a_12><b_3><c_5>` names the level by its letter, so that `<b_3>` alone leaves
    /// the first level open. [A Fig. 2]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let levels = if text.starts_with('<') {
            Self::parse_tagged(text)?
        } else {
            Self::parse_plain(text)?
        };
        (!levels.is_empty()).then_some(Self { levels })
    }

    /// Whether a semantic ID, or the beginning of one, fits.
    pub fn matches(&self, sid: &[Code]) -> bool {
        self.levels.len() <= sid.len()
            && self
                .levels
                .iter()
                .zip(sid)
                .all(|(wanted, code)| wanted.is_none_or(|wanted| wanted == *code))
    }

    fn parse_plain(text: &str) -> Option<Vec<Option<Code>>> {
        let text = text.trim_end_matches(['.', ',', '-']);
        text.split(|symbol: char| matches!(symbol, '.' | ',' | '-') || symbol.is_whitespace())
            .filter(|part| !part.is_empty())
            .map(|part| match part {
                "*" | "?" => Some(None),
                _ => part.parse().ok().map(Some),
            })
            .collect()
    }

    fn parse_tagged(text: &str) -> Option<Vec<Option<Code>>> {
        let mut levels = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (tag, after) = rest.strip_prefix('<')?.split_once('>')?;
            let (letter, code) = tag.split_once('_')?;
            let &[letter] = letter.as_bytes() else {
                return None;
            };
            let level_idx = usize::from(letter.to_ascii_lowercase().checked_sub(b'a')?);
            if level_idx >= 26 {
                return None;
            }
            if levels.len() <= level_idx {
                levels.resize(level_idx + 1, None);
            }
            levels[level_idx] = match code {
                "*" | "?" => None,
                _ => Some(code.parse().ok()?),
            };
            rest = after.trim_start();
        }
        Some(levels)
    }
}

impl std::fmt::Display for SidPattern {
    /// As it is typed: `12.*.5`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (level_idx, level) in self.levels.iter().enumerate() {
            if level_idx > 0 {
                f.write_str(".")?;
            }
            match level {
                Some(code) => write!(f, "{code}")?,
                None => f.write_str("*")?,
            }
        }
        Ok(())
    }
}

/// A semantic ID in the papers' form, `<a_12><b_3><c_5>`. [A Fig. 2]
pub fn tagged(sid: &[Code]) -> String {
    sid.iter()
        .zip('a'..='z')
        .map(|(code, letter)| format!("<{letter}_{code}>"))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn levels(text: &str) -> Option<Vec<Option<Code>>> {
        SidPattern::parse(text).map(|pattern| pattern.levels)
    }

    #[test]
    fn all_forms_are_read() {
        assert_eq!(levels("12.3.5"), Some(vec![Some(12), Some(3), Some(5)]));
        assert_eq!(levels(" 12 . * . 5 "), Some(vec![Some(12), None, Some(5)]));
        assert_eq!(levels("12,?"), Some(vec![Some(12), None]));
        assert_eq!(levels("12."), Some(vec![Some(12)]));
        assert_eq!(levels("<a_12><b_3>"), Some(vec![Some(12), Some(3)]));
        assert_eq!(levels("<b_3>"), Some(vec![None, Some(3)]));
        assert_eq!(levels("<A_*> <C_7>"), Some(vec![None, None, Some(7)]));
        for text in [
            "", "  ", ".", "cat", "1.x", "<a_1", "<a1>", "<_1>", "<1_1>", "70000", "-", "<é_1>",
        ] {
            assert_eq!(levels(text), None, "{text:?}");
        }
    }

    #[test]
    fn missing_levels_match_anything_and_extra_levels_nothing() {
        let sid = [12, 3, 5];
        for text in ["12", "12.3", "*.3", "*.*.5", "<c_5>", tagged(&sid).as_str()] {
            assert!(SidPattern::parse(text).unwrap().matches(&sid), "{text}");
        }
        for text in ["3", "12.4", "*.*.6", "12.3.5.*"] {
            assert!(!SidPattern::parse(text).unwrap().matches(&sid), "{text}");
        }
    }

    #[test]
    fn patterns_are_made_and_written() {
        let pattern = SidPattern::code(1, 7);
        assert_eq!(pattern.to_string(), "*.7");
        assert_eq!(SidPattern::parse("*.7"), Some(pattern.clone()));
        assert_eq!((pattern.codes(), pattern.is_open()), (None, false));
        let prefix = SidPattern::prefix(&[12, 3]);
        assert_eq!(
            (prefix.to_string().as_str(), prefix.codes()),
            ("12.3", Some(vec![12, 3]))
        );
        assert!(SidPattern::default().is_open() && SidPattern::default().matches(&[1]));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}") {
            SidPattern::parse(&text);
        }

        #[test]
        fn a_written_id_finds_itself(sid in prop::collection::vec(0_u16..9000, 1..6)) {
            prop_assert!(SidPattern::parse(&tagged(&sid)).unwrap().matches(&sid));
        }
    }
}
