//! The whole experiment, stage after stage. Each stage loads its result when it is already complete.

use std::path::PathBuf;
use std::time::Instant;

use crate::engine::config::ExperimentConfig;
use crate::engine::control::RunControl;
use crate::engine::data::Watch;
use crate::engine::data::prepare::{PreparedData, prepare_watched};
use crate::engine::device;
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, NoticeLevel, RunStarted, Stage};
use crate::engine::ops;
use crate::engine::reporter::Reporter;
use crate::engine::run::report::RunReport;
use crate::engine::run::{RunDir, RunInfo, atomic, memory};
use crate::engine::train::ctx::StageCtx;
use crate::engine::train::{align, evaluate, fit_reward, fit_tokenizer, pretrain, probe_cost};

/// Version of `report.json`.
const REPORT_VERSION: u32 = 1;

/// A run that is about to begin or to go on.
pub struct Plan {
    /// The run folder, locked by the caller.
    pub dir: RunDir,
    /// All settings.
    pub config: Box<ExperimentConfig>,
    /// What the run is about and which stages are complete.
    pub info: RunInfo,
    /// Stop after this stage; `None` means to the end.
    pub last_stage: Option<Stage>,
    /// Whether an earlier process began it.
    pub resumed: bool,
    /// Where the run is, for its last word.
    pub stage: Stage,
    /// The step within the stage.
    pub step: u64,
}

/// How a run ended.
pub struct RunEnd {
    /// Seconds in this process.
    pub seconds: f64,
    /// The report.
    pub report_path: PathBuf,
}

/// Runs all stages that are asked for.
///
/// # Errors
/// Of the stage that failed; [`EngineError::Stopped`] after a stop, with everything saved.
pub fn perform(
    plan: &mut Plan,
    reporter: &mut Reporter,
    control: &RunControl,
) -> Result<RunEnd, EngineError> {
    let began = Instant::now();
    let (device, device_report) = device::choose(&plan.config.device)?;
    plan.config.model.precision.check(&device)?;
    probe_cost::refuse_too_large(&plan.config, &device)?;
    reporter.emit(EngineEvent::RunStarted(RunStarted {
        run_dir: plan.dir.path().to_owned(),
        data_path: plan.info.data_path.clone(),
        config: plan.config.clone(),
        device: device_report.clone(),
        resumed: plan.resumed,
    }))?;
    let mut report = load_report(&plan.dir).unwrap_or_default();
    report.format_version = REPORT_VERSION;
    report.seed = plan.config.seed.0;
    report.device = device_report;

    let mut ctx = StageCtx {
        config: &plan.config,
        device,
        control,
        reporter,
        dir: &plan.dir,
        at: (Stage::Data, 0),
    };
    let outcome = run_stages(
        &mut ctx,
        &mut plan.info,
        plan.last_stage.unwrap_or(Stage::Evaluate),
        &mut report,
    );
    (plan.stage, plan.step) = ctx.at;
    report.peak_memory_bytes = report.peak_memory_bytes.max(memory::peak_bytes());
    atomic::write_json(&plan.dir.report_path(), &report)?;
    outcome?;
    Ok(RunEnd {
        seconds: began.elapsed().as_secs_f64(),
        report_path: plan.dir.report_path(),
    })
}

