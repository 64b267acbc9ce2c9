//! Datasets: items, users, and what users did with items, in time order.
//!
//! A [`Dataset`] is read by one of the [`source`] readers and never changed afterwards;
//! [`split`] decides what may be learned from, [`session`] turns it into histories and slates.

pub mod catalog;
pub mod check;
pub mod config;
pub mod error;
pub mod features;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod ids;
pub mod interaction;
mod k_core;
pub mod logged_slate;
pub mod prepare;
pub mod report_text;
pub mod session;
pub mod source;
pub mod split;
pub mod stats;
mod ties;
pub mod user_column;
pub mod watch;

pub use catalog::{Item, ItemCatalog};
pub use check::DataCheck;
pub use error::DataError;
pub use features::{Continuous, Features};
pub use ids::{ItemIdx, UserIdx};
pub use interaction::{Feedback, FeedbackFlags, InteractionLog};
pub use logged_slate::{LoggedSlate, logged_slates};
pub use prepare::{Moment, PreparedData, TestCase, prepare};
pub use session::Session;
pub use split::Split;
pub use user_column::UserColumn;
pub use watch::Watch;

use crate::engine::data::source::simulator::Oracle;

/// A loaded dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name of its folder or file.
    pub name: String,
    /// Which reader made it, for example "KuaiRand".
    pub format: String,
    /// All items, row = [`ItemIdx`].
    pub catalog: ItemCatalog,
    /// The dataset's own user identifiers, row = [`UserIdx`].
    pub users: Vec<String>,
    /// What is said of the users, column by column; none where the dataset says nothing.
    pub user_columns: Vec<UserColumn>,
    /// All interactions, sorted by user, then by time; ties keep the order of the files.
    pub log: InteractionLog,
    /// True utility, for simulated data only.
    pub oracle: Option<Oracle>,
    /// SHA-256 over everything above that reaches a result, in hexadecimal.
    pub fingerprint: String,
    /// Rows that were left out and other partial trouble, in words.
    pub warnings: Vec<String>,
}
