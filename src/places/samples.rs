//! The samples that come with the program.

use std::path::{Path, PathBuf};

/// A dataset that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// A simulated short-video log with watch time, likes and follows.
    ShortVideo,
    /// A small text catalogue with sequences.
    TextCatalogue,
}

impl Sample {
    /// All samples in order.
    pub const ALL: [Self; 2] = [Self::ShortVideo, Self::TextCatalogue];

    /// Its name inside a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ShortVideo => "short-video sample",
            Self::TextCatalogue => "text-catalogue sample",
        }
    }

    /// What it is, in one sentence.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::ShortVideo => {
                "About 2,000 videos and 1,000 simulated users with watch time, likes and follows; true utility is known."
            }
            Self::TextCatalogue => {
                "A simulated shop of 800 items with titles and descriptions, and what 600 users bought in order."
            }
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::ShortVideo => "short-video",
            Self::TextCatalogue => "catalogue",
        }
    }

    /// Its folder: `datasets/` in `$ONEREC_HOME`, beside the program, in a folder above it, where the program is started,
    /// or in the sources.
    pub fn path(self) -> Option<PathBuf> {
        let home = std::env::var_os("ONEREC_HOME").map(PathBuf::from);
        let program = std::env::current_exe().ok();
        let above_program = program.iter().flat_map(|path| path.ancestors().skip(1));
        let here = std::env::current_dir().ok();
        home.as_deref()
            .into_iter()
            .chain(above_program)
            .chain(here.as_deref())
            .chain([Path::new(env!("CARGO_MANIFEST_DIR"))])
            .map(|folder| folder.join("datasets").join(self.folder()))
            .find(|folder| folder.is_dir())
    }
}
