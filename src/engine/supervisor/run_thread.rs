//! The run thread: a run from its folder to its last word, or a comparison on a run that is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::{answer, panic_text};
use crate::engine::command::StartRun;
use crate::engine::config::ExperimentConfig;
use crate::engine::control::RunControl;
use crate::engine::data::DataError;
use crate::engine::device;
use crate::engine::error::{EngineError, Failure};
use crate::engine::event::{EngineEvent, RunId, Stage};
use crate::engine::reporter::{Outlet, Reporter};
use crate::engine::run::journal::Journal;
use crate::engine::run::{self, RunDir, RunInfo, now_millis};
use crate::engine::train::align_again::forget_alignment;
use crate::engine::train::compare_tokenizers;
use crate::engine::train::experiment::{self, RunEnd};

/// What a run thread is asked to do.
pub(super) enum Order {
    /// A new run.
    Start(StartRun),
    /// On with a run that was stopped.
    Resume {
        dir: RunDir,
        last_stage: Option<Stage>,
    },
    /// Alignment and evaluation of a run once more.
    AlignAgain { dir: RunDir },
    /// Tokenizers on the item vectors of a run.
    Compare {
        dir: RunDir,
        names: Vec<String>,
        tables: Vec<PathBuf>,
    },
}

impl Order {
    pub(super) fn id(&self) -> RunId {
        match self {
            Self::Start(start) => RunDir::new(&start.run_dir).id(),
            Self::Resume { dir, .. } | Self::AlignAgain { dir } | Self::Compare { dir, .. } => {
                dir.id()
            }
        }
    }
}

/// The body of the run thread. All tensors of the run live and die here.
pub(super) fn perform(order: Order, outlet: &Outlet, control: &RunControl) {
    let id = order.id();
    // Until the journal is open, a failure can only be told to the client.
    let opened = match order {
        Order::Start(start) => create(start),
        Order::Resume { dir, last_stage } => reopen(dir, last_stage),
        Order::AlignAgain { dir } => align_again(dir),
        Order::Compare { dir, names, tables } => {
            return compare(&dir, &names, &tables, outlet, control);
        }
    };
    let (mut plan, mut reporter, _lock) = match opened {
        Ok((plan, journal, next_seq, lock)) => (
            plan,
            Reporter::new(id, journal, next_seq, outlet.clone()),
            lock,
        ),
        Err(error) => {
            control.finish();
            let failure = Failure::from(&error);
            answer(
                outlet,
                id,
                EngineEvent::RunFailed {
                    stage: None,
                    failure,
                },
            );
            return;
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        experiment::perform(&mut plan, &mut reporter, control)
    }))
    .unwrap_or_else(|payload| {
        Err(EngineError::Panic {
            message: panic_text(payload.as_ref()),
        })
    });
    let last_word = match outcome {
        Ok(RunEnd {
            seconds,
            report_path,
        }) => EngineEvent::RunFinished {
            seconds,
            report_path,
        },
        Err(EngineError::Stopped) => EngineEvent::RunStopped {
            stage: plan.stage,
            step: plan.step,
        },
        Err(error) => EngineEvent::RunFailed {
            stage: Some(plan.stage),
            failure: Failure::from(&error),
        },
    };
    control.finish();
    // When even the journal fails (a full disk), the client still hears of it.
    if reporter.emit(last_word.clone()).is_err() {
        answer(outlet, plan.dir.id(), last_word);
    }
}

/// The body of the run thread for a comparison. The run it speaks of is not changed.
fn compare(
    dir: &RunDir,
    names: &[String],
    tables: &[PathBuf],
    outlet: &Outlet,
    control: &RunControl,
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // A folder that is no run must be refused before anything is written into it.
        RunInfo::load(dir)?;
        let _lock = dir.lock()?;
        let (journal, next_seq) = Journal::open(&dir.events_path())?;
        let mut reporter = Reporter::new(dir.id(), journal, next_seq, outlet.clone());
        compare_tokenizers::compare(dir, names, tables, &mut reporter, control)
    }))
    .unwrap_or_else(|payload| {
        Err(EngineError::Panic {
            message: panic_text(payload.as_ref()),
        })
    });
    control.finish();
    if let Err(error) = outcome {
        let event = EngineEvent::CommandFailed {
            command: format!("compare tokenizers on {}", dir.path().display()),
            failure: Failure::from(&error),
        };
        answer(outlet, dir.id(), event);
    }
}

type Opened = (experiment::Plan, Journal, u64, std::fs::File);

/// Creates the run folder and everything that a run needs before its first event.
fn create(start: StartRun) -> Result<Opened, EngineError> {
    let StartRun {
        data_path,
        run_dir,
        config,
        last_stage,
    } = start;
    // A wrong data path must not leave an empty run behind.
    let data_path = data_path.canonicalize().map_err(|source| {
        EngineError::Data(DataError::Io {
            path: data_path.clone(),
            source,
        })
    })?;
    let dir = RunDir::new(&run_dir);
    // Neither must a device that cannot be had.
    let (device, _) = device::choose(&config.device)?;
    config.model.precision.check(&device)?;
    dir.create()?;
    let info = RunInfo {
        format_version: run::FORMAT_VERSION,
        data_path,
        time_millis: now_millis(),
        data_fingerprint: None,
        completed: Vec::new(),
    };
    info.save(&dir)?;
    run::atomic::write(&dir.config_path(), config.to_toml().as_bytes())?;
    enter(dir, config, info, last_stage, false)
}

/// Opens the folder of a run that was stopped.
fn reopen(dir: RunDir, last_stage: Option<Stage>) -> Result<Opened, EngineError> {
    let info = RunInfo::load(&dir)?;
    let path = dir.config_path();
    let text = std::fs::read_to_string(&path).map_err(EngineError::io("read", &path))?;
    let config = Box::new(ExperimentConfig::from_toml(&text, &path)?);
    enter(dir, config, info, last_stage, true)
}

/// Opens the folder of a run whose alignment is to be done again.
fn align_again(dir: RunDir) -> Result<Opened, EngineError> {
    let mut opened = reopen(dir, None)?;
    let plan = &mut opened.0;
    forget_alignment(&plan.dir, &mut plan.info)?;
    Ok(opened)
}

fn enter(
    dir: RunDir,
    config: Box<ExperimentConfig>,
    info: RunInfo,
    last_stage: Option<Stage>,
    resumed: bool,
) -> Result<Opened, EngineError> {
    let lock = dir.lock()?;
    let (journal, next_seq) = Journal::open(&dir.events_path())?;
    let plan = experiment::Plan {
        dir,
        config,
        info,
        last_stage,
        resumed,
        stage: Stage::Data,
        step: 0,
    };
    Ok((plan, journal, next_seq, lock))
}
