//! Stage 5: iterative preference alignment. [A 3.3.2, Alg. 2; B 3.3]
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
//! DPO is the first paper's objective. Its baselines and the policy gradients of the second take the same place,
//! see [`alignment_term`](super::alignment_term): those learn from all N slates of a user, not from a pair. The second
//! paper's loop is the same one with other settings: a policy gradient on 1% of the users beside the next-token loss
//! of the sessions watched longest, in the order of time, with the format reward beside it.
//!
//! The slates are written and scored on a thread of their own, ahead of the step that learns from them as far as their
//! snapshot allows, see `rollout_worker`.
//!
//! Differences from the papers, where they are silent: the term is the mean over the pairs of a step, so that
//! lambda does not change its meaning with r_DPO or the batch size; every step has at least one pair when
//! r_DPO > 0; the optimiser keeps its moments across iterations.

use std::thread::scope;
use std::time::Instant;

use burn::module::Module as _;
use burn::optim::GradientsParams;

use crate::engine::checkpoint::CheckpointStore;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{DataError, Moment};
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::eval::rewards;
use crate::engine::event::Stage;
use crate::engine::loss::{level_entropy, next_token};
use crate::engine::model::Generator;
use crate::engine::optim::AdamW;
use crate::engine::reward::industrial::flagged_items;
use crate::engine::run::journal;
use crate::engine::run::report::RunReport;
use crate::engine::train::alignment_log::{AlignmentLog, Computed};
use crate::engine::train::alignment_probe::ProbeInput;
use crate::engine::train::alignment_term::{Models, alignment_term};
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::exposure_term::Exposures;
use crate::engine::train::fit_reward::Scorers;
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::format_term::format_term;
use crate::engine::train::loader::Loader;
use crate::engine::train::marked_pairs::MarkedPairs;
use crate::engine::train::pretrain::belongs_to;
use crate::engine::train::rollout_worker::RolloutWorker;
use crate::engine::train::schedule::warmup_constant;
use crate::engine::train::session_choice::alignment_sessions;
use crate::engine::train::session_source::SessionSource;
use crate::engine::train::snapshots::{SnapshotPlan, Snapshots};
use crate::engine::train::step_seconds::{self, StepClock};

/// Steps of warm-up; the moments start empty, so the first steps must be small.
const WARMUP_STEPS: u64 = 5;

