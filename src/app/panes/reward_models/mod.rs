//! How well the reward model and its judge rank and estimate what users do, head by head.

mod view;
mod view_model;

pub use view::RewardModelsPane;
