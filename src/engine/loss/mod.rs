//! Losses of the generator, as functions of logits and log-probabilities.

pub mod dpo;
pub mod entropy;
pub mod next_token;

pub use dpo::{DpoOutput, dpo};
pub use entropy::level_entropy;
pub use next_token::{LossOutput, next_token, sequence_log_prob};
