//! Stage 3: next-token training of the generator on sessions. [A 3.2, eq. 4]
//!
//! Differences from the paper, where it is silent: AdamW with warm-up and cosine decay; the loss that is minimised
//! is the mean over target codes, not their sum, so that the learning rate does not depend on the slate's length.

use std::time::Instant;

use burn::optim::GradientsParams;

use crate::engine::batch::{Example, HostBatch};
use crate::engine::checkpoint::CheckpointStore;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::DataError;
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::session::Session;
use crate::engine::error::EngineError;
use crate::engine::eval::cases::sample_cases;
use crate::engine::eval::held_out::{HeldOutInput, held_out};
use crate::engine::event::Stage;
use crate::engine::loss::next_token;
use crate::engine::model::Generator;
use crate::engine::optim::AdamW;
use crate::engine::run::journal;
use crate::engine::run::report::{PretrainReport, RunReport};
use crate::engine::seed::Seed;
use crate::engine::tokenizer::health::entropy_nats;
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::examples::{epoch_batches, training_sessions};
use crate::engine::train::expert_balance::{ExpertBalance, first_and_last};
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::schedule::warmup_cosine;

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
    let mut source = SessionSource::new(data, config, "pretrain.shuffle")?;
    let reader = items.reader(&config.model, data);
    let store = store(ctx, data, items);
    let spec = LoopSpec {
        stage: Stage::Pretrain,
        store: &store,
        n_steps: settings.steps,
        steps_before: 0,
        stage_steps: settings.steps,
        log_every_steps: settings.log_every_steps,
        checkpoint_every_steps: settings.checkpoint_every_steps,
    };
    let device = ctx.device.clone().autodiff();
    let model = config.model.init(
        items.vocab,
        config.data.session.slate_len,
        reader.features(),
        config.seed,
        &device,
    );
    let n_parameters = model.n_parameters() as u64;
    let optimizer = AdamW::new(settings.weight_decay, settings.max_grad_norm);
    let tokens_per_sample = (config.data.session.slate_len * items.vocab.n_levels) as f64;
    let mut since_log = (Instant::now(), 0_u64);
    let mut experts = ExpertBalance::new(config.model.balance_rate);

    let model = train_loop(
        ctx,
        &spec,
        model,
        optimizer,
        |ctx, model, optimizer, step, log| {
            // Dropout draws from the device: reseeding per step lets a resumed run draw the same.
            device.seed(config.seed.derive("pretrain.dropout", step));
            let examples = source.batch(step, settings.batch_size);
            let slate_len = config.data.session.slate_len;
            let batch = HostBatch::new(&examples, &reader, slate_len).to_device(&device);
            let memory = model.encode(&batch.context);
            let logits = model.decode(&memory, batch.targets.clone());
            let loss = next_token(
                logits,
                batch.targets,
                batch.target_weight,
                items.vocab.n_levels,
            );
            let grads = GradientsParams::from_grads(loss.mean.backward(), &model);
            let lr = warmup_cosine(
                step,
                settings.steps,
                settings.warmup_steps,
                settings.learning_rate,
                settings.final_lr_frac,
            );
            let (mut model, grad_norm) = optimizer.step(lr, model, grads);
            experts.after_step(&mut model);

            since_log.1 += examples.len() as u64;
            let mut values = Vec::new();
            if log {
                let per_level = loss.per_level.into_data();
                values.push(("loss".to_owned(), f64::from(loss.mean.into_scalar::<f32>())));
                for (level_idx, value) in per_level.iter::<f32>().enumerate() {
                    values.push((format!("loss_level_{}", level_idx + 1), f64::from(value)));
                }
                values.push(("learning_rate".to_owned(), lr));
                if let Some(norm) = grad_norm {
                    values.push(("grad_norm".to_owned(), f64::from(norm.into_scalar::<f32>())));
                }
                let seconds = since_log.0.elapsed().as_secs_f64();
                values.push((
                    "tokens_per_second".to_owned(),
                    since_log.1 as f64 * tokens_per_sample / seconds.max(1e-9),
                ));
                since_log = (Instant::now(), 0);
            }
            ctx.at = (Stage::Pretrain, step + 1);
            Ok((
                model,
                StepOutcome {
                    n_samples: examples.len() as u64,
                    values,
                    experts: if log {
                        experts.report(&model)
                    } else {
                        Vec::new()
                    },
                },
            ))
        },
    )?;

    let model = burn::module::Module::valid(&model);
    if report.pretrain.is_none() {
        let cases = sample_cases(data, HELD_OUT_USERS, config.seed);
        let input = HeldOutInput {
            data,
            reader: &reader,
            cases: &cases,
            batch_size: config.evaluate.batch_size,
        };
        let held_out = held_out(&model, input, ctx.control)?;
        report.pretrain = Some(summarise(
            ctx,
            n_parameters,
            held_out.loss,
            unigram_entropy(data, items),
        )?);
    }
    Ok(model)
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

