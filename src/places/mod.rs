//! Where the program keeps its things and finds its samples; the same for the window and the command line.

mod date;
pub mod samples;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use etcetera::{AppStrategy as _, AppStrategyArgs, choose_app_strategy};

pub use samples::Sample;

/// The folders of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Layout, window, recent runs.
    pub state: PathBuf,
    /// One folder per run.
    pub runs: PathBuf,
}

impl Places {
    /// `$ONEREC_HOME` where it is set, else the system's places, else a folder beside the current one.
    pub fn find() -> Self {
        if let Some(home) = std::env::var_os("ONEREC_HOME").filter(|home| !home.is_empty()) {
            return Self::below(PathBuf::from(home));
        }
        let args = AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "OneRec".to_owned(),
            app_name: "OneRec Workbench".to_owned(),
        };
        match choose_app_strategy(args) {
            Ok(places) => Self {
                state: places.state_dir().unwrap_or_else(|| places.data_dir()),
                runs: places.data_dir().join("runs"),
            },
            // A user without a home folder still gets a run.
            Err(_) => Self::below(PathBuf::from("onerec-home")),
        }
    }

    /// Everything below one folder.
    pub fn below(home: PathBuf) -> Self {
        Self {
            state: home.join("state"),
            runs: home.join("runs"),
        }
    }

    /// A folder that does not exist yet, for a new run on a dataset: the moment and the dataset's name.
    pub fn new_run(&self, data: &Path) -> PathBuf {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let dataset: String = data
            .file_stem()
            .map_or_else(|| "data".into(), |name| name.to_string_lossy())
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let name = format!("{}-{dataset}", date::date(seconds));
        let first = self.runs.join(&name);
        let others = (2..).map(|number| self.runs.join(format!("{name}-{number}")));
        std::iter::once(first)
            .chain(others)
            .find(|folder| !folder.exists())
            .expect("some number is always free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_runs_never_meet_and_have_safe_names() {
        let home = tempfile::tempdir().unwrap();
        let places = Places::below(home.path().to_owned());
        let first = places.new_run(Path::new("/data/short video.csv"));
        assert!(first.starts_with(&places.runs));
        let name = first.file_name().unwrap().to_str().unwrap();
        assert!(name.ends_with("-short-video"), "{name}");
        std::fs::create_dir_all(&first).unwrap();
        assert_ne!(places.new_run(Path::new("/data/short video.csv")), first);
    }
}