/// Aligns the generator, or loads it when the stage is complete. The result is without autodiff.
///
/// # Errors
/// If the data lacks what a setting needs, the loss is not finite, or a stop was asked for.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    base: &Generator,
    scorers: &Scorers,
    report: &mut RunReport,
) -> Result<Generator, EngineError> {
    let config = ctx.config;
    let settings = &config.align;
    let slate_len = config.data.session.slate_len;
    let n_levels = items.vocab.n_levels;
    let reader = items.reader(&config.model, data);
    let sessions = alignment_sessions(data, config)?;
    let is_flagged = flags(data, &settings.flagged)?;
    let exposures = (settings.exposure_weight > 0.0)
        .then(|| Exposures::new(data, settings.duration_base))
        .transpose()?;
    let candidates = SlateGenerator::new(
        &reader,
        &data.popularity,
        slate_len,
        settings.n_candidates,
        settings.batch_size,
    );
    let plan = SnapshotPlan::new(settings);
    let (snapshots, taken) = Snapshots::new(base, plan);
    let mut worker = Some(RolloutWorker {
        config,
        source: SessionSource::of(data, config, "align.shuffle", sessions, settings.order)?,
        candidates: &candidates,
        scorer: scorers.reward.clone(),
        is_flagged: is_flagged.as_deref(),
        control: ctx.control.clone(),
        snapshots: taken,
        plan,
    });
    let mut told = AlignmentLog::new(ProbeInput {
        data,
        reader: &reader,
        scorers: rewards::Scorers {
            reward: &scorers.reward,
            judge: &scorers.judge,
            oracle: data.dataset.oracle.as_ref(),
            flagged: is_flagged.as_deref(),
        },
        base,
        slate_len,
        seed: config.seed,
    });
    let mut marked = MarkedPairs::new(ctx.dir);
    let mut clock = StepClock::default();
    let store = store(ctx, data, items);
    let n_steps = settings.n_steps();
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
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm)
        .with_loss_scale(config.model.precision.loss_scale());

    let policy = scope(|scope| {
        let mut rollouts = None;
        // Dropped with the loop, so that the worker does not wait for another snapshot.
        let mut snapshots = snapshots;
        let one_step = |ctx: &mut StageCtx<'_>,
                        policy: Generator,
                        optimizer: &mut AdamW,
                        step: u64,
                        log: bool|
         -> Result<(Generator, StepOutcome), EngineError> {
            if step == 0 {
                told.begin(ctx)?;
            }
            let began = Instant::now();
            if config.model.dropout > 0.0 {
                // As in pretraining, so that a resumed run draws the same.
                device.seed(config.seed.derive("align.dropout", step));
            }
            let reference = snapshots.at(ctx, &policy, step)?;
            // The loop begins where its last checkpoint ends, and so does the worker.
            if let Some(worker) = worker.take() {
                rollouts = Some(worker.start(scope, step..n_steps)?);
            }
            let asked = Instant::now();
            let Some(input) = rollouts.as_mut().and_then(Loader::next) else {
                unreachable!("the worker makes the input of every step")
            };
            let waiting = asked.elapsed().as_secs_f64();
            let input = input?;

            let batch = input.batch.to_device(&device);
            let memory = policy.encode(&batch.context);
            let logits = policy.decode(&memory, batch.targets.clone());
            let entropy = log.then(|| level_entropy(logits.clone(), n_levels));
            let next_token_loss =
                next_token(logits, batch.targets, batch.target_weight, n_levels).mean;

            let models = Models {
                policy: &policy,
                reference,
                reader: &reader,
                device: &device,
            };
            let moments: Vec<&Moment> = input.groups.iter().map(|group| &group.moment).collect();
            let pairs = marked.pairs(ctx, data, step, &input.groups)?;
            let alignment = alignment_term(&models, &input.groups, &pairs, config);
            let free_ids = input.free_ids.as_ref();
            let format = free_ids.and_then(|ids| format_term(&models, &moments, ids, settings));
            let exposure = exposures
                .as_ref()
                .and_then(|exposures| exposures.term(&models, settings, (config.seed, step)));
            let terms = [
                (settings.lambda, alignment),
                (settings.format_weight, format),
                (settings.exposure_weight, exposure),
            ];
            let mut loss = next_token_loss.clone();
            for (weight, term) in &terms {
                if let Some(term) = term {
                    loss = loss + term.loss.clone().mul_scalar(*weight);
                }
            }
            let scaled = loss.clone().mul_scalar(policy.precision().loss_scale());
            let grads = GradientsParams::from_grads(scaled.backward(), &policy);
            let learning_rate = warmup_constant(step, WARMUP_STEPS, settings.learning_rate);
            let (policy, grad_norm) = optimizer.step(learning_rate, policy, grads);

            let number = step + 1;
            let mut values = Vec::new();
            if let Some(entropy) = entropy {
                let computed = Computed {
                    loss,
                    next_token_loss,
                    terms: terms.into_iter().filter_map(|(_, term)| term).collect(),
                    learning_rate,
                    grad_norm,
                    entropy,
                };
                values = told.values(ctx, number, &pairs, computed)?;
                values.extend(marked.take_values());
            }
            clock.add(&input, waiting, began.elapsed().as_secs_f64() - waiting);
            if log {
                let asked = Instant::now();
                values.extend(told.probe(ctx, number, &policy)?);
                clock.add_probe(asked.elapsed().as_secs_f64());
                values.extend(clock.take());
            }
            let outcome = StepOutcome {
                n_samples: input.n_samples as u64,
                values,
                ..StepOutcome::default()
            };
            Ok((policy, outcome))
        };
        train_loop(ctx, &spec, policy, optimizer, one_step)
    })?;
    let records = journal::read(&ctx.dir.events_path())?;
    report.alignment_seconds = step_seconds::from_journal(&records);
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

/// The flagged items; nothing where none is to be flagged.
///
/// # Errors
/// If no item is what the setting asks for.
pub(super) fn flags(data: &PreparedData, name: &str) -> Result<Option<Vec<bool>>, DataError> {
    if name.is_empty() {
        return Ok(None);
    }
    let flags = flagged_items(&data.dataset.catalog, name);
    if flags.contains(&true) {
        return Ok(Some(flags));
    }
    Err(DataError::Empty {
        found: format!(
            "align.flagged is {name:?}, and no item has that category, author or feature"
        ),
        path: data.dataset.name.clone().into(),
    })
}
