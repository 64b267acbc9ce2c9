//! KuaiRand in the layout of its download: `log_standard_*.csv` in several parts, `video_features_basic_*.csv`, and
//! beside them an optional `history_events.csv` with earlier impressions in order but without time.
//!
//! `video_features_statistic_*.csv` is never read: its averages run over the days that are held out.

use std::path::{Path, PathBuf};

use super::super::config::DataConfig;
use super::super::interaction::NO_TIME;
use super::super::{DataError, Dataset, Feedback, FeedbackFlags, Item};
use super::builder::{DatasetBuilder, RawEvent};
use super::cell::Row;
use super::table::Table;
use super::{file_name, files_in};

/// The files of a KuaiRand folder.
pub(super) struct Files {
    logs: Vec<PathBuf>,
    videos: Vec<PathBuf>,
    history: Option<PathBuf>,
}

/// The files, when the folder or its `data` subfolder has the layout.
pub(super) fn detect(path: &Path) -> Result<Option<Files>, DataError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let mut files = files_in(path)?;
    let inner = path.join("data");
    if inner.is_dir() {
        files.extend(files_in(&inner)?);
    }
    let named = |prefix: &str| -> Vec<PathBuf> {
        files
            .iter()
            .filter(|file| file_name(file).starts_with(prefix) && file_name(file).ends_with(".csv"))
            .cloned()
            .collect()
    };
    let logs = named("log_standard");
    Ok((!logs.is_empty()).then(|| Files {
        logs,
        videos: named("video_features_basic"),
        history: named("history_events").into_iter().next(),
    }))
}

pub(super) fn load(files: &Files, config: &DataConfig) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::default();
    for path in &files.videos {
        read_videos(path, config, &mut builder)?;
    }
    if let Some(path) = &files.history {
        read_history(path, config, &mut builder)?;
    }
    for path in &files.logs {
        read_log(path, config, &mut builder)?;
    }
    Ok(builder.finish("KuaiRand"))
}

fn read_videos(
    path: &Path,
    config: &DataConfig,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let table = Table::open(path)?;
    let video = table.require("video_id")?;
    let author = table.column("author_id");
    let tag = table.column("tag");
    let duration = table.column("video_duration");
    let features: Vec<(&str, usize)> = ["video_type", "upload_type", "music_type"]
        .into_iter()
        .filter_map(|name| table.column(name).map(|column| (name, column)))
        .collect();
    let mut warnings = Vec::new();
    let outcome = table.for_each_row(config.skip_bad_rows, &mut warnings, |row| {
        let item = Item {
            external_id: row.id(video)?.to_owned(),
            categories: tag.map(|column| row.list(column)).unwrap_or_default(),
            author: author
                .map(|column| row.text(column))
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            duration_secs: seconds(row, duration)?,
            features: features
                .iter()
                .map(|&(name, column)| (name.to_owned(), row.text(column).to_owned()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            ..Item::default()
        };
        builder.add_item(item);
        Ok(())
    });
    builder.warnings.append(&mut warnings);
    outcome
}

fn read_history(
    path: &Path,
    config: &DataConfig,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let table = Table::open(path)?;
    let user = table.require("user_id")?;
    let video = table.require("video_id")?;
    let position = table.require("pos")?;
    let kinds = [
        (table.require("long_watch")?, FeedbackFlags::VIEW),
        (table.require("is_like")?, FeedbackFlags::LIKE),
    ];
    let mut warnings = Vec::new();
    let outcome = table.for_each_row(config.skip_bad_rows, &mut warnings, |row| {
        let order = row.integer(position)?;
        let feedback = Feedback {
            watch_secs: f32::NAN,
            flags: flags(row, &kinds)?,
        };
        let (user, video) = (row.id(user)?, row.id(video)?);
        let event = RawEvent {
            user: builder.user(user),
            item: builder.item(video),
            time_millis: NO_TIME,
            order,
            request: None,
            feedback,
        };
        builder.add_event(event);
        Ok(())
    });
    builder.warnings.append(&mut warnings);
    outcome
}

fn read_log(
    path: &Path,
    config: &DataConfig,
    builder: &mut DatasetBuilder,
) -> Result<(), DataError> {
    let table = Table::open(path)?;
    let user = table.require("user_id")?;
    let video = table.require("video_id")?;
    let time = table.require("time_ms")?;
    let play_time = table.require("play_time_ms")?;
    let kinds = [
        ("long_view", FeedbackFlags::VIEW),
        ("is_click", FeedbackFlags::CLICK),
        ("is_like", FeedbackFlags::LIKE),
        ("is_follow", FeedbackFlags::FOLLOW),
        ("is_comment", FeedbackFlags::COMMENT),
        ("is_forward", FeedbackFlags::FORWARD),
        ("is_hate", FeedbackFlags::DISLIKE),
    ]
    .into_iter()
    .map(|(name, kind)| table.require(name).map(|column| (column, kind)))
    .collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let outcome = table.for_each_row(config.skip_bad_rows, &mut warnings, |row| {
        let time_millis = row.time_millis(time)?;
        let feedback = Feedback {
            watch_secs: seconds(row, Some(play_time))?.unwrap_or(f32::NAN),
            flags: flags(row, &kinds)?,
        };
        let (user, video) = (row.id(user)?, row.id(video)?);
        let event = RawEvent {
            user: builder.user(user),
            item: builder.item(video),
            time_millis,
            order: 0,
            request: None,
            feedback,
        };
        builder.add_event(event);
        Ok(())
    });
    builder.warnings.append(&mut warnings);
    outcome
}

fn seconds(row: &Row<'_>, millis: Option<usize>) -> Result<Option<f32>, DataError> {
    let Some(column) = millis else {
        return Ok(None);
    };
    Ok(row.amount(column)?.map(|millis| millis / 1000.0))
}

fn flags(row: &Row<'_>, kinds: &[(usize, FeedbackFlags)]) -> Result<FeedbackFlags, DataError> {
    let mut flags = FeedbackFlags::default();
    for &(column, kind) in kinds {
        if row.flag(column)? {
            flags = flags.with(kind);
        }
    }
    Ok(flags)
}
