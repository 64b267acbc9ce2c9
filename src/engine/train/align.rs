//! Stage 5: iterative preference alignment. [A 3.3.2, Alg. 2]
//!
//! ```text
//! for each iteration:
//!     reference = frozen copy of the policy
//!     for each step:
//!         loss = next-token loss of a batch of sessions
//!         for each sample, with probability r_DPO:
//!             N slates by beam search of the reference, scored by the reward model
//!             loss += lambda * preference loss(best, worst)
//!         one optimiser step
//! ```
//!
//! The preference loss is DPO in the paper; its baselines are offered beside it, see [`preference`].
//!
//! Differences from the paper, where it is silent: the preference term is the mean over the pairs of a step, so that
//! lambda does not change its meaning with r_DPO or the batch size; every step has at least one pair when
//! r_DPO > 0; the optimiser keeps its moments across iterations.

use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng as _;
use rand::RngExt as _;

use crate::engine::batch::{HistoryBatch, SessionBatch};
use crate::engine::checkpoint::{CheckpointStore, weights};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::ItemIdx;
use crate::engine::data::prepare::PreparedData;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::event::Stage;
use crate::engine::loss::preference::{self, PairLogProbs, PreferenceOutput};
use crate::engine::loss::{next_token, sequence_log_prob};
use crate::engine::model::EncoderDecoder;
use crate::engine::reward::scorer::RewardScorer;
use crate::engine::tokenizer::Code;
use crate::engine::train::config::{AlignConfig, Objective};
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::optim::AdamW;
use crate::engine::train::preference_pairs::{PreferencePair, best_and_worst};
use crate::engine::train::pretrain::{SessionSource, belongs_to};
use crate::engine::train::schedule::warmup_constant;

/// Steps of warm-up; the moments start empty, so the first steps must be small.
const WARMUP_STEPS: u64 = 5;

