//! Any dataset as tables: one or more event files and an optional item file, in CSV, JSON Lines or Parquet, with a
//! column mapping. Also what the project's own simulator writes; its oracle is read along.

use std::path::{Path, PathBuf};

use super::super::config::DataConfig;
use super::super::interaction::NO_TIME;
use super::super::{DataError, Dataset, Feedback, FeedbackFlags, Item};
use super::builder::{DatasetBuilder, RawEvent};
use super::cell::Row;
use super::simulator::{ORACLE_FILE, Oracle};
use super::table::{Table, is_table};
use super::{file_name, files_in};

/// A file with one of these in its name holds events.
const EVENT_WORDS: [&str; 4] = ["event", "inter", "log", "rating"];

/// The files of a generic dataset.
pub(super) struct Files {
    events: Vec<PathBuf>,
    items: Vec<PathBuf>,
    oracle: Option<PathBuf>,
}

/// The files, when there is at least one event file. A path to a single table is an event file whatever its name.
pub(super) fn detect(path: &Path) -> Result<Option<Files>, DataError> {
    let tables: Vec<PathBuf> = files_in(path)?
        .into_iter()
        .filter(|file| is_table(file))
        .collect();
    if !path.is_dir() {
        return Ok((!tables.is_empty()).then_some(Files {
            events: tables,
            items: Vec::new(),
            oracle: None,
        }));
    }
    let (items, others): (Vec<_>, Vec<_>) = tables
        .into_iter()
        .partition(|file| file_name(file).starts_with("items."));
    let events: Vec<PathBuf> = others
        .into_iter()
        .filter(|file| {
            let name = file_name(file).to_lowercase();
            EVENT_WORDS.iter().any(|word| name.contains(word))
        })
        .collect();
    let oracle = Some(path.join(ORACLE_FILE)).filter(|file| file.is_file());
    Ok((!events.is_empty()).then_some(Files {
        events,
        items,
        oracle,
    }))
}

pub(super) fn load(files: &Files, config: &DataConfig) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    for path in &files.items {
        read_items(path, config, &mut builder)?;
    }
    let tables = files
        .events
        .iter()
        .map(|path| Table::open(path))
        .collect::<Result<Vec<_>, _>>()?;
    check_mapping(&tables, config)?;
    for table in tables {
        read_events(table, config, &mut builder)?;
    }
    let Some(path) = &files.oracle else {
        return Ok(builder.finish("tables"));
    };
    let mut dataset = builder.finish("simulated");
    let oracle = Oracle::read(path, &dataset.catalog.items, &dataset.users)?;
    dataset.oracle = Some(oracle);
    Ok(dataset)
}

/// The file's name of one of our columns.
fn mapped<'a>(config: &'a DataConfig, ours: &'a str) -> &'a str {
    config.columns.get(ours).map_or(ours, String::as_str)
}

/// Columns of events that the mapping names must be in at least one event file: a misspelt name would otherwise
/// silently leave a kind of feedback out.
fn check_mapping(tables: &[Table], config: &DataConfig) -> Result<(), DataError> {
    const OF_ITEMS: [&str; 5] = ["title", "text", "categories", "author", "duration_secs"];
    for (ours, theirs) in &config.columns {
        let is_found = tables.iter().any(|table| table.column(theirs).is_some());
        if !is_found && !OF_ITEMS.contains(&ours.as_str()) {
            tables[0].require(theirs)?;
        }
    }
    Ok(())
}

