//! The second system's view of a user: four pathways of features. [B 2.2.1]
//!
//! ```text
//! static              who the user is                                     1 position
//! short-term          the last interactions of any kind                   20
//! positive feedback   the last positive interactions                      256
//! lifelong            all interactions, compressed by clusters and read   128
//! ```
//!
//! Every interaction comes with its item, author, tags, time, time watched, duration and feedback, as far as the dataset has
//! them. Time is told as the age at the newest known interaction: nothing of the moment itself is used, so that a context is
//! the same whatever happens next.

mod behaviour;
mod bucket;
mod columns;
pub mod config;
mod hierarchy;
mod reader;
mod tokens;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;

pub use bucket::N_BUCKETS;
pub use columns::FeatureSpec;
pub use config::{ItemInput, Pathway, PathwayConfig, PositionRule};
pub use hierarchy::{Cluster, clusters};
pub use reader::{HostPathways, PathwayBatch, PathwayReader, StaticBatch};
pub use tokens::{BehaviourBatch, HostBehaviours};