/// Aligns the generator, or loads it when the stage is complete. The result is without autodiff.
///
/// # Errors
/// If the loss is not finite or a stop was asked for.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    base: &EncoderDecoder,
    scorer: &RewardScorer,
) -> Result<EncoderDecoder, EngineError> {
    let config = ctx.config;
    let settings = &config.align;
    let mut source = SessionSource::new(data, config, "align.shuffle")?;
    let store = store(ctx, data, items);
    let n_steps = settings.iterations * settings.steps_per_iteration;
    let spec = LoopSpec {
        stage: Stage::Align,
        store: &store,
        n_steps,
        steps_before: 0,
        stage_steps: n_steps,
        log_every_steps: settings.log_every_steps,
        checkpoint_every_steps: settings.checkpoint_every_steps,
    };
    let device = ctx.device.clone().autodiff();
    let policy = base.clone().train();
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm);
    let candidates = SlateGenerator::new(
        &items.tokenizer.table,
        &data.popularity,
        config.model.history_len,
        config.data.session.slate_len,
        settings.n_candidates,
        settings.batch_size,
    );
    let mut reference: Option<(u64, EncoderDecoder)> = None;

    let policy = train_loop(
        ctx,
        &spec,
        policy,
        optimizer,
        |ctx, policy, optimizer, step, log| {
            let iteration = step / settings.steps_per_iteration;
            if reference.as_ref().is_none_or(|(of, _)| *of != iteration) {
                reference = Some((iteration, snapshot(ctx, &policy, step, iteration)?));
            }
            let Some((_, reference)) = &reference else {
                unreachable!("the snapshot was taken above")
            };

            let examples = source.batch(step, settings.batch_size);
            let batch = SessionBatch::new(
                &examples,
                &items.tokenizer.table,
                config.model.history_len,
                config.data.session.slate_len,
                &device,
            );
            let memory = policy.encode(&batch.history);
            let logits = policy.decode(&memory, batch.targets.clone());
            let n_levels = items.vocab.n_levels;
            let next_token_loss =
                next_token(logits, batch.targets, batch.target_weight, n_levels).mean;

            let histories = chosen_histories(
                config,
                step,
                examples.iter().map(|example| &example.history),
            );
            let pairs = best_and_worst(
                reference,
                &candidates,
                scorer,
                &histories,
                settings.n_rejected,
                ctx.control,
            )?;
            let preference = (!pairs.is_empty())
                .then(|| preference_loss(&policy, reference, &pairs, items, config, &device));

            let loss = match &preference {
                Some(preference) => {
                    next_token_loss.clone() + preference.loss.clone().mul_scalar(settings.lambda)
                }
                None => next_token_loss.clone(),
            };
            let grads = GradientsParams::from_grads(loss.backward(), &policy);
            let lr = warmup_constant(step, WARMUP_STEPS, settings.learning_rate);
            let (policy, grad_norm) = optimizer.step(lr, policy, grads);

            let mut values = Vec::new();
            if log {
                let read = |tensor: Tensor<1>| f64::from(tensor.into_scalar::<f32>());
                values.push(("loss".to_owned(), read(loss)));
                values.push(("next_token_loss".to_owned(), read(next_token_loss)));
                if let Some(preference) = preference {
                    values.push((loss_name(settings).to_owned(), read(preference.loss)));
                    values.push(("margin".to_owned(), read(preference.margin)));
                    values.push(("accuracy".to_owned(), read(preference.accuracy)));
                    values.push((
                        "chosen_log_prob".to_owned(),
                        read(preference.chosen_log_prob),
                    ));
                    values.push((
                        "rejected_log_prob".to_owned(),
                        read(preference.rejected_log_prob),
                    ));
                    let gap: f64 = pairs
                        .iter()
                        .map(|pair| pair.chosen_reward - pair.rejected_reward)
                        .sum();
                    values.push(("reward_gap".to_owned(), gap / pairs.len() as f64));
                }
                values.push(("step_pairs".to_owned(), pairs.len() as f64));
                values.push(("learning_rate".to_owned(), lr));
                if let Some(norm) = grad_norm {
                    values.push(("grad_norm".to_owned(), read(norm)));
                }
            }
            Ok((
                policy,
                StepOutcome {
                    n_samples: examples.len() as u64,
                    values,
                },
            ))
        },
    )?;
    Ok(policy.valid())
}

/// The checkpoints of this stage.
pub fn store(ctx: &StageCtx<'_>, data: &PreparedData, items: &Items) -> CheckpointStore {
    CheckpointStore::new(
        ctx.dir.stage_dir(Stage::Align),
        Stage::Align,
        belongs_to(ctx, data, items),
    )
}

/// The frozen copy that samples and that the policy is compared with. It is saved when an iteration begins,
/// so that a run resumed in its middle compares with the same one.
fn snapshot(
    ctx: &StageCtx<'_>,
    policy: &EncoderDecoder,
    step: u64,
    iteration: u64,
) -> Result<EncoderDecoder, EngineError> {
    let path = ctx
        .dir
        .stage_dir(Stage::Align)
        .join(format!("reference_{iteration}.safetensors"));
    let frozen = policy.valid();
    if step.is_multiple_of(ctx.config.align.steps_per_iteration) {
        weights::save(&frozen, &path)?;
        Ok(frozen)
    } else {
        Ok(weights::load(frozen, &path)?)
    }
}

/// Histories of the samples that get a preference pair: each with probability r_DPO, at least one.
fn chosen_histories<'a>(
    config: &ExperimentConfig,
    step: u64,
    histories: impl Iterator<Item = &'a Vec<ItemIdx>>,
) -> Vec<Vec<ItemIdx>> {
    let ratio = config.align.dpo_ratio;
    if ratio <= 0.0 {
        return Vec::new();
    }
    let mut rng = config.seed.rng("align.dpo_gate", step);
    let histories: Vec<&Vec<ItemIdx>> = histories.filter(|history| !history.is_empty()).collect();
    let mut chosen: Vec<Vec<ItemIdx>> = histories
        .iter()
        .filter(|_| rng.random_bool(ratio))
        .map(|history| (*history).clone())
        .collect();
    if chosen.is_empty() && !histories.is_empty() {
        let idx = (rng.next_u64() % histories.len() as u64) as usize;
        chosen.push(histories[idx].clone());
    }
    chosen
}

