//! Impressions in groups of `slate_len`, viewed or not, with the labels that the session reward model learns. [A 3.3.1]
//!
//! The paper does not say how session watch time becomes a label in [0, 1]: here it is the rank of the slate's total
//! among all training slates. Training slates lie before the cut and hold no held-out event; later ones only test.
//! Training slates overlap, one beginning at every impression, since labels of whole slates are few and noisy.

use std::ops::Range;

use super::interaction::NO_TIME;
use super::prepare::PreparedData;
use super::session::{day, split_where};
use super::{FeedbackFlags, InteractionLog, ItemIdx, UserIdx};

/// Impressions that were shown together, or close to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedSlate {
    /// Whose.
    pub user: UserIdx,
    /// Row of the log of its first item; its history is the user's positive events before it.
    pub first_row: usize,
    /// Exactly `slate_len` items, in the order shown.
    pub items: Vec<ItemIdx>,
    /// swt (rank of the total watch time among training slates), vtr, wtr, ltr (share of the items viewed, followed,
    /// liked), each in [0, 1]; NaN where the data does not say.
    pub labels: [f32; 4],
    /// Impressions with that feedback which no slate before this one shows, so that sums count each once; 0 for swt.
    pub positives: [u32; 4],
    /// Shown after the cut: for testing only.
    pub is_later: bool,
}

/// Fewer user-days than this are too few to learn from; consecutive impressions are used instead.
const MIN_SLATES: usize = 2000;

/// Feedback behind vtr, wtr and ltr.
const KINDS: [FeedbackFlags; 3] = [
    FeedbackFlags::VIEW,
    FeedbackFlags::FOLLOW,
    FeedbackFlags::LIKE,
];

/// All slates of `len` timed impressions, by user and time.
pub fn logged_slates(data: &PreparedData, len: usize) -> Vec<LoggedSlate> {
    let log = &data.dataset.log;
    let windows = match &log.request {
        Some(request) => windows(log, len, |a, b| request[a] != request[b]),
        None => {
            let by_day = windows(log, len, |a, b| {
                day(log.time_millis[a]) != day(log.time_millis[b])
            });
            if by_day.len() >= MIN_SLATES {
                by_day
            } else {
                windows(log, len, |_, _| false)
            }
        }
    };
    // A kind of feedback that never occurs is one the dataset does not record.
    let is_known = KINDS.map(|kind| log.feedback.iter().any(|shown| shown.flags.has(kind)));
    let (mut slates, watch_secs): (Vec<LoggedSlate>, Vec<f32>) = windows
        .into_iter()
        .filter_map(|window| slate(data, window, is_known))
        .unzip();
    rank_watch_time(&mut slates, &watch_secs);
    slates
}

/// Consecutive rows, and how many rows of the same group come before them.
struct Window {
    rows: Range<usize>,
    offset: usize,
}

/// All windows of exactly `len` timed rows of one user that cross no border.
fn windows(
    log: &InteractionLog,
    len: usize,
    is_border: impl Fn(usize, usize) -> bool,
) -> Vec<Window> {
    let mut windows = Vec::new();
    for user_idx in 0..log.n_users() {
        let rows = log.rows_of(UserIdx(user_idx as u32));
        // Events without a clock sort before all others.
        let n_untimed = log.time_millis[rows.clone()].partition_point(|&time| time == NO_TIME);
        for group in split_where(rows.start + n_untimed..rows.end, &is_border) {
            let n_windows = (group.len() + 1).saturating_sub(len);
            windows.extend((0..n_windows).map(|offset| Window {
                rows: group.start + offset..group.start + offset + len,
                offset,
            }));
        }
    }
    windows
}

/// The slate of a window and its total watch time, unless it mixes what may be learned with what may not.
/// Slates that only test do not overlap, so that each impression counts once.
fn slate(
    data: &PreparedData,
    Window { rows, offset }: Window,
    is_known: [bool; 3],
) -> Option<(LoggedSlate, f32)> {
    let log = &data.dataset.log;
    let user = log.user[rows.start];
    let cut = data.split.cut_millis.unwrap_or(i64::MAX);
    let is_later = log.time_millis[rows.start] >= cut;
    let is_learnable =
        rows.end <= data.split.learn_end[user.idx()] && log.time_millis[rows.end - 1] < cut;
    let is_wanted = if is_later {
        offset.is_multiple_of(rows.len())
    } else {
        is_learnable
    };
    if !is_wanted {
        return None;
    }
    let first_new_row = if is_later || offset == 0 {
        rows.start
    } else {
        rows.end - 1
    };
    let mut labels = [f32::NAN; 4];
    let mut positives = [0; 4];
    for (head, kind) in KINDS.into_iter().enumerate() {
        let count = |rows: Range<usize>| {
            let feedback = &log.feedback[rows];
            feedback
                .iter()
                .filter(|shown| shown.flags.has(kind))
                .count()
        };
        positives[head + 1] = count(first_new_row..rows.end) as u32;
        if is_known[head] {
            labels[head + 1] = count(rows.clone()) as f32 / rows.len() as f32;
        }
    }
    let watch_secs = log.feedback[rows.clone()]
        .iter()
        .map(|shown| shown.watch_secs)
        .sum();
    let slate = LoggedSlate {
        user,
        first_row: rows.start,
        items: log.item[rows].to_vec(),
        labels,
        positives,
        is_later,
    };
    Some((slate, watch_secs))
}

