//! A slate that is changed by hand: two items exchanged, or one replaced.

use super::view_model::score_values;
use crate::app::widgets::TextTable;
use crate::app::widgets::number::{signed, significant};
use crate::engine::event::{ScoredSlate, SlateItem, Stage};

/// The slate at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct WhatIf {
    /// Where it comes from: the user, the generator, and the rank of its slate.
    of: Option<(String, Stage, usize)>,
    /// Its items as they were written, as rows of the item table.
    written: Vec<u32>,
    /// Its items now.
    items: Vec<u32>,
    /// Places that are chosen, at most two, the older first.
    chosen: Vec<usize>,
}

impl WhatIf {
    /// Begins anew where another slate is looked at.
    pub(super) fn follow(&mut self, user: &str, stage: Stage, rank: usize, slate: &ScoredSlate) {
        let written: Vec<u32> = slate.items.iter().map(|item| item.item_idx).collect();
        let is_same = self
            .of
            .as_ref()
            .is_some_and(|of| of.0 == user && of.1 == stage && of.2 == rank);
        if !is_same || self.written != written {
            self.of = Some((user.to_owned(), stage, rank));
            self.items.clone_from(&written);
            self.written = written;
            self.chosen.clear();
        }
    }

    /// The items now.
    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    /// Whether anything was changed.
    pub(super) fn is_changed(&self) -> bool {
        self.items != self.written
    }

    /// Whether only the order was changed.
    pub(super) fn is_reordered(&self) -> bool {
        let sorted = |items: &[u32]| {
            let mut items = items.to_vec();
            items.sort_unstable();
            items
        };
        self.is_changed() && sorted(&self.items) == sorted(&self.written)
    }

    /// Whether a place is chosen.
    pub(super) fn is_chosen(&self, place: usize) -> bool {
        self.chosen.contains(&place)
    }

    /// Chooses a place, or lets go of it. The third pushes out the first.
    pub(super) fn choose(&mut self, place: usize) {
        if self.is_chosen(place) {
            self.chosen.retain(|known| *known != place);
        } else {
            self.chosen.push(place);
            if self.chosen.len() > 2 {
                self.chosen.remove(0);
            }
        }
    }

    /// Why the two cannot be exchanged.
    pub(super) fn swap_obstacle(&self) -> Option<&'static str> {
        (self.chosen.len() != 2).then_some("Choose two places first.")
    }

    /// Exchanges the two that are chosen.
    pub(super) fn swap(&mut self) {
        if let [a, b] = self.chosen[..] {
            self.items.swap(a, b);
        }
    }

    /// Why the item cannot take the place that is chosen.
    pub(super) fn replace_obstacle(&self, item: Option<u32>) -> Option<&'static str> {
        match (item, self.chosen.len()) {
            (_, 0 | 2..) => Some("Choose one place first."),
            (None, _) => Some("Select an item first: click one in any pane."),
            (Some(item), _) if self.items.contains(&item) => {
                Some("The slate has this item already.")
            }
            _ => None,
        }
    }

    /// Puts an item in the place that is chosen.
    pub(super) fn replace(&mut self, item: u32) {
        if let [place] = self.chosen[..] {
            self.items[place] = item;
        }
    }

    /// Takes all changes back.
    pub(super) fn reset(&mut self) {
        self.items.clone_from(&self.written);
        self.chosen.clear();
    }
}

/// All scores as they were and as they are, with the change.
pub(super) fn scores(written: &ScoredSlate, now: &ScoredSlate) -> TextTable {
    let rows = score_values(written).into_iter().zip(score_values(now));
    TextTable {
        columns: vec![
            ("Score", "As in the comparison above."),
            ("As written", "Of the slate that the generator wrote."),
            ("Changed", "Of the slate as it is now."),
            ("Change", "Changed - as written."),
        ],
        rows: rows
            .map(|((name, before), (_, after))| {
                vec![
                    name,
                    significant(before, 4),
                    significant(after, 4),
                    signed(change(before, after), 3),
                ]
            })
            .collect(),
    }
}

