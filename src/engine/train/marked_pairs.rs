//! The user's marks on preference pairs, as they take effect: a marked pair is left out, or turned round.
//!
//! A pair is the same when it is the same user's, with the same chosen slate and the same worst one, or with both
//! exchanged. The file is looked at before every step, so that a mark holds from the next one on; with the same marks at
//! the same steps a run repeats exactly.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::PreparedData;
use crate::engine::error::EngineError;
use crate::engine::event::{NoticeLevel, Stage};
use crate::engine::run::RunDir;
use crate::engine::run::pair_marks::{PairMarks, PairVerdict};
use crate::engine::train::ctx::StageCtx;
use crate::engine::train::preference_pairs::{PreferencePair, best_and_worst};
use crate::engine::train::rollouts::Group;

/// The marks in force, and what they did since it was last told.
pub(super) struct MarkedPairs {
    path: PathBuf,
    /// Time and length of the file that was read; `None` without one.
    file: Option<(SystemTime, u64)>,
    /// By row of the user.
    marks: BTreeMap<u32, Vec<Mark>>,
    n_left_out: u64,
    n_turned: u64,
}

struct Mark {
    chosen: Vec<ItemIdx>,
    rejected: Vec<ItemIdx>,
    verdict: PairVerdict,
}

impl MarkedPairs {
    /// No marks yet.
    pub(super) fn new(dir: &RunDir) -> Self {
        Self {
            path: dir.pair_marks_path(),
            file: None,
            marks: BTreeMap::new(),
            n_left_out: 0,
            n_turned: 0,
        }
    }

    /// The pairs that step number `step`, counting from 0, is to learn from; none for an objective that learns from groups.
    ///
    /// # Errors
    /// Of the file of marks, or if the journal cannot be written.
    pub(super) fn pairs<'a>(
        &mut self,
        ctx: &mut StageCtx<'_>,
        data: &PreparedData,
        step: u64,
        groups: &'a [Group],
    ) -> Result<Vec<PreferencePair<'a>>, EngineError> {
        let settings = &ctx.config.align;
        if !settings.objective.learns_from_pairs() {
            return Ok(Vec::new());
        }
        if let Some(n_marks) = self.refresh(data)? {
            let text = format!("{n_marks} marked pairs, from step {} on", step + 1);
            ctx.reporter.notice(NoticeLevel::Info, Stage::Align, text)?;
        }
        Ok(self.apply(best_and_worst(groups, settings.n_rejected)))
    }

    /// Takes the file's marks where it has changed, and then tells how many there are.
    ///
    /// # Errors
    /// If the file is damaged, or marks a user or an item that the data does not have.
    fn refresh(&mut self, data: &PreparedData) -> Result<Option<usize>, EngineError> {
        let file = std::fs::metadata(&self.path)
            .ok()
            .and_then(|about| Some((about.modified().ok()?, about.len())));
        if file == self.file {
            return Ok(None);
        }
        let read = PairMarks::load(&self.path)?;
        self.marks = by_user(&read, data).map_err(|found| EngineError::PairMarks {
            path: self.path.clone(),
            found,
        })?;
        self.file = file;
        Ok(Some(read.all().len()))
    }

    /// The pairs that are to be learned from.
    fn apply<'a>(&mut self, pairs: Vec<PreferencePair<'a>>) -> Vec<PreferencePair<'a>> {
        let mut kept = Vec::with_capacity(pairs.len());
        for mut pair in pairs {
            match self.wanted(&pair) {
                Wanted::AsItIs => kept.push(pair),
                Wanted::Turned => {
                    self.n_turned += 1;
                    pair.turn_round();
                    kept.push(pair);
                }
                Wanted::Nothing => self.n_left_out += 1,
            }
        }
        kept
    }

    /// Pairs left out and turned round since this was last asked, as values of a step; nothing where there are no marks.
    pub(super) fn take_values(&mut self) -> Vec<(String, f64)> {
        let left_out = std::mem::take(&mut self.n_left_out);
        let turned = std::mem::take(&mut self.n_turned);
        if self.marks.is_empty() && left_out + turned == 0 {
            return Vec::new();
        }
        vec![
            ("pairs_left_out".to_owned(), left_out as f64),
            ("pairs_turned".to_owned(), turned as f64),
        ]
    }

    fn wanted(&self, pair: &PreferencePair<'_>) -> Wanted {
        let slates = &pair.group.slates;
        let (Some(marks), Some(worst)) = (
            self.marks.get(&pair.group.moment.user.0),
            pair.rejected.first(),
        ) else {
            return Wanted::AsItIs;
        };
        let (chosen, rejected) = (&slates[pair.chosen].items, &slates[*worst].items);
        let is_straight = |mark: &Mark| mark.chosen == *chosen && mark.rejected == *rejected;
        let is_crossed = |mark: &Mark| mark.chosen == *rejected && mark.rejected == *chosen;
        let Some(mark) = marks
            .iter()
            .find(|mark| is_straight(mark) || is_crossed(mark))
        else {
            return Wanted::AsItIs;
        };
        match mark.verdict {
            PairVerdict::LeaveOut => Wanted::Nothing,
            PairVerdict::TurnRound if is_straight(mark) => Wanted::Turned,
            PairVerdict::TurnRound => Wanted::AsItIs,
        }
    }
}

