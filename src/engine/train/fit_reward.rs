//! Stage 4: the reward model, and a judge trained on other users. [A 3.3.1, eq. 5-7; B 2.4.1]
//!
//! Alignment sees the first one only. The judge shares its form but none of its users, so that a gain which
//! only exploits the reward model's mistakes shows as a gain that the judge does not confirm.

use burn::module::Module as _;
use burn::optim::GradientsParams;

use crate::engine::checkpoint::CheckpointStore;
use crate::engine::config::ExperimentConfig;
use crate::engine::data::logged_slate::{LoggedSlate, logged_slates};
use crate::engine::data::prepare::PreparedData;
use crate::engine::data::{DataError, ItemIdx};
use crate::engine::error::EngineError;
use crate::engine::eval::calibration::{expected_calibration_error, gauc, reliability};
use crate::engine::eval::metrics::auc;
use crate::engine::eval::oracle_auc::Expectations;
use crate::engine::event::{EngineEvent, NoticeLevel, Stage};
use crate::engine::optim::AdamW;
use crate::engine::reward::{
    HEAD_NAMES, ItemVectors, N_HEADS, RewardBatch, RewardModel, RewardScorer, count_positives,
    head_weights, is_judge_user, item_features, label_rule,
};
use crate::engine::run::report::{RewardHead, RewardReport, RunReport};
use crate::engine::seed::Seed;
use crate::engine::train::ctx::{LoopSpec, StageCtx, StepOutcome, train_loop};
use crate::engine::train::examples::epoch_batches;
use crate::engine::train::fit_tokenizer::Items;
use crate::engine::train::schedule::warmup_cosine;

/// The two fitted models.
pub struct Scorers {
    /// What alignment maximises.
    pub reward: RewardScorer,
    /// What only measures.
    pub judge: RewardScorer,
}

/// One of the two models: its name in events and folders, its users, its place in the stage.
struct Role {
    name: &'static str,
    loss_name: &'static str,
    steps_before: u64,
}

/// Whether the data has what both models need: impressions with enough feedback. A log of purchases has none.
pub fn can_learn(data: &PreparedData, config: &ExperimentConfig) -> bool {
    let slates = logged_slates(data, config.reward.trained_slate_len(slate_len(config)));
    let earlier = slates.iter().filter(|slate| !slate.is_later);
    let (for_judge, for_reward): (Vec<&LoggedSlate>, Vec<&LoggedSlate>) =
        earlier.partition(|slate| is_judge_user(slate.user, config.seed));
    let weights = shared_weights(config, &for_reward, &for_judge);
    weights.iter().any(|weight| *weight > 0.0)
}

fn slate_len(config: &ExperimentConfig) -> usize {
    config.data.session.slate_len
}

/// The weights that the data of both models allows, so that their scalars mean the same.
fn shared_weights(
    config: &ExperimentConfig,
    for_reward: &[&LoggedSlate],
    for_judge: &[&LoggedSlate],
) -> [f64; N_HEADS] {
    let reward_weights = head_weights(&config.reward, for_reward);
    let judge_weights = head_weights(&config.reward, for_judge);
    std::array::from_fn(|head| reward_weights[head].min(judge_weights[head]))
}

