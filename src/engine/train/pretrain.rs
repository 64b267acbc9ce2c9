//! Stage 3: next-token training of the generator on sessions. [A 3.2, eq. 4]
//!
//! Differences from the paper, where it is silent: AdamW with warm-up and cosine decay; the loss that is minimised
//! is the mean over target codes, not their sum, so that the learning rate does not depend on the slate's length.

use std::thread::scope;
use std::time::Instant;

use burn::module::Module as _;
use burn::tensor::Tensor;

use crate::engine::checkpoint::CheckpointStore;
use crate::engine::data::prepare::PreparedData;
use crate::engine::error::EngineError;
use crate::engine::eval::cases::sample_cases;
use crate::engine::eval::held_out::{HeldOutInput, held_out};
use crate::engine::event::{NoticeLevel, Stage};
use crate::engine::model::Generator;
use crate::engine::optim::AdamW;
use crate::engine::run::journal;
use crate::engine::run::report::{PretrainReport, RunReport};
use crate::engine::tokenizer::health::entropy_nats;
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::expert_balance::{ExpertBalance, first_and_last};
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::loader::Loader;
use crate::engine::train::schedule::warmup_cosine;
use crate::engine::train::session_source::{SessionSource, StepBatch};
use crate::engine::train::step_gradient::step_gradient;
use crate::engine::train::validation::{VALIDATION_LOSS, Validation, learn_end, validation_cases};

/// Users over whom the held-out loss is measured when training is done.
const HELD_OUT_USERS: usize = 1000;

/// Trains the generator, or loads it when the stage is complete. The result is without autodiff.
///
/// # Errors
/// If there is no session, the loss is not finite, or a stop was asked for.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    report: &mut RunReport,
) -> Result<Generator, EngineError> {
    let config = ctx.config;
    let settings = &config.pretrain;
    let slate_len = config.data.session.slate_len;
    let cases = validation_cases(data, settings, config.seed);
    let learn_end = learn_end(data, &cases);
    let mut source = Some(SessionSource::new(
        data,
        config,
        "pretrain.shuffle",
        &learn_end,
    )?);
    let reader = items.reader(&config.model, data);
    let mut validation = Validation::new(ctx, data, &reader, &cases)?;
    let store = store(ctx, data, items);
    let spec = LoopSpec {
        stage: Stage::Pretrain,
        store: &store,
        n_steps: settings.steps,
        steps_before: 0,
        stage_steps: settings.steps,
        log_every_steps: settings.log_every_steps,
        validate_every_steps: settings.validate_every_steps,
        checkpoint_every_steps: settings.checkpoint_every_steps,
    };
    let device = ctx.device.clone().autodiff();
    let features = reader.features();
    let vocab = items.vocab;
    let model = config
        .model
        .init(vocab, slate_len, features, config.seed, &device);
    let n_parameters = model.n_parameters() as u64;
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm)
        .with_tables(model.table_ids(), settings.table_lr_factor)
        .with_loss_scale(config.model.precision.loss_scale());
    let mut pace = Pace::new();
    let mut experts = ExpertBalance::new(config.model.balance_rate);

    let model = scope(|scope| {
        let mut loader = None;
        let one_step = |ctx: &mut StageCtx<'_>,
                        model: Generator,
                        optimizer: &mut AdamW,
                        step: u64,
                        log: bool|
         -> Result<(Generator, StepOutcome), EngineError> {
            // The loop begins where its last checkpoint ends, and so does the loader.
            if let Some(mut source) = source.take() {
                let reader = &reader;
                let make = move |step| {
                    let examples = source.batch(step, settings.batch_size);
                    StepBatch::new(&examples, reader, slate_len, settings.micro_batches)
                };
                loader = Some(Loader::start(scope, "loader", step..settings.steps, make)?);
            }
            let Some(batch) = loader.as_mut().and_then(Loader::next) else {
                unreachable!("the loader makes a batch for every step")
            };
            if config.model.dropout > 0.0 {
                // Dropout draws from the device, which all that runs in this process shares: reseeding per step lets a
                // resumed run draw the same.
                device.seed(config.seed.derive("pretrain.dropout", step));
            }
            let found = step_gradient(&model, &batch, settings, &device);
            let lr = warmup_cosine(
                step,
                settings.steps,
                settings.warmup_steps,
                settings.learning_rate,
                settings.final_lr_frac,
            );
            let (mut model, grad_norm) = optimizer.step(lr, model, found.grads);
            experts.after_step(&mut model);
            pace.add(&batch);

            let number = step + 1;
            ctx.at = (Stage::Pretrain, number);
            let mut outcome = StepOutcome {
                n_samples: batch.n_samples as u64,
                ..StepOutcome::default()
            };
            if log {
                outcome.values = losses(found.per_level);
                outcome.values.push(("learning_rate".to_owned(), lr));
                if let Some(norm) = grad_norm {
                    let norm = f64::from(norm.into_scalar::<f32>());
                    outcome.values.push(("grad_norm".to_owned(), norm));
                }
                outcome.values.extend(pace.take());
                outcome.experts = experts.report(&model);
            }
            if let Some(loss) = validation.after_step(number, &model)? {
                outcome.values.push((VALIDATION_LOSS.to_owned(), loss));
            }
            outcome.is_last = validation.is_over();
            if outcome.is_last {
                tell_early_end(ctx, number, validation.best_step())?;
            }
            if outcome.is_last || number == settings.steps {
                model = validation.best(model)?;
            }
            Ok((model, outcome))
        };
        train_loop(ctx, &spec, model, optimizer, one_step)
    })?;
    validation.clean_up()?;

    let model = model.valid();
    if report.pretrain.is_none() {
        let cases = sample_cases(data, HELD_OUT_USERS, config.seed);
        let input = HeldOutInput {
            data,
            reader: &reader,
            cases: &cases,
            batch_size: config.evaluate.batch_size,
        };
        let held_out = held_out(&model, input, ctx.control)?;
        report.pretrain = Some(PretrainReport {
            parameters: n_parameters,
            held_out_loss: held_out.loss,
            unigram_entropy: unigram_entropy(data, items),
            best_step: validation.best_step(),
            ..from_journal(ctx)?
        });
    }
    Ok(model)
}

