//! What a reader is given: the settings, someone who follows and may stop it, and a record of what was read.

use std::path::Path;

use super::super::check::{BadRow, FileCheck};
use super::super::config::DataConfig;
use super::super::watch::{Count, ReadProgress, Watch};
use super::super::{DataError, Dataset};
use super::builder::DatasetBuilder;
use super::file_name;
use super::table::Position;
use crate::engine::number::count;

/// Rows between two looks at the clock of progress and at the request to stop.
const TICK_EVERY_ROWS: u64 = 1 << 12;

/// Rows between two reports of progress.
const TELL_EVERY_ROWS: u64 = 1 << 16;

/// Rows that are shown of those that were left out.
const MAX_BAD_ROWS: usize = 20;

/// One reading of a dataset.
pub(in super::super) struct Reading<'a, 'w> {
    pub(super) config: &'a DataConfig,
    watch: &'a mut Watch<'w>,
    pub(in super::super) files: Vec<FileCheck>,
    pub(in super::super) bad_rows: Vec<BadRow>,
    pub(in super::super) warnings: Vec<String>,
}

impl<'a, 'w> Reading<'a, 'w> {
    pub(in super::super) fn new(config: &'a DataConfig, watch: &'a mut Watch<'w>) -> Self {
        Self {
            config,
            watch,
            files: Vec::new(),
            bad_rows: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// To be called at every row: tells how far it is, and fails once a stop was asked for.
    pub(super) fn tick(&mut self, file: &FileCheck, position: &Position) -> Result<(), DataError> {
        if file.rows.is_multiple_of(TICK_EVERY_ROWS) {
            self.watch.check()?;
        }
        if file.rows.is_multiple_of(TELL_EVERY_ROWS) {
            let (done, total) = position.get();
            self.watch.tell(&ReadProgress {
                doing: format!("reading {}", file.name),
                done,
                total,
            });
        }
        Ok(())
    }

    /// Orders and freezes what was read.
    ///
    /// # Errors
    /// [`DataError::Stopped`] once a stop was asked for.
    pub(super) fn finish(
        &mut self,
        builder: DatasetBuilder,
        format: &str,
    ) -> Result<Dataset, DataError> {
        self.watch.begin(Count::Order)?;
        Ok(builder.finish(format))
    }

    /// Counts a row that could not be read.
    ///
    /// # Errors
    /// Its error, when rows are not to be left out.
    pub(super) fn leave_out(
        &mut self,
        error: DataError,
        file: &mut FileCheck,
    ) -> Result<(), DataError> {
        if !self.config.skip_bad_rows || matches!(error, DataError::Stopped) {
            return Err(error);
        }
        if file.bad_rows == 0 {
            // Completed by `add_file`, when the number of rows is known.
            self.warnings.push(error.to_string());
        }
        file.bad_rows += 1;
        if self.bad_rows.len() < MAX_BAD_ROWS {
            self.bad_rows.push(BadRow::of(&error, &file.name));
        }
        Ok(())
    }

    /// Files what was read of a file, whether it came to its end or not.
    pub(super) fn add_file(&mut self, file: FileCheck) {
        if file.bad_rows > 0
            && let Some(first) = self.warnings.last_mut()
        {
            *first = format!(
                "{} of {} rows of {} cannot be read; the first: {first}",
                count(file.bad_rows),
                count(file.rows),
                file.name
            );
        }
        if file.rows == 0 {
            self.warnings.push(format!("{} has no rows", file.name));
        }
        self.files.push(file);
    }

    /// Says so when rows of an item file repeat an item.
    pub(super) fn warn_of_repeated(&mut self, n_repeated: u64, file: &str) {
        if n_repeated > 0 {
            self.warnings.push(format!(
                "{} rows of {file} repeat an item; its first row was used",
                count(n_repeated)
            ));
        }
    }

    /// Files that belong to the dataset and are not read, with the reason.
    pub(super) fn leave_aside(&mut self, path: &Path, why: &str) {
        self.files.push(FileCheck {
            name: file_name(path),
            holds: format!("not read: {why}"),
            ..FileCheck::default()
        });
    }
}