fn run_stages(
    ctx: &mut StageCtx<'_>,
    info: &mut RunInfo,
    last_stage: Stage,
    report: &mut RunReport,
) -> Result<(), EngineError> {
    let data = stage(ctx, info, report, Stage::Data, |ctx, info, report, _| {
        load_data(ctx, info, report)
    })?;
    if last_stage == Stage::Data {
        return Ok(());
    }
    let items = stage(
        ctx,
        info,
        report,
        Stage::Tokenize,
        |ctx, _, report, is_complete| fit_tokenizer::run(ctx, &data, report, is_complete),
    )?;
    if last_stage == Stage::Tokenize {
        return Ok(());
    }
    let base = stage(ctx, info, report, Stage::Pretrain, |ctx, _, report, _| {
        pretrain::run(ctx, &data, &items, report)
    })?;
    if last_stage == Stage::Pretrain {
        return Ok(());
    }
    if !fit_reward::can_learn(&data, ctx.config) {
        let text = "reward model and alignment are left out: the log has too few impressions with feedback";
        ctx.reporter
            .notice(NoticeLevel::Warning, Stage::Reward, text)?;
        if last_stage != Stage::Evaluate {
            return Ok(());
        }
        return stage(
            ctx,
            info,
            report,
            Stage::Evaluate,
            |ctx, _, report, is_complete| {
                if is_complete {
                    Ok(())
                } else {
                    evaluate::run(ctx, &data, &items, &base, None, report)
                }
            },
        );
    }
    let scorers = stage(ctx, info, report, Stage::Reward, |ctx, _, report, _| {
        fit_reward::run(ctx, &data, &items, report)
    })?;
    if last_stage == Stage::Reward {
        return Ok(());
    }
    let aligned = stage(ctx, info, report, Stage::Align, |ctx, _, report, _| {
        align::run(ctx, &data, &items, &base, &scorers, report)
    })?;
    if last_stage == Stage::Align {
        return Ok(());
    }
    stage(
        ctx,
        info,
        report,
        Stage::Evaluate,
        |ctx, _, report, is_complete| {
            if is_complete {
                Ok(())
            } else {
                let after = Some((&aligned, &scorers));
                evaluate::run(ctx, &data, &items, &base, after, report)
            }
        },
    )
}

/// Runs one stage, keeps its time, saves the report and marks the stage complete.
fn stage<T>(
    ctx: &mut StageCtx<'_>,
    info: &mut RunInfo,
    report: &mut RunReport,
    which: Stage,
    body: impl FnOnce(&mut StageCtx<'_>, &mut RunInfo, &mut RunReport, bool) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    ctx.at = (which, 0);
    if ctx.wants_stop(which, 0)? {
        return Err(EngineError::Stopped);
    }
    let began = Instant::now();
    let was_complete = info.completed.contains(&which);
    let result = body(ctx, info, report, was_complete);
    // The next stage works with tensors of other sizes.
    ops::release();
    let seconds = began.elapsed().as_secs_f64();
    if !was_complete {
        *report.seconds.entry(which.name().to_owned()).or_default() += seconds;
    }
    let value = result?;
    if !was_complete {
        report.peak_memory_bytes = report.peak_memory_bytes.max(memory::peak_bytes());
        atomic::write_json(&ctx.dir.report_path(), report)?;
        info.completed.push(which);
        info.save(ctx.dir)?;
    }
    // The data is read again when a run goes on: what was told to begin must be told to end.
    if !was_complete || which == Stage::Data {
        ctx.reporter.emit(EngineEvent::StageFinished {
            stage: which,
            seconds,
        })?;
    }
    Ok(value)
}

/// Stage 1: reads and splits the data, and refuses other content than the run was begun with.
fn load_data(
    ctx: &mut StageCtx<'_>,
    info: &mut RunInfo,
    report: &mut RunReport,
) -> Result<PreparedData, EngineError> {
    ctx.reporter.emit(EngineEvent::StageStarted {
        stage: Stage::Data,
        first_step: 0,
        total_steps: 1,
    })?;
    let control = ctx.control.clone();
    let mut told = Ok(());
    let mut watch = Watch::new(control, |progress| {
        told = ctx
            .reporter
            .progress(Stage::Data, progress.done, progress.total, &progress.doing);
    });
    let data = prepare_watched(&info.data_path, &ctx.config.data, &mut watch);
    drop(watch);
    told?;
    let data = data?;
    let found = &data.dataset.fingerprint;
    match &info.data_fingerprint {
        Some(expected) if expected != found => {
            return Err(EngineError::Checkpoint(
                crate::engine::checkpoint::CheckpointError::Mismatch {
                    what: "the dataset's fingerprint".to_owned(),
                    expected: found.clone(),
                    found: expected.clone(),
                    path: ctx.dir.path().to_owned(),
                },
            ));
        }
        Some(_) => {}
        None => {
            info.data_fingerprint = Some(found.clone());
            info.save(ctx.dir)?;
        }
    }
    report.dataset = data.stats.clone();
    ctx.reporter
        .emit(EngineEvent::DatasetReady(data.stats.clone()))?;
    Ok(data)
}

/// The report so far.
pub fn load_report(dir: &RunDir) -> Option<RunReport> {
    serde_json::from_slice(&std::fs::read(dir.report_path()).ok()?).ok()
}
