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
//! Differences from the papers, where they are silent: the term is the mean over the pairs of a step, so that
//! lambda does not change its meaning with r_DPO or the batch size; every step has at least one pair when
//! r_DPO > 0; the optimiser keeps its moments across iterations.

use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use rand::Rng as _;
use rand::RngExt as _;

use crate::engine::batch::{Example, HostBatch};
use crate::engine::checkpoint::CheckpointStore;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{DataError, Moment};
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::eval::rewards;
use crate::engine::event::{EngineEvent, Stage};
use crate::engine::loss::{level_entropy, next_token};
use crate::engine::model::Generator;
use crate::engine::optim::AdamW;
use crate::engine::reward::industrial::flagged_items;
use crate::engine::train::alignment_probe::{AlignmentProbe, ProbeInput};
use crate::engine::train::alignment_term::{AlignmentTerm, Models, alignment_term};
use crate::engine::train::alignment_watch::{AlignmentWatch, Warning};
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::exposure_term::Exposures;
use crate::engine::train::fit_reward::Scorers;
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::format_term::format_term;
use crate::engine::train::preference_pairs::best_and_worst;
use crate::engine::train::pretrain::belongs_to;
use crate::engine::train::rollouts::{roll_out, score};
use crate::engine::train::schedule::warmup_constant;
use crate::engine::train::session_choice::alignment_sessions;
use crate::engine::train::session_source::SessionSource;
use crate::engine::train::shown_pairs::shown_pairs;
use crate::engine::train::snapshots::Snapshots;

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
) -> Result<Generator, EngineError> {
    let config = ctx.config;
    let settings = &config.align;
    let slate_len = config.data.session.slate_len;
    let reader = items.reader(&config.model, data);
    let sessions = alignment_sessions(data, config)?;
    let mut source = SessionSource::of(data, config, "align.shuffle", sessions, settings.order)?;
    let is_flagged = flags(data, &settings.flagged)?;
    let exposures = (settings.exposure_weight > 0.0)
        .then(|| Exposures::new(data, settings.duration_base))
        .transpose()?;
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
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm);
    let candidates = SlateGenerator::new(
        &reader,
        &data.popularity,
        slate_len,
        settings.n_candidates,
        settings.batch_size,
    );
    let everyone = rewards::Scorers {
        reward: &scorers.reward,
        judge: &scorers.judge,
        oracle: data.dataset.oracle.as_ref(),
    };
    let mut snapshots = Snapshots::new(base);
    let mut probe = None;
    let mut watch = AlignmentWatch::default();

    let policy = train_loop(
        ctx,
        &spec,
        policy,
        optimizer,
        |ctx, policy, optimizer, step, log| {
            let examples = source.batch(step, settings.batch_size);
            let batch = HostBatch::new(&examples, &reader, slate_len).to_device(&device);
            let memory = policy.encode(&batch.context);
            let logits = policy.decode(&memory, batch.targets.clone());
            let n_levels = items.vocab.n_levels;
            let entropy = log.then(|| level_entropy(logits.clone(), n_levels));
            let next_token_loss =
                next_token(logits, batch.targets, batch.target_weight, n_levels).mean;

            let reference = snapshots.at(ctx, &policy, step)?;
            let prompts = chosen_prompts(config, step, &examples);
            let moments: Vec<Moment> = prompts.iter().map(|prompt| prompt.moment.clone()).collect();
            let mut rng = config.seed.rng("align.rollouts", step);
            let mut groups = roll_out(
                reference,
                &candidates,
                settings,
                &prompts,
                &mut rng,
                ctx.control,
            )?;
            score(
                &mut groups,
                &prompts,
                &scorers.reward,
                is_flagged.as_deref(),
                settings,
            );
            let models = Models {
                policy: &policy,
                reference,
                reader: &reader,
                device: &device,
            };
            let at = (config.seed, step);
            let format = format_term(&models, &candidates, &moments, settings, at, ctx.control)?;
            let exposure = exposures
                .as_ref()
                .and_then(|exposures| exposures.term(&models, settings, at));
            let terms = [
                (settings.lambda, alignment_term(&models, &groups, config)),
                (settings.format_weight, format),
                (settings.exposure_weight, exposure),
            ];

            let mut loss = next_token_loss.clone();
            for (weight, term) in &terms {
                if let Some(term) = term {
                    loss = loss + term.loss.clone().mul_scalar(*weight);
                }
            }
            let grads = GradientsParams::from_grads(loss.backward(), &policy);
            let lr = warmup_constant(step, WARMUP_STEPS, settings.learning_rate);
            let (policy, grad_norm) = optimizer.step(lr, policy, grads);

            let mut values = Vec::new();
            if log {
                if let [(_, Some(term)), ..] = &terms
                    && let Some(said) = &term.pairs
                {
                    let pairs = best_and_worst(&groups, settings.n_rejected);
                    let learned =
                        shown_pairs(step + 1, &pairs, said, data, reader.table(), everyone);
                    ctx.reporter.emit(EngineEvent::PairsLearned(learned))?;
                }
                values.push(("loss".to_owned(), read(loss)));
                values.push(("next_token_loss".to_owned(), read(next_token_loss)));
                for (_, term) in terms {
                    values.extend(term.into_iter().flat_map(read_term));
                }
                values.push(("learning_rate".to_owned(), lr));
                if let Some(norm) = grad_norm {
                    values.push(("grad_norm".to_owned(), read(norm)));
                }
                if let Some(entropy) = entropy {
                    for (level_idx, value) in entropy.into_data().iter::<f32>().enumerate() {
                        values.push((format!("entropy_level_{}", level_idx + 1), value.into()));
                    }
                }
                let gap = values.iter().find(|(name, _)| name == "reward_gap");
                if let Some((_, gap)) = gap {
                    tell(ctx, watch.look_at_pairs(step + 1, *gap))?;
                }
                let every = settings.probe_every_steps;
                if every > 0 && (step + 1).is_multiple_of(every) {
                    if probe.is_none() {
                        probe = Some(AlignmentProbe::new(
                            ProbeInput {
                                data,
                                reader: &reader,
                                scorers: everyone,
                                base,
                                slate_len,
                                seed: config.seed,
                            },
                            settings,
                            ctx.control,
                        )?);
                    }
                    if let Some(Some(probe)) = &probe {
                        let point = probe.look(&policy, ctx.control)?;
                        tell(ctx, watch.look(step + 1, &point))?;
                        values.extend(point.values());
                    }
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

/// The items of the flagged category or author; nothing where none is flagged.
fn flags(data: &PreparedData, name: &str) -> Result<Option<Vec<bool>>, DataError> {
    if name.is_empty() {
        return Ok(None);
    }
    let flags = flagged_items(&data.dataset.catalog, name);
    if flags.contains(&true) {
        return Ok(Some(flags));
    }
    Err(DataError::Empty {
        found: format!("align.flagged is {name:?}, and no item has that category or author"),
        path: data.dataset.name.clone().into(),
    })
}

/// The samples for which slates are generated: each with probability r_DPO, at least one.
fn chosen_prompts(config: &ExperimentConfig, step: u64, examples: &[Example]) -> Vec<Example> {
    let ratio = config.align.dpo_ratio;
    if ratio <= 0.0 {
        return Vec::new();
    }
    let mut rng = config.seed.rng("align.dpo_gate", step);
    let possible: Vec<&Example> = examples
        .iter()
        .filter(|example| !example.moment.history.is_empty())
        .collect();
    let mut chosen: Vec<Example> = possible
        .iter()
        .filter(|_| rng.random_bool(ratio))
        .map(|example| (*example).clone())
        .collect();
    if chosen.is_empty() && !possible.is_empty() {
        let idx = (rng.next_u64() % possible.len() as u64) as usize;
        chosen.push(possible[idx].clone());
    }
    chosen
}

fn read_term(term: AlignmentTerm) -> impl Iterator<Item = (String, f64)> {
    let tensors = term
        .tensors
        .into_iter()
        .map(|(name, tensor)| (name.to_owned(), read(tensor)));
    let plain = term
        .values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    tensors.chain(plain)
}

fn read(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

fn tell(ctx: &mut StageCtx<'_>, warnings: Vec<Warning>) -> Result<(), EngineError> {
    for warning in warnings {
        ctx.reporter
            .warn(Stage::Align, warning.text, warning.hint)?;
    }
    Ok(())
}