/// The difference, without what is only rounding of the models' single precision.
fn change(before: f64, after: f64) -> f64 {
    let change = after - before;
    if change.abs() < 1e-6 * (1.0 + before.abs()) {
        0.0
    } else {
        change
    }
}

/// What an item adds to a slate, in words; a dash where it is not in it or that is not known.
pub(super) fn share(slate: &ScoredSlate, item_idx: u32) -> [String; 3] {
    let dash = || "-".to_owned();
    let place = slate
        .items
        .iter()
        .position(|item| item.item_idx == item_idx);
    match place.and_then(|place| slate.shares.get(place)) {
        None => [dash(), dash(), dash()],
        Some(share) => [
            signed(share.reward, 3),
            signed(share.judge, 3),
            share.oracle.map_or_else(dash, |oracle| signed(oracle, 3)),
        ],
    }
}

/// The item of a slate with that row of the item table.
pub(super) fn item_of(slates: &[&ScoredSlate], item_idx: u32) -> Option<SlateItem> {
    let mut items = slates.iter().flat_map(|slate| &slate.items);
    items.find(|item| item.item_idx == item_idx).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::ItemShare;

    fn slate(items: &[u32]) -> ScoredSlate {
        ScoredSlate {
            items: items
                .iter()
                .map(|item_idx| SlateItem {
                    item_idx: *item_idx,
                    external_id: item_idx.to_string(),
                    title: format!("item {item_idx}"),
                    codes: vec![1, 2],
                })
                .collect(),
            log_prob: -4.0,
            heads: vec![("vtr".into(), 0.5)],
            reward: 0.25,
            judge_reward: 0.5,
            oracle: None,
            shares: vec![
                ItemShare {
                    reward: 0.125,
                    judge: -0.25,
                    oracle: None,
                };
                2
            ],
        }
    }

    #[test]
    fn two_places_are_exchanged_and_one_is_replaced() {
        let written = slate(&[7, 8, 9]);
        let mut what_if = WhatIf::default();
        what_if.follow("u", Stage::Align, 0, &written);
        assert_eq!(what_if.swap_obstacle(), Some("Choose two places first."));
        what_if.choose(0);
        what_if.choose(1);
        what_if.choose(2);
        assert!(!what_if.is_chosen(0), "the third pushes out the first");
        what_if.swap();
        assert_eq!(what_if.items(), [7, 9, 8]);
        assert!(what_if.is_reordered());
        assert!(
            what_if.replace_obstacle(Some(3)).is_some(),
            "two are chosen"
        );
        what_if.choose(1);
        assert!(what_if.replace_obstacle(None).is_some());
        assert!(
            what_if
                .replace_obstacle(Some(7))
                .unwrap()
                .contains("already")
        );
        what_if.replace(3);
        assert_eq!(what_if.items(), [7, 9, 3]);
        assert!(!what_if.is_reordered());
        // The same slate again changes nothing, another one begins anew.
        what_if.follow("u", Stage::Align, 0, &written);
        assert!(what_if.is_changed());
        what_if.reset();
        assert!(!what_if.is_changed());
        what_if.follow("u", Stage::Align, 1, &slate(&[1, 2]));
        assert_eq!(what_if.items(), [1, 2]);
    }

    #[test]
    fn changes_and_shares_by_hand() {
        let (written, mut now) = (slate(&[1, 2]), slate(&[2, 1]));
        now.reward = 0.5;
        now.judge_reward += 1e-8;
        let table = scores(&written, &now);
        assert_eq!(table.rows[1], ["Reward", "0.2500", "0.5000", "+0.250"]);
        assert_eq!(table.rows[2][3], "0", "rounding is no change");
        assert_eq!(share(&now, 1), ["+0.125", "-0.250", "-"]);
        assert_eq!(share(&now, 7), ["-", "-", "-"], "not in the slate");
        assert_eq!(item_of(&[&written], 2).unwrap().external_id, "2");
        assert!(item_of(&[&written], 5).is_none());
    }
}
