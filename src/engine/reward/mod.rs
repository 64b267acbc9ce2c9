//! Reward models: of whole sessions [A 3.3.1] and of single items [B 2.4.1]; and rewards without a model.

pub mod batch;
pub mod config;
pub mod duration;
pub mod features;
pub mod format;
pub mod heads;
pub mod hit_rank;
pub mod industrial;
pub mod preference_score;
pub mod reward_model;
pub mod scorer;
pub mod session;
mod target_view;

pub use batch::{ItemVectors, RewardBatch, RewardLoss, reward_loss};
pub use features::item_features;
pub use heads::{count_positives, head_weights, is_judge_user, label_rule};
pub use reward_model::{RewardModel, SlateProbabilities};
pub use scorer::{RewardScorer, SlateScore};
pub use session::{HEAD_NAMES, N_HEADS};
pub use target_view::RewardInput;
