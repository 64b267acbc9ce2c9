//! What a user says of single preference pairs: leave it out, or learn it the other way round. Kept as `pair_marks.json` in
//! the run folder, so that it holds in later steps, after a resume and when alignment is done again.
//!
//! The file may have been written by hand: whoever reads it trusts nothing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic;
use crate::engine::error::EngineError;

/// The layout that this version writes and reads.
const FORMAT_VERSION: u32 = 1;
/// Bytes above which the file is not read.
const MOST_BYTES: u64 = 8 << 20;
/// Marks of a file.
const MOST_MARKS: usize = 10_000;
/// Items of a slate.
const MOST_ITEMS: usize = 256;
/// Characters of a note.
pub const MOST_NOTE_CHARS: usize = 500;

/// A preference pair, whichever step it comes up in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairKey {
    /// The dataset's own identifier of the user.
    pub user: String,
    /// The dataset's own identifiers of the items of the slate that was chosen, in order.
    pub chosen: Vec<String>,
    /// The same of the slate with the lowest reward.
    pub rejected: Vec<String>,
}

impl PairKey {
    /// Whether both are the same user's same two slates, whichever of them is the chosen one.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_straight = || self.chosen == other.chosen && self.rejected == other.rejected;
        let is_crossed = || self.chosen == other.rejected && self.rejected == other.chosen;
        self.user == other.user && (is_straight() || is_crossed())
    }
}

/// What is to become of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// Nothing is learned from it.
    LeaveOut,
    /// The slate that was rejected is the chosen one.
    TurnRound,
}

/// A mark on a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairMark {
    /// The pair as it was when it was marked.
    pub pair: PairKey,
    /// What is to become of it.
    pub verdict: PairVerdict,
    /// Why; may be empty.
    #[serde(default)]
    pub note: String,
}

/// All marks of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairMarks {
    format_version: u32,
    marks: Vec<PairMark>,
}

impl Default for PairMarks {
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            marks: Vec::new(),
        }
    }
}