/// The loss per code, as a mean and level by level, read back.
fn losses(per_level: Option<Tensor<1>>) -> Vec<(String, f64)> {
    let per_level: Vec<f64> = per_level
        .map(|losses| losses.into_data().iter::<f64>().collect())
        .unwrap_or_default();
    let mean = per_level.iter().sum::<f64>() / per_level.len().max(1) as f64;
    let levels = per_level.into_iter().zip(1..);
    std::iter::once(("loss".to_owned(), mean))
        .chain(levels.map(|(loss, number)| (format!("loss_level_{number}"), loss)))
        .collect()
}

fn tell_early_end(
    ctx: &mut StageCtx<'_>,
    step: u64,
    best_step: Option<u64>,
) -> Result<(), EngineError> {
    let patience = ctx.config.pretrain.patience;
    let best = best_step.map_or_else(String::new, |best| {
        format!(", with the weights of step {best}")
    });
    ctx.reporter.notice(
        NoticeLevel::Info,
        Stage::Pretrain,
        format!(
            "the held-out loss has not fallen for {patience} measurements: ended after step {step}{best}"
        ),
    )
}

/// What the steps since the last report had to do, and since when.
struct Pace {
    began: Instant,
    n_codes: usize,
    padding_frac: f64,
    n_batches: usize,
}

impl Pace {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            n_codes: 0,
            padding_frac: 0.0,
            n_batches: 0,
        }
    }

    fn add(&mut self, batch: &StepBatch) {
        self.n_codes += batch.n_codes();
        self.padding_frac += batch.padding_frac;
        self.n_batches += 1;
    }

    /// Target codes per second and the share of padding since the last report.
    fn take(&mut self) -> [(String, f64); 2] {
        let Self {
            began,
            n_codes,
            padding_frac,
            n_batches,
        } = std::mem::replace(self, Self::new());
        let seconds = began.elapsed().as_secs_f64().max(1e-9);
        [
            ("tokens_per_second".to_owned(), n_codes as f64 / seconds),
            (
                "padding_frac".to_owned(),
                padding_frac / n_batches.max(1) as f64,
            ),
        ]
    }
}

/// The checkpoints of this stage.
pub fn store(ctx: &StageCtx<'_>, data: &PreparedData, items: &Items) -> CheckpointStore {
    CheckpointStore::new(
        ctx.dir.stage_dir(Stage::Pretrain),
        Stage::Pretrain,
        belongs_to(ctx, data, items),
    )
}

/// What a generator's checkpoint must agree with: data, semantic IDs, sizes.
pub fn belongs_to(ctx: &StageCtx<'_>, data: &PreparedData, items: &Items) -> Vec<(String, String)> {
    vec![
        ("data".to_owned(), data.dataset.fingerprint.clone()),
        (
            "semantic_ids".to_owned(),
            items.tokenizer.table.fingerprint(),
        ),
        (
            "model".to_owned(),
            serde_json::to_string(&ctx.config.model).unwrap_or_default(),
        ),
        ("seed".to_owned(), ctx.config.seed.0.to_string()),
    ]
}

/// Entropy of each level's codes among the learnable positive events, nats.
fn unigram_entropy(data: &PreparedData, items: &Items) -> Vec<f64> {
    let table = &items.tokenizer.table;
    (0..table.n_levels())
        .map(|level_idx| {
            let mut counts = vec![0_u32; table.codebook_size()];
            for (sid, popularity) in table
                .codes()
                .chunks_exact(table.n_levels())
                .zip(&data.popularity)
            {
                counts[usize::from(sid[level_idx])] += *popularity;
            }
            entropy_nats(&counts)
        })
        .collect()
}

/// What the journal tells of the stage.
fn from_journal(ctx: &StageCtx<'_>) -> Result<PretrainReport, EngineError> {
    let records = journal::read(&ctx.dir.events_path())?;
    let series = |name: &str| -> Vec<f64> {
        journal::series(&records, Stage::Pretrain, name)
            .into_values()
            .collect()
    };
    let losses = series("loss");
    let mut speeds = series("tokens_per_second");
    speeds.sort_by(f64::total_cmp);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let points = journal::points(&records, Stage::Pretrain);
    Ok(PretrainReport {
        steps: points.last_key_value().map_or(0, |(step, _)| *step),
        loss_first: mean(&losses[..losses.len().min(10)]),
        loss_last: mean(&losses[losses.len().saturating_sub(10)..]),
        tokens_per_second: speeds.get(speeds.len() / 2).copied().unwrap_or(0.0),
        padding_frac: mean(&series("padding_frac")),
        validation_loss: series(VALIDATION_LOSS).into_iter().min_by(f64::total_cmp),
        experts: first_and_last(&records),
        ..PretrainReport::default()
    })
}
