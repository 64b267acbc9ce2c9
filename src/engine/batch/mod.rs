//! What the generator reads and what it has to write, first as plain numbers on the host, then as tensors.

mod context;
mod history;
mod session;

pub use context::{ContextBatch, ContextReader, FeatureSpec, HostContext};
pub use history::{HistoryBatch, HostHistory};
pub use session::{Example, HostBatch, SessionBatch};
