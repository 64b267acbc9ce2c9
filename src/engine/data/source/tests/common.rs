//! Folders of small files, and what a dataset looks like by its names.

use std::fs::File;
use std::io::Write as _;

use tempfile::TempDir;

use crate::engine::data::config::DataConfig;
use crate::engine::data::source::load;
use crate::engine::data::{DataError, Dataset};

pub(super) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path).unwrap().write_all(bytes).unwrap();
    }
    folder
}

pub(super) fn load_with(
    files: &[(&str, &[u8])],
    config: &DataConfig,
) -> Result<Dataset, DataError> {
    load(folder(files).path(), config)
}

/// (user, item, time) of each row, by their names.
pub(super) fn rows(dataset: &Dataset) -> Vec<(&str, &str, i64)> {
    let log = &dataset.log;
    (0..log.len())
        .map(|row| {
            (
                dataset.users[log.user[row].idx()].as_str(),
                dataset.catalog.items[log.item[row].idx()]
                    .external_id
                    .as_str(),
                log.time_millis[row],
            )
        })
        .collect()
}

/// The message without the path, which is in a random folder.
pub(super) fn message(error: &DataError) -> String {
    let text = error.to_string();
    text.split(" of \"")
        .next()
        .unwrap_or_default()
        .split(" (in \"")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The bytes, packed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// The item of that identifier.
pub(super) fn item<'a>(dataset: &'a Dataset, id: &str) -> &'a crate::engine::data::Item {
    let mut items = dataset.catalog.items.iter();
    items.find(|item| item.external_id == id).unwrap()
}

/// (user, item) of the events that count as viewed.
pub(super) fn viewed(dataset: &Dataset) -> Vec<(&str, &str)> {
    let is_view = dataset
        .log
        .feedback
        .iter()
        .map(|shown| shown.flags.has(crate::engine::data::FeedbackFlags::VIEW));
    rows(dataset)
        .into_iter()
        .zip(is_view)
        .filter(|(_, is_view)| *is_view)
        .map(|((user, item, _), _)| (user, item))
        .collect()
}