/// The training sessions in batches, in an order that depends on the step alone.
pub struct SessionSource<'a> {
    data: &'a PreparedData,
    sessions: Vec<Session>,
    lengths: Vec<u16>,
    history_len: usize,
    seed: Seed,
    name: &'static str,
    epoch: Option<(u64, Vec<Vec<u32>>)>,
}

impl<'a> SessionSource<'a> {
    /// All training sessions.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(
        data: &'a PreparedData,
        config: &ExperimentConfig,
        name: &'static str,
    ) -> Result<Self, EngineError> {
        let sessions = training_sessions(data, &config.data, config.pretrain.sliding_sessions);
        if sessions.is_empty() {
            return Err(DataError::Empty {
                found: "no session passes the quality rule of data.session".to_owned(),
                path: data.dataset.name.clone().into(),
            }
            .into());
        }
        let history_len = config.model.history_len;
        let lengths = sessions
            .iter()
            .map(|session| {
                let rows = &data.positives[session.user.idx()];
                rows.partition_point(|row| (*row as usize) < session.first_row)
                    .min(history_len) as u16
            })
            .collect();
        Ok(Self {
            data,
            sessions,
            lengths,
            history_len,
            seed: config.seed,
            name,
            epoch: None,
        })
    }

    /// The session indices of step `step`.
    pub fn sessions(&mut self, step: u64, batch_size: usize) -> Vec<&Session> {
        let per_epoch = (self.sessions.len() / batch_size).max(1) as u64;
        let epoch = step / per_epoch;
        if self.epoch.as_ref().is_none_or(|(of, _)| *of != epoch) {
            self.epoch = Some((
                epoch,
                epoch_batches(self.seed, self.name, epoch, &self.lengths, batch_size),
            ));
        }
        let batches = self.epoch.as_ref().map_or(&[][..], |(_, batches)| batches);
        let batch = &batches[(step % per_epoch) as usize % batches.len().max(1)];
        batch
            .iter()
            .map(|idx| &self.sessions[*idx as usize])
            .collect()
    }

    /// The examples of step `step`.
    pub fn batch(&mut self, step: u64, batch_size: usize) -> Vec<Example> {
        let (data, history_len) = (self.data, self.history_len);
        self.sessions(step, batch_size)
            .into_iter()
            .map(|session| Example {
                moment: data.moment(session.user, session.first_row, history_len),
                items: session.items.clone(),
            })
            .collect()
    }
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

fn summarise(
    ctx: &StageCtx<'_>,
    parameters: u64,
    held_out_loss: Vec<f64>,
    unigram_entropy: Vec<f64>,
) -> Result<PretrainReport, EngineError> {
    let records = journal::read(&ctx.dir.events_path())?;
    let experts = first_and_last(&records);
    let losses: Vec<f64> = journal::series(&records, Stage::Pretrain, "loss")
        .into_values()
        .collect();
    let mut speeds: Vec<f64> = journal::series(&records, Stage::Pretrain, "tokens_per_second")
        .into_values()
        .collect();
    speeds.sort_by(f64::total_cmp);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    Ok(PretrainReport {
        steps: ctx.config.pretrain.steps,
        parameters,
        loss_first: mean(&losses[..losses.len().min(10)]),
        loss_last: mean(&losses[losses.len().saturating_sub(10)..]),
        held_out_loss,
        unigram_entropy,
        tokens_per_second: speeds.get(speeds.len() / 2).copied().unwrap_or(0.0),
        experts,
    })
}