/// Fits both models, or loads them when the stage is complete.
///
/// # Errors
/// If there are no logged slates to learn from, the loss is not finite, or a stop was asked for.
pub fn run(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    report: &mut RunReport,
) -> Result<Scorers, EngineError> {
    let config = ctx.config;
    let seed = config.seed;
    let slates = logged_slates(data, config.reward.trained_slate_len(slate_len(config)));
    let (later, earlier): (Vec<&LoggedSlate>, Vec<&LoggedSlate>) =
        slates.iter().partition(|slate| slate.is_later);
    let (for_judge, for_reward): (Vec<&LoggedSlate>, Vec<&LoggedSlate>) = earlier
        .into_iter()
        .partition(|slate| is_judge_user(slate.user, seed));
    if for_reward.is_empty() || for_judge.is_empty() {
        return Err(DataError::Empty {
            found: format!(
                "{} logged slates for the reward model and {} for its judge; both need impressions with feedback",
                for_reward.len(),
                for_judge.len()
            ),
            path: data.dataset.name.clone().into(),
        }
        .into());
    }
    let weights = shared_weights(config, &for_reward, &for_judge);
    if weights.iter().all(|weight| *weight <= 0.0) {
        return Err(DataError::Empty {
            found: format!(
                "no reward head has {} positive impressions",
                config.reward.min_positives
            ),
            path: data.dataset.name.clone().into(),
        }
        .into());
    }

    let reward_role = Role {
        name: "reward_model",
        loss_name: "loss",
        steps_before: 0,
    };
    let judge_role = Role {
        name: "judge",
        loss_name: "judge_loss",
        steps_before: config.reward.steps,
    };
    let reward = fit(ctx, data, items, &for_reward, weights, &reward_role)?;
    let judge = fit(ctx, data, items, &for_judge, weights, &judge_role)?;

    if report.reward.is_none() {
        let rare: Vec<&str> = (0..N_HEADS)
            .filter(|head| weights[*head] <= 0.0 && config.reward.weights[*head] > 0.0)
            .map(|head| HEAD_NAMES[head])
            .collect();
        if !rare.is_empty() {
            let text = format!(
                "left out of the reward, for too few positive impressions or no label: {}",
                rare.join(", ")
            );
            ctx.reporter
                .notice(NoticeLevel::Warning, Stage::Reward, text)?;
        }
        let test = TestSlates {
            expectations: Expectations::of(data, &later),
            slates: &later,
            data,
            history_len: config.reward.history_len,
        };
        let filled = RewardReport {
            heads: measure(&reward, &for_reward, &test),
            judge_heads: measure(&judge, &for_judge, &test),
            train_slates: for_reward.len() as u64,
            judge_train_slates: for_judge.len() as u64,
            test_slates: later.len() as u64,
            rule: label_rule(config.reward.trained_slate_len(slate_len(config))),
        };
        report.reward = Some(filled.clone());
        ctx.reporter.emit(EngineEvent::RewardReady(filled))?;
    }
    Ok(Scorers { reward, judge })
}

fn fit(
    ctx: &mut StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    slates: &[&LoggedSlate],
    weights: [f64; N_HEADS],
    role: &Role,
) -> Result<RewardScorer, EngineError> {
    let config = ctx.config;
    let settings = &config.reward;
    let store = store(ctx, data, items, role.name);
    let spec = LoopSpec {
        stage: Stage::Reward,
        store: &store,
        n_steps: settings.steps,
        steps_before: role.steps_before,
        stage_steps: 2 * settings.steps,
        log_every_steps: settings.log_every_steps,
        validate_every_steps: 0,
        checkpoint_every_steps: settings.checkpoint_every_steps,
    };
    let device = ctx.device.clone().autodiff();
    let features = item_features(&items.embeddings, &data.dataset.catalog);
    let model: RewardModel = settings.init(
        features.dim,
        Seed(config.seed.derive(role.name, 0)),
        &device,
    );
    let vectors = ItemVectors::new(&features, &device);
    let optimizer = AdamW::new(settings.weight_decay, 1.0);
    let is_trained = weights.map(|weight| weight > 0.0);
    let lengths: Vec<u16> = slates
        .iter()
        .map(|slate| {
            data.history(slate.user, slate.first_row, settings.history_len)
                .len() as u16
        })
        .collect();
    let per_epoch = (slates.len() / settings.batch_size).max(1) as u64;
    let mut epoch: Option<(u64, Vec<Vec<u32>>)> = None;

    let model = train_loop(
        ctx,
        &spec,
        model,
        optimizer,
        |_, model, optimizer, step, log| {
            if epoch.as_ref().is_none_or(|(of, _)| *of != step / per_epoch) {
                let batches = epoch_batches(
                    config.seed,
                    role.name,
                    step / per_epoch,
                    &lengths,
                    settings.batch_size,
                );
                epoch = Some((step / per_epoch, batches));
            }
            let batches = epoch.as_ref().map_or(&[][..], |(_, batches)| batches);
            let chosen: Vec<&LoggedSlate> = batches[(step % per_epoch) as usize % batches.len()]
                .iter()
                .map(|idx| slates[*idx as usize])
                .collect();
            let histories = histories(data, &chosen, settings.history_len);
            let batch = RewardBatch::new(
                &chosen,
                &histories,
                &vectors,
                settings.history_len,
                is_trained,
            );
            let loss = model.loss(batch, weights);
            let grads = GradientsParams::from_grads(loss.total.backward(), &model);
            let warmup_steps = settings.steps / 20 + 1;
            let lr = warmup_cosine(
                step,
                settings.steps,
                warmup_steps,
                settings.learning_rate,
                0.05,
            );
            let (model, _) = optimizer.step(lr, model, grads);

            let mut values = Vec::new();
            if log {
                values.push((
                    role.loss_name.to_owned(),
                    f64::from(loss.total.into_scalar::<f32>()),
                ));
                for (name, value) in HEAD_NAMES
                    .iter()
                    .zip(loss.per_head.into_data().iter::<f32>())
                {
                    values.push((format!("{}_{name}", role.loss_name), f64::from(value)));
                }
                values.push(("learning_rate".to_owned(), lr));
            }
            Ok((
                model,
                StepOutcome {
                    n_samples: chosen.len() as u64,
                    values,
                    ..StepOutcome::default()
                },
            ))
        },
    )?;
    Ok(RewardScorer::new(&model.valid(), &features, weights))
}

