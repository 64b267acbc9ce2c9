//! Losses of the generator, as functions of logits and log-probabilities.

pub mod entropy;
pub mod next_token;
pub mod preference;

pub use entropy::level_entropy;
pub use next_token::{LossOutput, next_token, sequence_log_prob};
