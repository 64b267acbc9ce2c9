//! One folder per pane: a pure view model and the view that draws it.

pub mod alignment;
pub mod checkpoints;
pub mod codebook;
mod common;
pub mod compare;
pub mod cost;
pub mod dataset;
pub mod experts;
pub mod log;
pub mod overview;
pub mod reward_models;
pub mod semantic_ids;
pub mod slates;
pub mod training;

pub use alignment::AlignmentPane;
pub use checkpoints::CheckpointsPane;
pub use codebook::CodebookPane;
pub use compare::ComparePane;
pub use cost::CostPane;
pub use dataset::DatasetPane;
pub use experts::ExpertsPane;
pub use log::LogPane;
pub use overview::OverviewPane;
pub use reward_models::RewardModelsPane;
pub use semantic_ids::SemanticIdsPane;
pub use slates::SlatesPane;
pub use training::TrainingPane;
