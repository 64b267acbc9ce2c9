//! A small log with every feature, for tests.

use crate::engine::data::config::DataConfig;
use crate::engine::data::fixtures::{Event, dataset};
use crate::engine::data::prepare::{PreparedData, prepare_dataset};
use crate::engine::data::{FeedbackFlags, Item, UserColumn, UserIdx};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::tokenizer::SemanticIdTable;

/// Items of the log.
pub(crate) const N_ITEMS: usize = 12;

/// The events of three users: user 0 skips every third item, user 1 likes some, user 2 has no times at first.
pub(crate) fn events() -> Vec<Event> {
    let event = |user: u32, step: u32, item: u32| {
        let mut event = Event::view(user, item, i64::from(1 + step) * 90_000);
        event.watch_secs = 1.0 + (item * 7 % 5) as f32 * 3.0;
        if (step + 1).is_multiple_of(3) && user == 0 {
            event.flags = FeedbackFlags::default();
            event.watch_secs = 0.0;
        }
        if item.is_multiple_of(2) && user == 1 {
            event.flags = event.flags.with(FeedbackFlags::LIKE);
        }
        event
    };
    let mut events: Vec<Event> = (0..14).map(|step| event(0, step, step * 5 % 12)).collect();
    events.extend((0..6).map(|step| event(1, step, (step * 7 + 3) % 12)));
    events.extend((0..4).map(|step| Event {
        time_millis: crate::engine::data::interaction::NO_TIME,
        watch_secs: f32::NAN,
        ..event(2, step, 11 - step)
    }));
    events
}

/// A log of these events with authors, tags, durations and a column of users.
pub(crate) fn data_of(events: &[Event]) -> PreparedData {
    let mut data = dataset(events);
    let items = (0..N_ITEMS).map(|idx| Item {
        external_id: format!("i{idx}"),
        // Every fifth item is of unknown origin and length.
        author: (idx % 5 != 4).then(|| format!("author {}", idx % 4)),
        duration_secs: (idx % 5 != 4).then_some(5.0 + idx as f32),
        categories: (0..idx % 3)
            .map(|tag| format!("tag {}", tag + idx % 2))
            .collect(),
        ..Item::default()
    });
    data.catalog.items = items.collect();
    data.user_columns = vec![UserColumn {
        name: "age".to_owned(),
        values: vec!["young".to_owned(), "old".to_owned()],
        of_user: (0..data.log.n_users())
            .map(|user| (user % 3) as u32)
            .collect(),
    }];
    prepare_dataset(data, "toy".as_ref(), &DataConfig::default()).unwrap()
}

/// The log as it is.
pub(crate) fn data() -> PreparedData {
    data_of(&events())
}

/// Row number `n` of a user.
pub(crate) fn row(data: &PreparedData, user: u32, n: usize) -> usize {
    data.dataset.log.rows_of(UserIdx(user)).start + n
}

/// Three levels of five codes; some items share IDs.
pub(crate) fn table() -> SemanticIdTable {
    let codes = (0..N_ITEMS as u16).flat_map(|idx| [idx % 5, idx / 3 % 5, idx * 2 % 5]);
    SemanticIdTable::new(3, 5, codes.collect())
}

/// Two numbers per item.
pub(crate) fn embeddings() -> ItemEmbeddings {
    ItemEmbeddings {
        values: (0..2 * N_ITEMS)
            .map(|idx| (idx as f32 * 1.7).sin())
            .collect(),
        dim: 2,
    }
}