/// What a mark asks of a pair.
enum Wanted {
    AsItIs,
    Turned,
    Nothing,
}

fn by_user(read: &PairMarks, data: &PreparedData) -> Result<BTreeMap<u32, Vec<Mark>>, String> {
    let mut marks: BTreeMap<u32, Vec<Mark>> = BTreeMap::new();
    if read.all().is_empty() {
        return Ok(marks);
    }
    let items = &data.dataset.catalog.items;
    let item_of: BTreeMap<&str, ItemIdx> = items
        .iter()
        .zip(0..)
        .map(|(item, idx)| (item.external_id.as_str(), ItemIdx(idx)))
        .collect();
    let users = &data.dataset.users;
    let user_of: BTreeMap<&str, u32> = users.iter().map(String::as_str).zip(0..).collect();
    for mark in read.all() {
        let pair = &mark.pair;
        let user = user_of
            .get(pair.user.as_str())
            .ok_or_else(|| format!("a mark on user {:?}, whom the dataset lacks", pair.user))?;
        let slate = |names: &[String]| -> Result<Vec<ItemIdx>, String> {
            names
                .iter()
                .map(|name| {
                    let item = item_of.get(name.as_str()).copied();
                    item.ok_or_else(|| format!("a mark on item {name:?}, which the dataset lacks"))
                })
                .collect()
        };
        marks.entry(*user).or_default().push(Mark {
            chosen: slate(&pair.chosen)?,
            rejected: slate(&pair.rejected)?,
            verdict: mark.verdict,
        });
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::data::Moment;
    use crate::engine::data::UserIdx;
    use crate::engine::eval::generate::GeneratedSlate;
    use crate::engine::eval::toy;
    use crate::engine::run::pair_marks::{PairKey, PairMark};

    /// One user's group of three slates of one item each.
    fn group(user: u32, rewards: [f64; 3]) -> Group {
        let slate = |item| GeneratedSlate {
            items: vec![ItemIdx(item)],
            codes: vec![0; 2],
            log_prob: 0.0,
        };
        Group {
            moment: Moment {
                user: UserIdx(user),
                ..Moment::from_history(vec![ItemIdx(0)])
            },
            slates: [1, 2, 3].map(slate).to_vec(),
            rewards: rewards.to_vec(),
        }
    }

    fn mark(user: &str, chosen: &str, rejected: &str, verdict: PairVerdict) -> PairMark {
        PairMark {
            pair: PairKey {
                user: user.into(),
                chosen: vec![chosen.into()],
                rejected: vec![rejected.into()],
            },
            verdict,
            note: String::new(),
        }
    }

    #[test]
    fn marked_pairs_are_left_out_or_turned_round_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::new(folder.path());
        let data = toy::data(&[&[0, 1, 2, 3], &[1, 2, 3, 0], &[2, 3, 0, 1]], 4);
        let mut marked = MarkedPairs::new(&dir);
        assert_eq!(marked.refresh(&data).unwrap(), None, "there is no file");
        assert!(marked.take_values().is_empty());

        let mut marks = PairMarks::default();
        let (turn, drop) = (PairVerdict::TurnRound, PairVerdict::LeaveOut);
        marks.set(mark("user-0", "item-3", "item-1", drop));
        marks.set(mark("user-1", "item-3", "item-1", turn));
        marks.set(mark("user-2", "item-1", "item-3", turn));
        marks.save(&dir.pair_marks_path()).unwrap();
        assert_eq!(marked.refresh(&data).unwrap(), Some(3));
        assert_eq!(marked.refresh(&data).unwrap(), None, "nothing has changed");

        let rewards = [0.25, 0.5, 0.75];
        let groups = [group(0, rewards), group(1, rewards), group(2, rewards)];
        let pairs = marked.apply(best_and_worst(&groups, 1));
        // The first is left out, the second turned round, the third stands already as its mark wants it.
        let seen: Vec<(u32, usize, usize, f64)> = pairs
            .iter()
            .map(|pair| {
                let user = pair.group.moment.user.0;
                (user, pair.chosen, pair.rejected[0], pair.reward_gap)
            })
            .collect();
        assert_eq!(seen, [(1, 0, 2, -0.5), (2, 2, 0, 0.5)]);
        let values = marked.take_values();
        let values: Vec<(&str, f64)> = values.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        assert_eq!(values, [("pairs_left_out", 1.0), ("pairs_turned", 1.0)]);
        assert_eq!(marked.take_values()[0].1, 0.0, "told once");

        // Other slates of the same user are no marked pair.
        let other = [group(0, [0.25, 0.75, 0.5])];
        assert_eq!(marked.apply(best_and_worst(&other, 1)).len(), 1);
    }

    #[test]
    fn a_mark_on_what_the_data_lacks_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::new(folder.path());
        let data = toy::data(&[&[0, 1, 2, 3]], 4);
        for (mark, words) in [
            (
                mark("nobody", "item-0", "item-1", PairVerdict::LeaveOut),
                "nobody",
            ),
            (
                mark("user-0", "item-0", "item-9", PairVerdict::LeaveOut),
                "item-9",
            ),
        ] {
            let mut marks = PairMarks::default();
            marks.set(mark);
            marks.save(&dir.pair_marks_path()).unwrap();
            let error = MarkedPairs::new(&dir).refresh(&data).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
