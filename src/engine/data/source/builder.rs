//! Collects events and items in any order and turns them into a [`Dataset`]: dense indices, stable order, fingerprint.
//! It knows nothing of files.

use sha2::{Digest as _, Sha256};

use super::super::interaction::NO_TIME;
use super::super::{
    Dataset, Feedback, InteractionLog, Item, ItemCatalog, ItemIdx, UserColumn, UserIdx,
};
use super::names::Names;
use crate::engine::number::count;

/// One event as a reader found it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEvent {
    pub(super) user: UserIdx,
    pub(super) item: ItemIdx,
    /// Milliseconds since 1970, or `NO_TIME`.
    pub(super) time_millis: i64,
    /// Position among events of equal time; 0 where the file gives none.
    pub(super) order: i64,
    pub(super) request: Option<u32>,
    pub(super) feedback: Feedback,
}

/// A dataset in the making.
#[derive(Debug, Default)]
pub(super) struct DatasetBuilder {
    users: Names,
    items: Names,
    requests: Names,
    /// Row = index of the item's name; items known from events only have no content yet.
    contents: Vec<Option<Item>>,
    events: Vec<RawEvent>,
    user_columns: Vec<RawUserColumn>,
}

/// A column of users in the making.
#[derive(Debug)]
struct RawUserColumn {
    name: String,
    values: Names,
    of_user: Vec<u32>,
}

/// From this many values on, a column is a measure or an identifier, and none to learn a vector per value from.
const MAX_USER_VALUES: usize = 4096;

impl DatasetBuilder {
    /// Adds an item from an item file. Returns false, and keeps the first, when it was there already.
    pub(super) fn add_item(&mut self, item: Item) -> bool {
        let idx = self.items.idx(&item.external_id) as usize;
        if self.contents.len() <= idx {
            self.contents.resize(idx + 1, None);
        }
        let is_new = self.contents[idx].is_none();
        if is_new {
            self.contents[idx] = Some(item);
        }
        is_new
    }

    /// Whether an event or an item file has named this item before.
    pub(super) fn has_item(&self, external_id: &str) -> bool {
        self.items.get(external_id).is_some()
    }

    /// The index of a user, new or known.
    pub(super) fn user(&mut self, external_id: &str) -> UserIdx {
        UserIdx(self.users.idx(external_id))
    }

    /// The index of an item, new or known.
    pub(super) fn item(&mut self, external_id: &str) -> ItemIdx {
        ItemIdx(self.items.idx(external_id))
    }

    /// Begins the table of users, to be called once and after all events.
    pub(super) fn add_user_columns<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.user_columns
            .extend(names.into_iter().map(|name| RawUserColumn {
                name: name.to_owned(),
                values: Names::default(),
                of_user: Vec::new(),
            }));
    }

    /// Adds one user's values, in the order of the columns; an empty text is a missing value. Users without events are
    /// passed over.
    pub(super) fn add_user_values<'v>(
        &mut self,
        external_id: &str,
        values: impl IntoIterator<Item = &'v str>,
    ) {
        let Some(user_idx) = self.users.get(external_id) else {
            return;
        };
        let user_idx = user_idx as usize;
        for (column, value) in self.user_columns.iter_mut().zip(values) {
            if value.is_empty() {
                continue;
            }
            if column.of_user.len() <= user_idx {
                column.of_user.resize(user_idx + 1, 0);
            }
            column.of_user[user_idx] = column.values.idx(value) + 1;
        }
    }

    /// The number of a request, new or known.
    pub(super) fn request(&mut self, external_id: &str) -> u32 {
        self.requests.idx(external_id)
    }

    /// Adds an event.
    pub(super) fn add_event(&mut self, event: RawEvent) {
        self.events.push(event);
    }

    /// The events so far.
    pub(super) fn n_events(&self) -> usize {
        self.events.len()
    }

    /// Sorts and freezes everything.
    pub(super) fn finish(self, format: &str) -> Dataset {
        let Self {
            users,
            items,
            mut contents,
            mut events,
            user_columns,
            ..
        } = self;
        let (users, items) = (users.into_names(), items.into_names());
        let mut warnings: Vec<String> = unknown_items(&contents, &items).into_iter().collect();
        let user_columns = finished_columns(user_columns, users.len(), &mut warnings);
        // A stable sort keeps the order of the files among events of equal time and order.
        events.sort_by_key(|event| (event.user, event.time_millis, event.order));
        contents.resize(items.len(), None);
        let catalog = ItemCatalog {
            items: contents
                .into_iter()
                .zip(items)
                .map(|(content, external_id)| {
                    content.unwrap_or_else(|| Item {
                        external_id,
                        ..Item::default()
                    })
                })
                .collect(),
        };
        let log = log_of(&events, users.len());
        let fingerprint = fingerprint(&catalog, &users, &user_columns, &log);
        Dataset {
            name: String::new(),
            format: format.to_owned(),
            catalog,
            users,
            user_columns,
            log,
            oracle: None,
            fingerprint,
            warnings,
        }
    }
}

