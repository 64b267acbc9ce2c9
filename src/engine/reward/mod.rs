//! Session reward models. [A 3.3.1]

pub mod batch;
pub mod config;
pub mod features;
pub mod heads;
pub mod scorer;
pub mod session;

pub use batch::{ItemVectors, RewardBatch, RewardLoss, reward_loss};
pub use features::item_features;
pub use heads::{count_positives, head_weights, is_judge_user, label_rule};
pub use scorer::{RewardScorer, SlateScore};
pub use session::{HEAD_NAMES, N_HEADS, RewardInput, RewardModel};