/// The checkpoints of one of the two models, "reward_model" or "judge".
pub fn store(
    ctx: &StageCtx<'_>,
    data: &PreparedData,
    items: &Items,
    name: &str,
) -> CheckpointStore {
    let belongs_to = vec![
        ("data".to_owned(), data.dataset.fingerprint.clone()),
        ("vectors".to_owned(), items.embeddings.dim.to_string()),
        (
            "reward".to_owned(),
            serde_json::to_string(&ctx.config.reward).unwrap_or_default(),
        ),
        ("seed".to_owned(), ctx.config.seed.0.to_string()),
    ];
    CheckpointStore::new(
        ctx.dir.stage_dir(Stage::Reward).join(name),
        Stage::Reward,
        belongs_to,
    )
}

/// Each slate's history, oldest first.
fn histories(data: &PreparedData, slates: &[&LoggedSlate], n: usize) -> Vec<Vec<ItemIdx>> {
    slates
        .iter()
        .map(|slate| data.history(slate.user, slate.first_row, n))
        .collect()
}

/// What both models are measured on.
struct TestSlates<'a> {
    slates: &'a [&'a LoggedSlate],
    expectations: Expectations,
    data: &'a PreparedData,
    history_len: usize,
}

/// AUC and calibration of each head on later slates.
fn measure(
    scorer: &RewardScorer,
    train: &[&LoggedSlate],
    test: &TestSlates<'_>,
) -> Vec<RewardHead> {
    let later = test.slates;
    let slates: Vec<&[ItemIdx]> = later.iter().map(|slate| slate.items.as_slice()).collect();
    let scores = scorer.score(&histories(test.data, later, test.history_len), &slates);
    let positives = count_positives(train);
    (0..N_HEADS)
        .map(|head| {
            let known = || (0..later.len()).filter(|idx| later[*idx].labels[head].is_finite());
            let predicted: Vec<f64> = known()
                .map(|idx| f64::from(scores[idx].heads[head]))
                .collect();
            let labels: Vec<f64> = known()
                .map(|idx| f64::from(later[idx].labels[head]))
                .collect();
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
            let users: Vec<u32> = known().map(|idx| later[idx].user.0).collect();
            let is_trained = scorer.weights()[head] > 0.0;
            let bins = if is_trained {
                reliability(&predicted, &labels)
            } else {
                Vec::new()
            };
            RewardHead {
                name: HEAD_NAMES[head].to_owned(),
                positives: positives[head],
                auc: if is_trained {
                    auc(&predicted, &labels)
                } else {
                    None
                },
                weight: scorer.weights()[head],
                calibration: if is_trained {
                    (mean(&predicted), mean(&labels))
                } else {
                    (0.0, mean(&labels))
                },
                gauc: is_trained
                    .then(|| gauc(&users, &predicted, &labels))
                    .flatten(),
                calibration_error: expected_calibration_error(&bins),
                oracle_auc: is_trained
                    .then(|| {
                        let predicted = |idx: usize| f64::from(scores[idx].heads[head]);
                        test.expectations.auc(later, head, predicted)
                    })
                    .flatten(),
                reliability: bins,
            }
        })
        .collect()
}
