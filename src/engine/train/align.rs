//! Stage 5: iterative preference alignment. [A 3.3.2, Alg. 2]
//!
//! ```text
//! for each iteration:
//!     reference = frozen copy of the policy
//!     for each step:
//!         loss = next-token loss of a batch of sessions
//!         for each sample, with probability r_DPO:
//!             N slates by beam search of the reference, scored by the reward model
//!             loss += lambda * DPO(best, worst)
//!         one optimiser step
//! ```
//!
//! DPO is the paper's objective. Its baselines and the policy gradients of the second paper take the same place,
//! see [`alignment_term`](super::alignment_term): those learn from all N slates of a user, not from a pair.
//!
//! Differences from the paper, where it is silent: the term is the mean over the pairs of a step, so that
//! lambda does not change its meaning with r_DPO or the batch size; every step has at least one pair when
//! r_DPO > 0; the optimiser keeps its moments across iterations.

use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::Rng as _;
use rand::RngExt as _;

use crate::engine::batch::HostBatch;
use crate::engine::checkpoint::{CheckpointStore, weights};
use crate::engine::config::ExperimentConfig;
use crate::engine::data::Moment;
use crate::engine::data::prepare::PreparedData;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::event::Stage;
use crate::engine::loss::next_token;
use crate::engine::model::Generator;
use crate::engine::optim::AdamW;
use crate::engine::reward::scorer::RewardScorer;
use crate::engine::train::alignment_term::{Models, alignment_term};
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::pretrain::belongs_to;
use crate::engine::train::rollouts::roll_out;
use crate::engine::train::schedule::warmup_constant;
use crate::engine::train::session_source::SessionSource;

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
    base: &Generator,
    scorer: &RewardScorer,
) -> Result<Generator, EngineError> {
    let config = ctx.config;
    let settings = &config.align;
    let mut source = SessionSource::new(data, config, "align.shuffle", &data.split.learn_end)?;
    let reader = items.reader(&config.model, data);
    let store = store(ctx, data, items);
    let n_steps = settings.iterations * settings.steps_per_iteration;
    let spec = LoopSpec {
        stage: Stage::Align,
        store: &store,
        n_steps,
        steps_before: 0,
        stage_steps: n_steps,
        log_every_steps: settings.log_every_steps,
        validate_every_steps: 0,
        checkpoint_every_steps: settings.checkpoint_every_steps,
    };
    let device = ctx.device.clone().autodiff();
    let policy = base.clone().train();
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm);
    let candidates = SlateGenerator::new(
        &reader,
        &data.popularity,
        config.data.session.slate_len,
        settings.n_candidates,
        settings.batch_size,
    );
    let mut reference: Option<(u64, Generator)> = None;

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
            let slate_len = config.data.session.slate_len;
            let batch = HostBatch::new(&examples, &reader, slate_len).to_device(&device);
            let memory = policy.encode(&batch.context);
            let logits = policy.decode(&memory, batch.targets.clone());
            let n_levels = items.vocab.n_levels;
            let next_token_loss =
                next_token(logits, batch.targets, batch.target_weight, n_levels).mean;

            let moments =
                chosen_moments(config, step, examples.iter().map(|example| &example.moment));
            let groups = roll_out(reference, &candidates, scorer, &moments, ctx.control)?;
            let models = Models {
                policy: &policy,
                reference,
                reader: &reader,
                device: &device,
            };
            let term = alignment_term(&models, &groups, config);

            let loss = match &term {
                Some(term) => {
                    next_token_loss.clone() + term.loss.clone().mul_scalar(settings.lambda)
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
                if let Some(term) = term {
                    let tensors = term.tensors.into_iter();
                    values.extend(tensors.map(|(name, tensor)| (name.to_owned(), read(tensor))));
                    let plain = term.values.into_iter();
                    values.extend(plain.map(|(name, value)| (name.to_owned(), value)));
                }
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
                    ..StepOutcome::default()
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
    policy: &Generator,
    step: u64,
    iteration: u64,
) -> Result<Generator, EngineError> {
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

/// The samples that get a preference pair: each with probability r_DPO, at least one.
fn chosen_moments<'a>(
    config: &ExperimentConfig,
    step: u64,
    moments: impl Iterator<Item = &'a Moment>,
) -> Vec<Moment> {
    let ratio = config.align.dpo_ratio;
    if ratio <= 0.0 {
        return Vec::new();
    }
    let mut rng = config.seed.rng("align.dpo_gate", step);
    let moments: Vec<&Moment> = moments
        .filter(|moment| !moment.history.is_empty())
        .collect();
    let mut chosen: Vec<Moment> = moments
        .iter()
        .filter(|_| rng.random_bool(ratio))
        .map(|moment| (*moment).clone())
        .collect();
    if chosen.is_empty() && !moments.is_empty() {
        let idx = (rng.next_u64() % moments.len() as u64) as usize;
        chosen.push(moments[idx].clone());
    }
    chosen
}
