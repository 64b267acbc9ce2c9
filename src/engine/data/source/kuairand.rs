//! KuaiRand in the layouts of its downloads (Pure, 1K, 27K): `log_standard_*.csv` in one or several parts,
//! `video_features_basic_*.csv`, `user_features_*.csv`, and beside them an optional `history_events.csv` with earlier
//! impressions in order but without time. Also a single table of labelled rows (`label` 1 for a like, 0 for a hate), as
//! benchmarks share it. On which day the features of the users were taken, the download does not say.
//!
//! `video_features_statistic_*.csv` is never read: its averages run over the days that are held out. Neither are
//! `log_random_*.csv`: what was shown at random says nothing of what a recommender would show.

use std::path::{Path, PathBuf};

use super::super::{DataError, Dataset, FeedbackFlags, Item};
use super::builder::DatasetBuilder;
use super::event_table::{EventColumns, Kind, Watched};
use super::reading::Reading;
use super::recognised::{Listing, Recognised};
use super::table::{Form, Table, first_line};

/// Columns of feedback in a log.
const KINDS: [(&str, &str, FeedbackFlags); 7] = [
    ("view", "long_view", FeedbackFlags::VIEW),
    ("click", "is_click", FeedbackFlags::CLICK),
    ("like", "is_like", FeedbackFlags::LIKE),
    ("follow", "is_follow", FeedbackFlags::FOLLOW),
    ("comment", "is_comment", FeedbackFlags::COMMENT),
    ("forward", "is_forward", FeedbackFlags::FORWARD),
    ("dislike", "is_hate", FeedbackFlags::DISLIKE),
];

/// What is read of the users. Of a count that also comes as a range, only the range is read.
const USER_COLUMNS: [&str; 26] = [
    "user_active_degree",
    "is_lowactive_period",
    "is_live_streamer",
    "is_video_author",
    "follow_user_num_range",
    "fans_user_num_range",
    "friend_user_num_range",
    "register_days_range",
    "onehot_feat0",
    "onehot_feat1",
    "onehot_feat2",
    "onehot_feat3",
    "onehot_feat4",
    "onehot_feat5",
    "onehot_feat6",
    "onehot_feat7",
    "onehot_feat8",
    "onehot_feat9",
    "onehot_feat10",
    "onehot_feat11",
    "onehot_feat12",
    "onehot_feat13",
    "onehot_feat14",
    "onehot_feat15",
    "onehot_feat16",
    "onehot_feat17",
];

/// From this size on (27K has 32 million videos) only videos that somebody was shown become items: the others would fill
/// the memory and every model's vocabulary.
const LARGE_BYTES: u64 = 1 << 29;

/// The files of a KuaiRand folder.
struct Files {
    logs: Vec<PathBuf>,
    videos: Vec<PathBuf>,
    users: Option<PathBuf>,
    history: Option<PathBuf>,
    aside: Vec<(PathBuf, &'static str)>,
}

/// The layout of the downloads, or one of its logs: by their names.
pub(super) fn detect(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    let named = |prefix: &str| {
        listing.named(|name| {
            name.starts_with(prefix) && (name.ends_with(".csv") || name.ends_with(".csv.gz"))
        })
    };
    let logs = named("log_standard");
    let mut aside = Vec::new();
    for (prefix, why) in [
        (
            "log_random",
            "what was shown at random is no sign of taste in a recommender",
        ),
        (
            "video_features_statistic",
            "its averages run over the days that are held out",
        ),
    ] {
        aside.extend(named(prefix).into_iter().map(|file| (file, why)));
    }
    let why = format!("{} file(s) named log_standard_*.csv", logs.len());
    let files = Files {
        videos: named("video_features_basic"),
        users: named("user_features").into_iter().next(),
        history: named("history_events").into_iter().next(),
        aside,
        logs,
    };
    Ok((!files.logs.is_empty())
        .then(|| Recognised::new("KuaiRand", why, move |reading| load(&files, reading))))
}

/// A single table of rows with a label: by its columns.
pub(super) fn detect_labelled(listing: &Listing) -> Result<Option<Recognised>, DataError> {
    for path in listing.named(|name| name.ends_with(".tsv") || name.ends_with(".csv")) {
        let header = first_line(&path)?;
        let names: Vec<&str> = header.split(['\t', ',', ';']).map(str::trim).collect();
        if ["user_id", "video_id", "time_ms", "label"]
            .iter()
            .all(|name| names.contains(name))
        {
            let why = "a table with the columns user_id, video_id, time_ms and label";
            return Ok(Some(Recognised::new(
                "KuaiRand labels",
                why,
                move |reading| {
                    let mut builder = DatasetBuilder::default();
                    read_labelled(&path, reading, &mut builder)?;
                    reading.finish(builder, "KuaiRand labels")
                },
            )));
        }
    }
    Ok(None)
}

fn load(files: &Files, reading: &mut Reading<'_, '_>) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    let is_large = files.videos.iter().map(|path| bytes_of(path)).sum::<u64>() > LARGE_BYTES;
    if !is_large {
        read_videos(files, Videos::All, reading, &mut builder)?;
    }
    if let Some(path) = &files.history {
        read_history(path, reading, &mut builder)?;
    }
    for path in &files.logs {
        read_log(path, reading, &mut builder)?;
    }
    if is_large {
        read_videos(files, Videos::Shown, reading, &mut builder)?;
    }
    if let Some(path) = &files.users {
        read_users(path, reading, &mut builder)?;
    }
    for (path, why) in &files.aside {
        reading.leave_aside(path, why);
    }
    reading.finish(builder, "KuaiRand")
}