fn read_items(
    path: &Path,
    config: &DataConfig,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let table = Table::open(path)?;
    let id = table.require(mapped(config, "item"))?;
    let [title, text, author, categories, duration] =
        ["title", "text", "author", "categories", "duration_secs"]
            .map(|name| table.column(mapped(config, name)));
    let known = [Some(id), title, text, author, categories, duration];
    let features: Vec<(String, usize)> = table
        .header()
        .iter()
        .enumerate()
        .filter(|(column, _)| !known.contains(&Some(*column)))
        .map(|(column, name)| (name.clone(), column))
        .collect();
    let mut warnings = Vec::new();
    let mut n_repeated = 0;
    let outcome = table.for_each_row(config.skip_bad_rows, &mut warnings, |row| {
        let text_of = |column: Option<usize>| column.map_or("", |column| row.text(column));
        let item = Item {
            external_id: row.id(id)?.to_owned(),
            title: text_of(title).to_owned(),
            text: text_of(text).to_owned(),
            categories: categories
                .map(|column| row.list(column))
                .unwrap_or_default(),
            author: Some(text_of(author))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            duration_secs: match duration {
                Some(column) => row.amount(column)?,
                None => None,
            },
            features: features
                .iter()
                .map(|(name, column)| (name.clone(), row.text(*column).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        };
        n_repeated += u64::from(!builder.add_item(item));
        Ok(())
    });
    if n_repeated > 0 {
        warnings.push(format!(
            "{n_repeated} rows of {} repeat an item; its first row was used",
            file_name(path)
        ));
    }
    builder.warnings.append(&mut warnings);
    outcome
}

/// Where an event file keeps what.
struct EventColumns {
    user: usize,
    item: usize,
    time: Option<usize>,
    order: Option<usize>,
    request: Option<usize>,
    watch_secs: Option<usize>,
    rating: Option<usize>,
    kinds: Vec<(usize, FeedbackFlags)>,
}

impl EventColumns {
    fn find(table: &Table, config: &DataConfig) -> Result<Self, DataError> {
        let column = |ours: &str| table.column(mapped(config, ours));
        let mut kinds = Vec::new();
        for (name, kind) in FeedbackFlags::NAMED {
            kinds.extend(column(name).map(|column| (column, kind)));
        }
        Ok(Self {
            user: table.require(mapped(config, "user"))?,
            item: table.require(mapped(config, "item"))?,
            time: column("time"),
            order: column("order"),
            request: column("request"),
            watch_secs: column("watch_secs"),
            rating: column("rating"),
            kinds,
        })
    }

    fn feedback(&self, row: &Row<'_>, positive_rating: f32) -> Result<Feedback, DataError> {
        let watch_secs = match self.watch_secs {
            Some(column) => row.amount(column)?,
            None => None,
        };
        let mut flags = FeedbackFlags::default();
        for &(column, kind) in &self.kinds {
            if row.flag(column)? {
                flags = flags.with(kind);
            }
        }
        let is_view = match self.rating {
            Some(column) => row
                .number(column)?
                .is_some_and(|rating| rating >= f64::from(positive_rating)),
            // Without any feedback column an event itself is the feedback: a purchase, a play.
            None => self.kinds.is_empty() && watch_secs != Some(0.0),
        };
        if is_view {
            flags = flags.with(FeedbackFlags::VIEW);
        }
        Ok(Feedback {
            watch_secs: watch_secs.unwrap_or(f32::NAN),
            flags,
        })
    }
}

fn read_events(
    table: Table,
    config: &DataConfig,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let columns = EventColumns::find(&table, config)?;
    let mut warnings = Vec::new();
    let outcome = table.for_each_row(config.skip_bad_rows, &mut warnings, |row| {
        let time_millis = match columns.time {
            Some(column) => row.time_millis(column)?,
            None => NO_TIME,
        };
        let order = match columns.order {
            Some(column) => row.integer(column)?,
            None => 0,
        };
        let feedback = columns.feedback(row, config.positive_rating)?;
        let (user, item) = (row.id(columns.user)?, row.id(columns.item)?);
        let request = columns
            .request
            .map(|column| row.id(column))
            .transpose()?
            .map(|request| builder.request(request));
        let event = RawEvent {
            user: builder.user(user),
            item: builder.item(item),
            time_millis,
            order,
            request,
            feedback,
        };
        builder.add_event(event);
        Ok(())
    });
    builder.warnings.append(&mut warnings);
    outcome
}