/// Sets swt to the share of training slates with a lower total, ties counted half.
fn rank_watch_time(slates: &mut [LoggedSlate], watch_secs: &[f32]) {
    let mut known: Vec<f32> = slates
        .iter()
        .zip(watch_secs)
        .filter(|(slate, secs)| !slate.is_later && !secs.is_nan())
        .map(|(_, &secs)| secs)
        .collect();
    known.sort_by(f32::total_cmp);
    if known.is_empty() {
        return;
    }
    for (slate, &secs) in slates.iter_mut().zip(watch_secs) {
        if !secs.is_nan() {
            let below = known.partition_point(|&other| other < secs);
            let up_to = known.partition_point(|&other| other <= secs);
            slate.labels[0] = (below + up_to) as f32 / (2 * known.len()) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::data::config::DataConfig;
    use crate::engine::data::fixtures::{Event, dataset};
    use crate::engine::data::prepare::prepare_dataset;

    fn config() -> DataConfig {
        let mut config = DataConfig::default();
        config.session.slate_len = 2;
        config
    }

    /// User 0 sees twelve items, one a second, all viewed but every third; 10 s each, the sixth 40 s.
    fn events() -> Vec<Event> {
        (0..12)
            .map(|idx| {
                let mut event = if idx % 3 == 2 {
                    Event::skip(0, idx as u32, idx)
                } else {
                    Event::view(0, idx as u32, idx)
                };
                event.watch_secs = if idx == 5 { 40.0 } else { 10.0 };
                event
            })
            .collect()
    }

    fn slates(events: &[Event]) -> Vec<LoggedSlate> {
        let config = config();
        let data = prepare_dataset(dataset(events), Path::new("test"), &config).unwrap();
        logged_slates(&data, config.session.slate_len)
    }

    #[test]
    fn labels_are_shares_and_ranks() {
        let slates = slates(&events());
        // The cut lies at the tenth event (index 9), the target is the event at index 10.
        let starts: Vec<(usize, bool)> = slates
            .iter()
            .map(|slate| (slate.first_row, slate.is_later))
            .collect();
        let mut expected: Vec<(usize, bool)> = (0..8).map(|row| (row, false)).collect();
        expected.push((10, true));
        assert_eq!(starts, expected);
        let vtr: Vec<f32> = slates.iter().map(|slate| slate.labels[1]).collect();
        assert_eq!(vtr, [1.0, 0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 0.5, 0.5]);
        // Totals 20, 20, 20, 20, 50, 50, 20, 20: six ties share the middle rank of 0 to 6, of 8.
        let swt: Vec<f32> = slates.iter().map(|slate| slate.labels[0]).collect();
        assert_eq!(swt[3..6], [0.375, 0.875, 0.875]);
        let learnable = slates.iter().filter(|slate| !slate.is_later);
        let views: u32 = learnable.map(|slate| slate.positives[1]).sum();
        assert_eq!(views, 6, "each view before the cut counts once");
        assert_eq!(slates[0].positives, [0, 2, 0, 0]);
        assert!(
            slates[0].labels[2].is_nan(),
            "nobody ever followed: the data does not say"
        );
    }

    #[test]
    fn unknown_watch_time_and_untimed_events_are_told_apart() {
        let mut events = events();
        events[0].watch_secs = f32::NAN;
        for event in &mut events[..2] {
            event.time_millis = NO_TIME;
        }
        let slates = slates(&events);
        assert_eq!(
            slates[0].first_row, 2,
            "events without a clock are in no slate"
        );
        assert!(slates.iter().all(|slate| !slate.labels[0].is_nan()));
    }

    #[test]
    fn requests_are_not_mixed() {
        let mut events = events();
        for (idx, event) in events.iter_mut().enumerate() {
            event.request = Some(idx as u32 / 3);
        }
        let starts: Vec<usize> = slates(&events)
            .iter()
            .map(|slate| slate.first_row)
            .collect();
        assert_eq!(
            starts,
            [0, 1, 3, 4, 6, 7, 9],
            "no slate crosses the border of a request of three, and later ones do not overlap"
        );
    }
}
