//! `onerec run`, `resume` and `evaluate`: one run, followed from its first event to its last.

use std::path::{Path, PathBuf};

use onerec_workbench::engine::chart;
use onerec_workbench::engine::command::{EngineCommand, StartRun};
use onerec_workbench::engine::error::{EngineError, Failure, FailureKind};
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::run::report::RunReport;
use onerec_workbench::engine::run::{RunDir, RunInfo};
use onerec_workbench::places::{Places, Sample};

use crate::cli::args::{OutputArgs, ResumeArgs, RunArgs, TokenizeArgs};
use crate::cli::terminal::Terminal;
use crate::cli::{client, failed, output, summary};

/// Starts a new run.
pub(crate) fn start(args: &RunArgs) -> Result<(), Failure> {
    let mut settings: Vec<String> = args
        .seed
        .iter()
        .map(|seed| format!("seed={seed}"))
        .collect();
    if let Some(backend) = args.backend {
        settings.push(format!("device.backend={}", backend.name()));
    }
    let config = Box::new(
        args.settings
            .load(args.config.as_ref(), &settings)
            .map_err(failed)?,
    );
    let (data_path, run_dir) = places_of(args.data.clone(), args.out.clone())?;
    let start = StartRun {
        data_path,
        run_dir: run_dir.clone(),
        config,
        last_stage: args.until,
    };
    let view = View::of(&args.output);
    follow(EngineCommand::StartRun(start), &run_dir, view)
}

/// Starts a run that ends with the semantic IDs, and returns its folder.
pub(crate) fn tokenize(args: &TokenizeArgs) -> Result<PathBuf, Failure> {
    let config = Box::new(args.settings.load(None, &[]).map_err(failed)?);
    let (data_path, run_dir) = places_of(args.data.clone(), args.out.clone())?;
    let start = StartRun {
        data_path,
        run_dir: run_dir.clone(),
        config,
        last_stage: Some(Stage::Tokenize),
    };
    // With --compare the comparison is the result, and nothing else belongs to it.
    let view = if args.compare {
        View::Silent
    } else {
        View::of(&args.output)
    };
    follow(EngineCommand::StartRun(start), &run_dir, view)?;
    Ok(run_dir)
}

/// The dataset and the run folder: those given, or the sample and a new folder.
pub(super) fn places_of(
    data: Option<PathBuf>,
    out: Option<PathBuf>,
) -> Result<(PathBuf, PathBuf), Failure> {
    let data_path = data_of(data)?;
    let run_dir = out.unwrap_or_else(|| Places::find().new_run(&data_path));
    Ok((data_path, run_dir))
}

/// The dataset: the one given, or the sample.
pub(crate) fn data_of(data: Option<PathBuf>) -> Result<PathBuf, Failure> {
    data.or_else(|| Sample::ShortVideo.path())
        .ok_or_else(|| Failure {
            message: "could not find the short-video sample (datasets/short-video)".to_owned(),
            hint: Some(
                "give a dataset with --data, or write the sample with `onerec simulate --out DIR`"
                    .to_owned(),
            ),
            kind: FailureKind::Usage,
        })
}

/// What is shown of a run while it goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Bars and lines, then the figures.
    Lines,
    /// One record per line.
    Json,
    /// Nothing but failures.
    Silent,
}

impl View {
    fn of(args: &OutputArgs) -> Self {
        if args.json { Self::Json } else { Self::Lines }
    }
}

/// Continues a run from its last checkpoint, or does its alignment and evaluation again.
pub(crate) fn resume(args: ResumeArgs) -> Result<(), Failure> {
    let folder = args.run.clone();
    let command = if args.align_again {
        EngineCommand::AlignAgain { run_dir: args.run }
    } else {
        EngineCommand::ResumeRun {
            run_dir: args.run,
            last_stage: args.until,
        }
    };
    follow(command, &folder, View::of(&args.output))
}

/// Does the last stage of a run again. Trains nothing: a run that has not come that far is refused.
pub(crate) fn evaluate(run_dir: PathBuf, args: &OutputArgs) -> Result<(), Failure> {
    let dir = RunDir::new(&run_dir);
    let mut info = RunInfo::load(&dir).map_err(failed)?;
    let missing = Stage::ALL
        .into_iter()
        .find(|stage| *stage != Stage::Evaluate && !info.completed.contains(stage));
    if let Some(needs) = missing {
        return Err(failed(EngineError::MissingStage {
            stage: Stage::Evaluate,
            needs,
            run: run_dir,
        }));
    }
    let lock = dir.lock().map_err(failed)?;
    info.completed.retain(|stage| *stage != Stage::Evaluate);
    info.save(&dir).map_err(failed)?;
    drop(lock);
    let folder = run_dir.clone();
    let command = EngineCommand::ResumeRun {
        run_dir,
        last_stage: None,
    };
    follow(command, &folder, View::of(args))
}

/// Sends the command, shows what happens, and ends with figures and charts.
pub(super) fn follow(command: EngineCommand, run_dir: &Path, view: View) -> Result<(), Failure> {
    let engine = client::start()?;
    let mut terminal = Terminal::new();
    client::converse(&engine, command, |record| {
        match view {
            View::Lines => terminal.show(&record.event),
            View::Json => output::record(&record),
            View::Silent => {}
        }
        match record.event {
            EngineEvent::RunFinished { .. } => Some(Ok(())),
            EngineEvent::RunStopped { stage, step } => Some(Err(Failure {
                message: format!(
                    "stopped in {stage} after step {step}; everything up to there is saved"
                ),
                hint: Some(format!(
                    "continue with `onerec resume {}`",
                    run_dir.display()
                )),
                kind: FailureKind::Stopped,
            })),
            EngineEvent::RunFailed { failure, .. } | EngineEvent::CommandFailed { failure, .. } => {
                Some(Err(failure))
            }
            _ => None,
        }
    })?;
    drop(engine);
    let dir = RunDir::new(run_dir);
    let charts = chart::run::charts_of_run(run_dir, &dir.charts_dir()).map_err(failed)?;
    if view == View::Lines {
        summary::tell(&RunReport::load(&dir.report_path()).map_err(failed)?);
        output::line(&format!("\nReport: {}", dir.report_path().display()));
        if !charts.is_empty() {
            output::line(&format!(
                "Charts: {} ({})",
                dir.charts_dir().display(),
                charts.join(", ")
            ));
        }
    }
    Ok(())
}
