//! Losses of the generator and of the item vectors: tensors in, tensors out.

pub mod contrastive;
pub mod divergence;
pub mod entropy;
pub mod next_token;
pub mod policy;
pub mod preference;

pub use divergence::level_divergence;
pub use entropy::level_entropy;
pub use next_token::{LossOutput, code_log_probs, label_smoothing, next_token, sequence_log_prob};