/// Which videos become items.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Videos {
    All,
    /// Those that some user was shown.
    Shown,
}

fn bytes_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn read_videos(
    files: &Files,
    which: Videos,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    for path in &files.videos {
        read_video_file(path, which, reading, builder)?;
    }
    Ok(())
}

fn read_video_file(
    path: &Path,
    which: Videos,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "items")?;
    let video = table.require("item", "video_id")?;
    let author = table.column("author", "author_id");
    let tag = table.column("categories", "tag");
    let duration = table.column("duration_secs", "video_duration");
    let mut features: Vec<(&str, usize)> = Vec::new();
    for name in ["video_type", "upload_type", "music_type"] {
        features.extend(table.column("feature", name).map(|column| (name, column)));
    }
    table.for_each_row(reading, |row| {
        let duration_secs = match duration {
            Some(column) => row.amount(column)?.map(|millis| millis / 1000.0),
            None => None,
        };
        let item = Item {
            external_id: row.id(video)?.to_owned(),
            categories: tag.map(|column| row.list(column)).unwrap_or_default(),
            author: author
                .map(|column| row.text(column))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            duration_secs,
            features: features
                .iter()
                .map(|&(name, column)| (name.to_owned(), row.text(column).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            ..Item::default()
        };
        if which == Videos::All || builder.has_item(&item.external_id) {
            builder.add_item(item);
        }
        Ok(())
    })
}

fn read_users(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "users")?;
    let user = table.require("user", "user_id")?;
    let columns: Vec<(&str, usize)> = USER_COLUMNS
        .iter()
        .filter_map(|name| {
            let column = table.column("a feature of the user", name)?;
            Some((*name, column))
        })
        .collect();
    builder.add_user_columns(columns.iter().map(|(name, _)| *name));
    table.for_each_row(reading, |row| {
        let values = columns.iter().map(|(_, column)| row.text(*column));
        builder.add_user_values(row.id(user)?, values);
        Ok(())
    })
}

fn read_history(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "earlier events")?;
    let columns = EventColumns {
        user: table.require("user", "user_id")?,
        item: table.require("item", "video_id")?,
        order: Some(table.require("order", "pos")?),
        kinds: vec![
            Kind::yes(table.require("view", "long_watch")?, FeedbackFlags::VIEW),
            Kind::yes(table.require("like", "is_like")?, FeedbackFlags::LIKE),
        ],
        ..EventColumns::default()
    };
    columns.read(table, reading, builder)
}

fn read_log(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "events")?;
    let mut columns = common(&mut table)?;
    for (ours, name, kind) in KINDS {
        columns
            .kinds
            .push(Kind::yes(table.require(ours, name)?, kind));
    }
    columns.read(table, reading, builder)
}

fn read_labelled(
    path: &Path,
    reading: &mut Reading<'_, '_>,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let mut table = Table::open(path, Form::ByName, "events")?;
    let mut columns = common(&mut table)?;
    let label = table.require("like or dislike", "label")?;
    columns.kinds.push(Kind::yes(label, FeedbackFlags::LIKE));
    columns.kinds.push(Kind {
        column: label,
        kind: FeedbackFlags::DISLIKE,
        when: false,
    });
    for (ours, name, kind) in KINDS {
        if let Some(column) = table.column(ours, name) {
            columns.kinds.push(Kind::yes(column, kind));
        }
    }
    columns.read(table, reading, builder)
}

fn common(table: &mut Table) -> Result<EventColumns, DataError> {
    Ok(EventColumns {
        user: table.require("user", "user_id")?,
        item: table.require("item", "video_id")?,
        time: Some(table.require("time", "time_ms")?),
        watch: Some(Watched::Millis(
            table.require("watch_secs", "play_time_ms")?,
        )),
        ..EventColumns::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::config::DataConfig;
    use super::super::super::watch::Watch;
    use super::*;

    #[test]
    fn of_a_large_file_only_shown_videos_become_items() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video_features_basic_27k.csv");
        crate::engine::run::atomic::write(&path, b"video_id,author_id\n1,5\n2,6\n3,7\n").unwrap();
        let files = Files {
            logs: Vec::new(),
            videos: vec![path],
            users: None,
            history: None,
            aside: Vec::new(),
        };
        for (which, expected) in [
            (Videos::All, vec!["2", "1", "3"]),
            (Videos::Shown, vec!["2"]),
        ] {
            let mut builder = DatasetBuilder::default();
            builder.item("2");
            let (config, mut watch) = (DataConfig::default(), Watch::nobody());
            let mut reading = Reading::new(&config, &mut watch);
            read_videos(&files, which, &mut reading, &mut builder).unwrap();
            let items = builder.finish("").catalog.items;
            let ids: Vec<&str> = items.iter().map(|item| item.external_id.as_str()).collect();
            assert_eq!(ids, expected);
            assert_eq!(items[0].author.as_deref(), Some("6"));
        }
    }
}
