//! Rollouts: the slates that a frozen copy of the generator finds most likely for a user, with their rewards. [A Alg. 2; B 2.4.1]

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::engine::batch::HistoryBatch;
use crate::engine::control::RunControl;
use crate::engine::data::ItemIdx;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::{GeneratedSlate, SlateGenerator};
use crate::engine::loss::code_log_probs;
use crate::engine::model::EncoderDecoder;
use crate::engine::reward::RewardScorer;
use crate::engine::tokenizer::{Code, SemanticIdTable};

/// Slates of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The user's history, oldest first.
    pub history: Vec<ItemIdx>,
    /// Codes of each slate, `[slate_len * n_levels]`, likeliest first.
    pub slates: Vec<Vec<Code>>,
    /// Reward of each slate.
    pub rewards: Vec<f64>,
}

/// Generates N slates for each history with the frozen `sampler` and scores them.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub fn roll_out(
    sampler: &EncoderDecoder,
    candidates: &SlateGenerator<'_>,
    scorer: &RewardScorer,
    histories: &[Vec<ItemIdx>],
    control: &RunControl,
) -> Result<Vec<Group>, EngineError> {
    let generated = candidates.generate(sampler, histories, control, &mut |_, _| {})?;
    let score = |(history, slates): (&Vec<ItemIdx>, Vec<GeneratedSlate>)| {
        let lists: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        let scores = scorer.score(&vec![history; slates.len()], &lists);
        Group {
            history: history.clone(),
            rewards: scores.iter().map(|score| f64::from(score.reward)).collect(),
            slates: slates.into_iter().map(|slate| slate.codes).collect(),
        }
    };
    Ok(histories.iter().zip(generated).map(score).collect())
}

/// Log-probability of every code of some slates of some users under a model.
///
/// # Shapes
/// - slates: for each history equally many, each `[n_codes]`
/// - output: `[n_histories * n_slates, n_codes]`
pub fn log_probs(
    model: &EncoderDecoder,
    table: &SemanticIdTable,
    history_len: usize,
    histories: &[Vec<ItemIdx>],
    slates: &[&[Code]],
    device: &Device,
) -> Tensor<2> {
    let history = HistoryBatch::new(histories, table, history_len, device);
    let codes: Vec<i64> = slates.concat().into_iter().map(i64::from).collect();
    let shape = [slates.len(), codes.len() / slates.len()];
    let targets = Tensor::<2, Int>::from_data(TensorData::new(codes, shape), device);
    // The slates of a history stand together, so that one pass over the history serves them all.
    let logits = model.decode(&model.encode(&history), targets.clone());
    code_log_probs(logits, targets)
}
