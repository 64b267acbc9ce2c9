//! A layout that was recognised in a folder, and how to read it.

use std::path::{Path, PathBuf};

use super::super::{DataError, Dataset};
use super::reading::Reading;
use super::{file_name, files_in, name_of};

type Load = Box<dyn FnOnce(&mut Reading<'_, '_>) -> Result<Dataset, DataError>>;

/// A layout with its files.
pub(in super::super) struct Recognised {
    /// Its name, for example "KuaiRand".
    pub(in super::super) format: &'static str,
    /// What in the folder says so.
    pub(in super::super) why: String,
    load: Load,
}

impl Recognised {
    pub(super) fn new(
        format: &'static str,
        why: impl Into<String>,
        load: impl FnOnce(&mut Reading<'_, '_>) -> Result<Dataset, DataError> + 'static,
    ) -> Self {
        Self {
            format,
            why: why.into(),
            load: Box::new(load),
        }
    }

    /// Reads the files. `path` gives the dataset its name.
    pub(in super::super) fn load(
        self,
        path: &Path,
        reading: &mut Reading<'_, '_>,
    ) -> Result<Dataset, DataError> {
        let mut dataset = (self.load)(reading)?;
        dataset.name = name_of(path);
        dataset
            .warnings
            .splice(..0, reading.warnings.iter().cloned());
        if dataset.log.is_empty() {
            return Err(DataError::Empty {
                found: "no event could be read".to_owned(),
                path: path.to_owned(),
            });
        }
        Ok(dataset)
    }
}

/// The files of a folder and of those folders in it that some layouts use, or a single file.
pub(super) struct Listing {
    pub(super) path: PathBuf,
    pub(super) is_folder: bool,
    files: Vec<PathBuf>,
}

impl Listing {
    /// Folders inside a dataset's folder that are looked into.
    const INNER: [&'static str; 7] = ["data", "train", "valid", "test", "index", "info", "raw"];

    pub(super) fn of(path: &Path) -> Result<Self, DataError> {
        let mut files = files_in(path)?;
        let is_folder = path.is_dir();
        for inner in Self::INNER {
            let inner = path.join(inner);
            if is_folder && inner.is_dir() {
                files.extend(files_in(&inner)?);
            }
        }
        Ok(Self {
            path: path.to_owned(),
            is_folder,
            files,
        })
    }

    /// The files whose name, in lower case, passes; those directly in the folder first, then by name.
    pub(super) fn named(&self, passes: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        self.files
            .iter()
            .filter(|file| passes(&file_name(file).to_lowercase()))
            .cloned()
            .collect()
    }

    /// The first file of exactly this name.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.named(|found| found == name).into_iter().next()
    }

    /// Files of several datasets in one folder, told apart by the stems of their names, would be mixed up: their numbers
    /// mean different items.
    ///
    /// # Errors
    /// [`DataError::Unrecognised`] with the stems.
    pub(super) fn check_one_dataset(
        &self,
        files: &[PathBuf],
        stem: impl Fn(&str) -> String,
    ) -> Result<(), DataError> {
        let mut stems: Vec<String> = files.iter().map(|file| stem(&file_name(file))).collect();
        stems.sort();
        stems.dedup();
        if stems.len() <= 1 {
            return Ok(());
        }
        Err(DataError::Unrecognised {
            expected: "files of one dataset; give one of its files instead of the folder"
                .to_owned(),
            found: stems.join(", "),
            path: self.path.clone(),
        })
    }

    /// The file of this name that stands beside the listed ones, also where a single file was given.
    pub(super) fn beside(&self, file: &Path, name: &str) -> Option<PathBuf> {
        self.file(name)
            .or_else(|| Some(file.with_file_name(name)).filter(|path| path.is_file()))
    }
}
