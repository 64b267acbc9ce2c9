//! What survives a restart. A part that cannot be read falls back to its default; nothing else is lost with it.

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::theme::ThemeChoice;

/// Where it is kept. The number rises when the panes change so much that an old layout makes no sense.
const KEY: &str = "workbench-2";

/// What survives a restart; the window's place and size are kept by eframe.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// The theme.
    pub theme: ThemeChoice,
    /// The arrangement of the panes.
    pub layout: Layout,
}

impl Saved {
    /// Reads what was stored, if anything.
    pub fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        let Some(text) = storage.and_then(|storage| storage.get_string(KEY)) else {
            return Self::default();
        };
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!("could not read the saved layout, using the default: {error}");
            Self::default()
        })
    }

    /// Stores it.
    pub fn store(&self, storage: &mut dyn eframe::Storage) {
        match serde_json::to_string(self) {
            Ok(text) => storage.set_string(KEY, text),
            Err(error) => tracing::error!("could not save the layout: {error}"),
        }
    }
}
