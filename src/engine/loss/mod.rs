//! Losses of the generator, as functions of logits and log-probabilities.

pub mod divergence;
pub mod entropy;
pub mod next_token;
pub mod policy;
pub mod preference;

pub use divergence::level_divergence;
pub use entropy::level_entropy;
pub use next_token::{LossOutput, code_log_probs, label_smoothing, next_token, sequence_log_prob};
