//! Where the program keeps its things.

use std::path::PathBuf;

use etcetera::{AppStrategy as _, AppStrategyArgs, choose_app_strategy};

/// The folders of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// Layout, window, recent runs.
    pub state: PathBuf,
    /// One folder per run.
    pub runs: PathBuf,
}

impl Dirs {
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

    /// A folder for a new run on that data: its name and the first free number.
    pub fn new_run(&self, data_name: &str) -> PathBuf {
        let slug: String = data_name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        (1..)
            .map(|number| self.runs.join(format!("{slug}-{number:04}")))
            .find(|folder| !folder.exists())
            .expect("a folder cannot hold every number")
    }
}
