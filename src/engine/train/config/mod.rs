//! Settings of the training stages.

mod align;
mod pretrain;

pub use crate::engine::decode::Sampling;
pub use crate::engine::reward::format::FormatChoice;
pub use align::{AlignConfig, Objective, RatioUnit, Reference, RewardSource, Search, SessionOrder};
pub use pretrain::{LossReduction, PretrainConfig};
