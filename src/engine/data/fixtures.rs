//! Small logs for the tests of this folder. Not part of the library.

use super::interaction::{Feedback, FeedbackFlags, InteractionLog};
use super::{Dataset, Item, ItemCatalog, ItemIdx, UserIdx};

/// One event; events are given in the order of the log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) user: u32,
    pub(crate) item: u32,
    pub(crate) time_millis: i64,
    pub(crate) request: Option<u32>,
    pub(crate) watch_secs: f32,
    pub(crate) flags: FeedbackFlags,
}

impl Event {
    /// An impression that was viewed.
    pub(crate) fn view(user: u32, item: u32, time_millis: i64) -> Self {
        Self {
            flags: FeedbackFlags::VIEW,
            ..Self::skip(user, item, time_millis)
        }
    }

    /// An impression without feedback.
    pub(crate) fn skip(user: u32, item: u32, time_millis: i64) -> Self {
        Self {
            user,
            item,
            time_millis,
            request: None,
            watch_secs: f32::NAN,
            flags: FeedbackFlags::default(),
        }
    }
}

/// The log of events that are sorted by user and time.
pub(crate) fn log(events: &[Event]) -> InteractionLog {
    let n_users = events.iter().map(|event| event.user + 1).max().unwrap_or(0);
    InteractionLog {
        user: events.iter().map(|event| UserIdx(event.user)).collect(),
        item: events.iter().map(|event| ItemIdx(event.item)).collect(),
        time_millis: events.iter().map(|event| event.time_millis).collect(),
        request: events.iter().map(|event| event.request).collect(),
        feedback: events
            .iter()
            .map(|event| Feedback {
                watch_secs: event.watch_secs,
                flags: event.flags,
            })
            .collect(),
        user_start: (0..=n_users)
            .map(|user| events.partition_point(|event| event.user < user))
            .collect(),
    }
}

/// A dataset of these events, with as many nameless items as they need.
pub(crate) fn dataset(events: &[Event]) -> Dataset {
    let log = log(events);
    let n_items = events.iter().map(|event| event.item + 1).max().unwrap_or(0);
    Dataset {
        name: "fixture".to_owned(),
        format: "test".to_owned(),
        catalog: ItemCatalog {
            items: (0..n_items)
                .map(|item| Item {
                    external_id: format!("i{item}"),
                    ..Item::default()
                })
                .collect(),
        },
        users: (0..log.n_users()).map(|user| format!("u{user}")).collect(),
        user_columns: Vec::new(),
        log,
        oracle: None,
        fingerprint: String::new(),
        warnings: Vec::new(),
    }
}
