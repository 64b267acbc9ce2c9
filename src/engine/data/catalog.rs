//! Items and what is known of them apart from who interacted with them.

use serde::{Deserialize, Serialize};

/// One item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The dataset's own identifier.
    pub external_id: String,
    /// Title; empty where the dataset has none.
    pub title: String,
    /// Longer text (description, key phrases); empty where the dataset has none.
    pub text: String,
    /// Categories or tags, from coarse to fine where the dataset orders them.
    pub categories: Vec<String>,
    /// Author, artist or brand.
    pub author: Option<String>,
    /// Length in seconds.
    pub duration_secs: Option<f32>,
    /// Further categorical features by name, for example ("upload_type", "LongImport").
    pub features: Vec<(String, String)>,
}

impl Item {
    /// The title, or the identifier where there is none.
    pub fn label(&self) -> &str {
        if self.title.is_empty() {
            &self.external_id
        } else {
            &self.title
        }
    }
}

/// All items, row = [`ItemIdx`](super::ItemIdx).
#[derive(Clone, Debug, Default)]
pub struct ItemCatalog {
    /// The items.
    pub items: Vec<Item>,
}

impl ItemCatalog {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
