//! Rollouts: the slates that a frozen copy of the generator finds most likely for a user, with their rewards. [A Alg. 2; B 2.4.1]

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::engine::batch::ContextReader;
use crate::engine::control::RunControl;
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::error::EngineError;
use crate::engine::eval::generate::{GeneratedSlate, SlateGenerator};
use crate::engine::loss::code_log_probs;
use crate::engine::model::Generator;
use crate::engine::reward::RewardScorer;
use crate::engine::tokenizer::Code;

/// Slates of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// When they were generated.
    pub moment: Moment,
    /// Codes of each slate, `[slate_len * n_levels]`, likeliest first.
    pub slates: Vec<Vec<Code>>,
    /// Reward of each slate.
    pub rewards: Vec<f64>,
}

/// Generates N slates for each moment with the frozen `sampler` and scores them.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub fn roll_out(
    sampler: &Generator,
    candidates: &SlateGenerator<'_>,
    scorer: &RewardScorer,
    moments: &[Moment],
    control: &RunControl,
) -> Result<Vec<Group>, EngineError> {
    let generated = candidates.generate(sampler, moments, control, &mut |_, _| {})?;
    let score = |(moment, slates): (&Moment, Vec<GeneratedSlate>)| {
        let lists: Vec<&[ItemIdx]> = slates.iter().map(|slate| slate.items.as_slice()).collect();
        let scores = scorer.score(&vec![&moment.history; slates.len()], &lists);
        Group {
            moment: moment.clone(),
            rewards: scores.iter().map(|score| f64::from(score.reward)).collect(),
            slates: slates.into_iter().map(|slate| slate.codes).collect(),
        }
    };
    Ok(moments.iter().zip(generated).map(score).collect())
}

/// Log-probability of every code of some slates of some users under a model.
///
/// # Shapes
/// - slates: for each moment equally many, each `[n_codes]`
/// - output: `[n_moments * n_slates, n_codes]`
pub fn log_probs(
    model: &Generator,
    reader: &ContextReader<'_>,
    moments: &[&Moment],
    slates: &[&[Code]],
    device: &Device,
) -> Tensor<2> {
    let context = reader.read(moments.iter().copied()).to_device(device);
    let codes: Vec<i64> = slates.concat().into_iter().map(i64::from).collect();
    let shape = [slates.len(), codes.len() / slates.len()];
    let targets = Tensor::<2, Int>::from_data(TensorData::new(codes, shape), device);
    // The slates of a moment stand together, so that one pass over its context serves them all.
    let logits = model.decode(&model.encode(&context), targets.clone());
    code_log_probs(logits, targets)
}