impl PairMarks {
    /// Reads the file; without one there are no marks.
    ///
    /// # Errors
    /// If it cannot be read, or holds anything but marks of this version.
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(EngineError::io("read", path)(error)),
        };
        let damaged = |found: String| EngineError::PairMarks {
            path: path.to_owned(),
            found,
        };
        let mut text = Vec::new();
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(EngineError::io("read", path))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(damaged(format!("more than {MOST_BYTES} bytes")));
        }
        // The version comes first: a newer layout must not be reported as damage.
        let version = serde_json::from_slice::<serde_json::Value>(&text)
            .map_err(|error| damaged(error.to_string()))?
            .get("format_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(FORMAT_VERSION)) {
            let found = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            return Err(damaged(format!(
                "format version {found}, expected {FORMAT_VERSION}"
            )));
        }
        let marks: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        marks.check().map_err(damaged)?;
        Ok(marks)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it cannot be written; what was there before is then untouched.
    pub fn save(&self, path: &Path) -> Result<(), EngineError> {
        self.check().map_err(|found| EngineError::PairMarks {
            path: path.to_owned(),
            found,
        })?;
        atomic::write_json(path, self)
    }

    /// All marks, the oldest first.
    pub fn all(&self) -> &[PairMark] {
        &self.marks
    }

    /// The mark on a pair.
    pub fn of(&self, pair: &PairKey) -> Option<&PairMark> {
        self.marks.iter().find(|mark| mark.pair.is_same(pair))
    }

    /// Puts a mark in the place of the one that the pair has, if any.
    pub fn set(&mut self, mark: PairMark) {
        match self
            .marks
            .iter_mut()
            .find(|known| known.pair.is_same(&mark.pair))
        {
            Some(known) => *known = mark,
            None => self.marks.push(mark),
        }
    }

    /// Takes the mark off a pair.
    pub fn remove(&mut self, pair: &PairKey) {
        self.marks.retain(|mark| !mark.pair.is_same(pair));
    }

    fn check(&self) -> Result<(), String> {
        if self.marks.len() > MOST_MARKS {
            return Err(format!(
                "{} marks, at most {MOST_MARKS} are read",
                self.marks.len()
            ));
        }
        for (mark, number) in self.marks.iter().zip(1..) {
            let PairKey {
                chosen, rejected, ..
            } = &mark.pair;
            let n_items = chosen.len().max(rejected.len());
            if chosen.is_empty() || rejected.is_empty() || n_items > MOST_ITEMS {
                return Err(format!(
                    "mark {number} has slates of {} and {} items, expected 1 to {MOST_ITEMS}",
                    chosen.len(),
                    rejected.len()
                ));
            }
            if chosen == rejected {
                return Err(format!("mark {number} sets a slate against itself"));
            }
            let n_chars = mark.note.chars().count();
            if n_chars > MOST_NOTE_CHARS {
                return Err(format!(
                    "mark {number} has a note of {n_chars} characters, at most {MOST_NOTE_CHARS} are read"
                ));
            }
            let earlier = self.marks.iter().take(number - 1);
            if earlier
                .into_iter()
                .any(|other| other.pair.is_same(&mark.pair))
            {
                return Err(format!("mark {number} is on a pair that has one already"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::error::Hint as _;

    fn key(user: &str, chosen: &[&str], rejected: &[&str]) -> PairKey {
        let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        PairKey {
            user: user.into(),
            chosen: owned(chosen),
            rejected: owned(rejected),
        }
    }

    fn mark(pair: PairKey, verdict: PairVerdict) -> PairMark {
        PairMark {
            pair,
            verdict,
            note: "推荐: seen twice".into(),
        }
    }

    #[test]
    fn marks_go_round_and_a_pair_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pair_marks.json");
        let mut marks = PairMarks::load(&path).unwrap();
        assert!(marks.all().is_empty(), "no file, no marks");
        let pair = key("u1", &["1", "2"], &["3", "4"]);
        marks.set(mark(pair.clone(), PairVerdict::LeaveOut));
        marks.set(mark(key("u2", &["1"], &["3"]), PairVerdict::LeaveOut));
        // The same two slates, the other way round.
        marks.set(mark(
            key("u1", &["3", "4"], &["1", "2"]),
            PairVerdict::TurnRound,
        ));
        marks.save(&path).unwrap();
        let mut back = PairMarks::load(&path).unwrap();
        assert_eq!(back, marks);
        assert_eq!(back.all().len(), 2);
        assert_eq!(back.of(&pair).unwrap().verdict, PairVerdict::TurnRound);
        assert!(back.of(&key("u2", &["1", "2"], &["3", "4"])).is_none());
        back.remove(&pair);
        assert_eq!(back.all().len(), 1);
    }

    #[test]
    fn a_damaged_file_is_refused_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pair_marks.json");
        let pair = r#"{"user":"u","chosen":["1"],"rejected":["2"]}"#;
        let crossed = r#"{"user":"u","chosen":["2"],"rejected":["1"]}"#;
        let drop = |pair: &str| format!(r#"{{"pair":{pair},"verdict":"leave_out"}}"#);
        let file = |marks: &str| format!(r#"{{"format_version":1,"marks":[{marks}]}}"#);
        atomic::write(&path, file(&drop(pair)).as_bytes()).unwrap();
        assert_eq!(PairMarks::load(&path).unwrap().all().len(), 1);
        let long = format!(
            r#"{{"pair":{pair},"verdict":"turn_round","note":"{}"}}"#,
            "x".repeat(501)
        );
        for (text, words) in [
            (String::new(), "EOF"),
            ("[1, 2".to_owned(), "EOF"),
            (r#"{"marks":[]}"#.to_owned(), "version none"),
            (r#"{"format_version":2,"pairs":7}"#.to_owned(), "version 2"),
            (
                file(r#"{"pair":{},"verdict":"leave_out"}"#),
                "missing field",
            ),
            (
                file(&format!(r#"{{"pair":{pair},"verdict":"keep"}}"#)),
                "unknown variant",
            ),
            (
                file(&drop(r#"{"user":"u","chosen":[],"rejected":["2"]}"#)),
                "0 and 1 items",
            ),
            (
                file(&drop(r#"{"user":"u","chosen":["2"],"rejected":["2"]}"#)),
                "against itself",
            ),
            (
                file(&format!("{},{}", drop(pair), drop(crossed))),
                "has one already",
            ),
            (file(&long), "501 characters"),
            (" ".repeat(MOST_BYTES as usize + 1), "more than"),
        ] {
            atomic::write(&path, text.as_bytes()).unwrap();
            let error = PairMarks::load(&path).unwrap_err();
            assert!(error.to_string().contains(words), "{words}: {error}");
            assert!(
                error.hint().unwrap().contains("remove the file"),
                "{:?}",
                error.hint()
            );
        }
    }
}