/// The name of the preference loss among the values of a step. Where the loss starts at ln 2 it has a name of its
/// own, because curves show that line.
fn loss_name(settings: &AlignConfig) -> &'static str {
    match settings.objective {
        Objective::Dpo | Objective::Cdpo | Objective::Rdpo => "dpo_loss",
        Objective::SDpo if settings.n_rejected == 1 => "dpo_loss",
        Objective::Ipo | Objective::Cpo | Objective::Simpo | Objective::SDpo => "preference_loss",
    }
}

/// The preference term of one step, each field `[1]`.
struct Preference {
    loss: Tensor<1>,
    margin: Tensor<1>,
    accuracy: Tensor<1>,
    chosen_log_prob: Tensor<1>,
    rejected_log_prob: Tensor<1>,
}

fn preference_loss(
    policy: &EncoderDecoder,
    reference: &EncoderDecoder,
    pairs: &[PreferencePair],
    items: &Items,
    config: &ExperimentConfig,
    device: &Device,
) -> Preference {
    let histories: Vec<Vec<ItemIdx>> = pairs.iter().map(|pair| pair.history.clone()).collect();
    let log_probs = |model: &EncoderDecoder, device: &Device| {
        let history = HistoryBatch::new(
            &histories,
            &items.tokenizer.table,
            config.model.history_len,
            device,
        );
        let memory = model.encode(&history);
        let of = |slates: Vec<&[Code]>| {
            let codes: Vec<i64> = slates.concat().into_iter().map(i64::from).collect();
            let shape = [pairs.len(), codes.len() / pairs.len()];
            let targets = Tensor::<2, Int>::from_data(TensorData::new(codes, shape), device);
            let weight = Tensor::<2>::ones(shape, device);
            sequence_log_prob(model.decode(&memory, targets.clone()), targets, weight)
                .reshape([pairs.len(), 1])
        };
        let chosen = of(pairs.iter().map(|pair| pair.chosen.as_slice()).collect());
        let rejected = (0..config.align.n_rejected)
            .map(|idx| {
                of(pairs
                    .iter()
                    .map(|pair| pair.rejected[idx].as_slice())
                    .collect())
            })
            .collect();
        (chosen, Tensor::cat(rejected, 1))
    };
    let (chosen, rejected) = log_probs(policy, device);
    let (reference_chosen, reference_rejected) =
        log_probs(reference, &reference.embeddings.val().device());
    let pairs = PairLogProbs {
        chosen,
        rejected,
        reference_chosen: Tensor::from_inner(reference_chosen),
        reference_rejected: Tensor::from_inner(reference_rejected),
        n_codes: pairs[0].chosen.len(),
    };
    let output = apply(&config.align, &pairs);
    Preference {
        accuracy: output.accuracy(),
        loss: output.loss.mean(),
        margin: output.margin.mean(),
        chosen_log_prob: pairs.chosen.mean(),
        rejected_log_prob: pairs.rejected.mean(),
    }
}

fn apply(settings: &AlignConfig, pairs: &PairLogProbs) -> PreferenceOutput {
    let (beta, noise) = (settings.beta, settings.label_noise);
    match settings.objective {
        Objective::Dpo => preference::dpo(pairs, beta),
        Objective::Ipo => preference::ipo(pairs, beta),
        Objective::Cdpo => preference::cdpo(pairs, beta, noise),
        Objective::Rdpo => preference::rdpo(pairs, beta, noise),
        Objective::Cpo => preference::cpo(pairs, beta),
        Objective::Simpo => preference::simpo(pairs, beta, settings.target_margin),
        Objective::SDpo => preference::s_dpo(pairs, beta),
    }
}
