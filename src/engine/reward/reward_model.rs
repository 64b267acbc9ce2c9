//! The reward model in either form: of whole sessions, or of single items. [A 3.3.1; B 2.4.1]

use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};

use super::batch::{RewardBatch, RewardLoss, reward_loss};
use super::config::{RewardConfig, RewardForm};
use super::preference_score::PreferenceScore;
use super::session::{N_HEADS, SessionModel};
use super::target_view::{RewardInput, TargetView};
use crate::engine::seed::Seed;

/// The model; also the judge, when trained on other users.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are two of them, and a box around a module would hide its parameters"
)]
pub enum RewardModel {
    /// Four heads over a session.
    Session(SessionModel),
    /// Towers and one fused score per item.
    PreferenceScore(PreferenceScore),
}

/// Probabilities of some slates.
pub struct SlateProbabilities {
    /// Of the four heads or towers, `[b, 4]`.
    pub heads: Tensor<2>,
    /// The preference score, `[b, 1]`, where the model has one.
    pub preference: Option<Tensor<2>>,
}

impl RewardConfig {
    /// A fresh model for item vectors of `d_embed` dimensions, the same on every device.
    ///
    /// # Panics
    /// If `n_heads` does not divide `d_model`: configurations are checked before.
    pub fn init(&self, d_embed: usize, seed: Seed, device: &Device) -> RewardModel {
        match self.form {
            RewardForm::Session => RewardModel::Session(self.init_session(d_embed, seed, device)),
            RewardForm::PreferenceScore => {
                RewardModel::PreferenceScore(self.init_preference_score(d_embed, seed, device))
            }
        }
    }

    /// Items of the logged slates that train the model.
    pub fn trained_slate_len(&self, slate_len: usize) -> usize {
        match self.form {
            RewardForm::Session => slate_len,
            RewardForm::PreferenceScore => 1,
        }
    }
}

impl RewardModel {
    /// The loss of a batch of logged slates; `weights` are those of the heads in the scalar reward.
    pub fn loss(&self, batch: RewardBatch, weights: [f64; N_HEADS]) -> RewardLoss {
        match self {
            Self::Session(model) => {
                reward_loss(model.forward(batch.input), batch.labels, batch.label_mask)
            }
            Self::PreferenceScore(model) => model.loss(batch, weights),
        }
    }

    /// What the model says of some slates.
    pub fn probabilities(&self, input: RewardInput) -> SlateProbabilities {
        match self {
            Self::Session(model) => SlateProbabilities {
                heads: sigmoid(model.forward(input)),
                preference: None,
            },
            Self::PreferenceScore(model) => {
                let (heads, preference) = model.probabilities(input);
                SlateProbabilities {
                    heads,
                    preference: Some(preference),
                }
            }
        }
    }

    /// The device that holds the weights.
    pub fn device(&self) -> Device {
        self.view().device()
    }

    /// Longest history that the model has positions for.
    pub fn history_len(&self) -> usize {
        self.view().history_len()
    }

    fn view(&self) -> &TargetView {
        match self {
            Self::Session(model) => model.view(),
            Self::PreferenceScore(model) => model.view(),
        }
    }
}
