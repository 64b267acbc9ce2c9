//! Histories and sessions as tensors.

mod history;
mod session;

pub use history::HistoryBatch;
pub use session::{Example, SessionBatch};