/// The columns that can be used, each as long as there are users.
fn finished_columns(
    columns: Vec<RawUserColumn>,
    n_users: usize,
    warnings: &mut Vec<String>,
) -> Vec<UserColumn> {
    let mut finished = Vec::new();
    for column in columns {
        let values = column.values.into_names();
        if values.len() > MAX_USER_VALUES {
            warnings.push(format!(
                "the column {:?} of the users takes {} values, too many for a category; it is left out",
                column.name,
                count(values.len() as u64)
            ));
        } else if values.len() > 1 {
            // A column with one value says nothing.
            let mut of_user = column.of_user;
            of_user.resize(n_users, 0);
            finished.push(UserColumn {
                name: column.name,
                values,
                of_user,
            });
        }
    }
    finished
}

/// A warning when some events are of items that the item file does not have.
fn unknown_items(contents: &[Option<Item>], names: &[String]) -> Option<String> {
    let is_known = |idx: usize| contents.get(idx).is_some_and(Option::is_some);
    let mut unknown = (0..names.len()).filter(|&idx| !is_known(idx));
    let first = unknown.next()?;
    let n_unknown = 1 + unknown.count();
    (n_unknown < names.len()).then(|| {
        format!(
            "{} of {} items have events and no row in the item file, for example {:?}",
            count(n_unknown as u64),
            count(names.len() as u64),
            names[first]
        )
    })
}

/// Columns from sorted events.
fn log_of(events: &[RawEvent], n_users: usize) -> InteractionLog {
    let user_start = (0..=n_users)
        .map(|user_idx| events.partition_point(|event| event.user.idx() < user_idx))
        .collect();
    // Requests are used only when every timed event has one: half of them would group wrongly.
    let has_requests = events.iter().any(|event| event.request.is_some())
        && events
            .iter()
            .all(|event| event.request.is_some() || event.time_millis == NO_TIME);
    InteractionLog {
        user: events.iter().map(|event| event.user).collect(),
        item: events.iter().map(|event| event.item).collect(),
        time_millis: events.iter().map(|event| event.time_millis).collect(),
        request: has_requests.then(|| {
            events
                .iter()
                .map(|event| event.request.unwrap_or(u32::MAX))
                .collect()
        }),
        feedback: events.iter().map(|event| event.feedback).collect(),
        user_start,
    }
}

/// SHA-256 over all that reaches a result. Every text is preceded by its length, so that no two contents
/// look alike.
pub(in super::super) fn fingerprint(
    catalog: &ItemCatalog,
    users: &[String],
    user_columns: &[UserColumn],
    log: &InteractionLog,
) -> String {
    let mut hash = Sha256::new();
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    let count = |hash: &mut Sha256, n: usize| hash.update((n as u64).to_le_bytes());
    count(&mut hash, catalog.len());
    for item in &catalog.items {
        for field in [&item.external_id, &item.title, &item.text] {
            text(&mut hash, field);
        }
        count(&mut hash, item.categories.len());
        for category in &item.categories {
            text(&mut hash, category);
        }
        hash.update([u8::from(item.author.is_some())]);
        text(&mut hash, item.author.as_deref().unwrap_or_default());
        hash.update(item.duration_secs.unwrap_or(f32::NAN).to_le_bytes());
        count(&mut hash, item.features.len());
        for (name, value) in &item.features {
            text(&mut hash, name);
            text(&mut hash, value);
        }
    }
    count(&mut hash, users.len());
    for user in users {
        text(&mut hash, user);
    }
    for column in user_columns {
        text(&mut hash, &column.name);
        for value in &column.values {
            text(&mut hash, value);
        }
        for value in &column.of_user {
            hash.update(value.to_le_bytes());
        }
    }
    count(&mut hash, log.len());
    for row in 0..log.len() {
        hash.update(log.user[row].0.to_le_bytes());
        hash.update(log.item[row].0.to_le_bytes());
        hash.update(log.time_millis[row].to_le_bytes());
        if let Some(request) = &log.request {
            hash.update(request[row].to_le_bytes());
        }
        hash.update(log.feedback[row].watch_secs.to_le_bytes());
        hash.update(log.feedback[row].flags.0.to_le_bytes());
    }
    use std::fmt::Write as _;
    let digest = hash.finalize();
    digest
        .iter()
        .fold(String::with_capacity(2 * digest.len()), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String never fails");
            hex
        })
}
