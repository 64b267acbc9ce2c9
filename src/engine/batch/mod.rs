//! What the generator reads and what it has to write, first as plain numbers on the host, then as tensors.

mod array;
mod context;
mod history;
pub mod pathway;
mod session;

pub use array::{Array, ArrayValues};
pub use context::{ContextBatch, ContextReader, HostContext};
pub use history::{HistoryBatch, HostHistory};
pub use pathway::FeatureSpec;
pub use session::{Example, HostBatch, SessionBatch};
