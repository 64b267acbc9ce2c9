//! The engine thread: takes commands, runs one run at a time on a thread of its own, answers questions on another.
//!
//! A panic in a run or in a question is caught here and becomes an event, so that the client lives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, bounded};

use crate::engine::command::{EngineCommand, StartRun};
use crate::engine::control::RunControl;
use crate::engine::data::watch::ReadProgress;
use crate::engine::data::{self, DataError, Watch};
use crate::engine::device;
use crate::engine::error::{EngineError, Failure};
use crate::engine::event::{EngineEvent, EventRecord, RunId, Stage};
use crate::engine::export;
use crate::engine::reporter::{Outlet, Reporter};
use crate::engine::run::journal::Journal;
use crate::engine::run::{RunDir, RunInfo, now_millis};
use crate::engine::train::experiment::{self, RunEnd};
use crate::engine::train::{compare_tokenizers, evaluate};
use crate::engine::{config::ExperimentConfig, run};

/// Questions that may wait for their answer.
const QUESTIONS: usize = 8;

/// Serves commands until [`EngineCommand::Shutdown`] or until the client is gone, then stops the run and waits for it.
pub(super) fn serve(commands: &Receiver<EngineCommand>, outlet: &Outlet) {
    let mut active: Option<ActiveRun> = None;
    let mut asked: Vec<RunControl> = Vec::new();
    let (questions, waiting) = bounded(QUESTIONS);
    let answering = answer_all(waiting.clone(), outlet.clone());
    while let Ok(command) = commands.recv() {
        let running = active
            .as_ref()
            .is_some_and(|run| !run.control.is_finished() && !run.thread.is_finished());
        let described = command.describe();
        let result = match command {
            EngineCommand::StartRun(_)
            | EngineCommand::ResumeRun { .. }
            | EngineCommand::CompareTokenizers { .. }
                if running =>
            {
                Err(busy("another run is going; stop it first"))
            }
            EngineCommand::StartRun(start) => {
                begin(Order::Start(start), active.take(), outlet).map(|run| active = Some(run))
            }
            EngineCommand::ResumeRun {
                run_dir,
                last_stage,
            } => begin(
                Order::Resume {
                    dir: RunDir::new(&run_dir),
                    last_stage,
                },
                active.take(),
                outlet,
            )
            .map(|run| active = Some(run)),
            EngineCommand::CompareTokenizers { run_dir, names } => begin(
                Order::Compare {
                    dir: RunDir::new(&run_dir),
                    names,
                },
                active.take(),
                outlet,
            )
            .map(|run| active = Some(run)),
            EngineCommand::Pause => {
                active.iter().for_each(|run| run.control.pause());
                Ok(())
            }
            EngineCommand::Continue => {
                active.iter().for_each(|run| run.control.unpause());
                Ok(())
            }
            // With no run to stop, the questions are meant: reading a large dataset takes a while.
            EngineCommand::Stop if !running => {
                asked.iter().for_each(RunControl::stop);
                Ok(())
            }
            EngineCommand::Stop => {
                active.iter().for_each(|run| run.control.stop());
                Ok(())
            }
            EngineCommand::Shutdown => break,
            command @ (EngineCommand::ProbeDevices
            | EngineCommand::InspectData { .. }
            | EngineCommand::CheckData { .. }
            | EngineCommand::InspectUser { .. }
            | EngineCommand::Export { .. }) => {
                asked.retain(|control| !control.is_finished());
                let control = RunControl::default();
                questions
                    .try_send((command, control.clone()))
                    .map(|()| asked.push(control))
                    .map_err(|_full| busy("earlier questions are still being answered"))
            }
        };
        if let Err(failure) = result {
            answer(
                outlet,
                RunId::default(),
                EngineEvent::CommandFailed {
                    command: described,
                    failure,
                },
            );
        }
    }
    if let Some(run) = active {
        run.control.stop();
        run.thread.join().ok();
    }
    asked.iter().for_each(RunControl::stop);
    drop(questions);
    while waiting.try_recv().is_ok() {}
    if let Ok(thread) = answering {
        thread.join().ok();
    }
}

struct ActiveRun {
    control: RunControl,
    thread: JoinHandle<()>,
}

enum Order {
    Start(StartRun),
    Resume {
        dir: RunDir,
        last_stage: Option<Stage>,
    },
    Compare {
        dir: RunDir,
        names: Vec<String>,
    },
}

impl Order {
    fn id(&self) -> RunId {
        match self {
            Self::Start(start) => RunDir::new(&start.run_dir).id(),
            Self::Resume { dir, .. } | Self::Compare { dir, .. } => dir.id(),
        }
    }
}

/// Starts a run after the one before has let go of its folder: its client may answer its last word at once.
fn begin(order: Order, before: Option<ActiveRun>, outlet: &Outlet) -> Result<ActiveRun, Failure> {
    if let Some(before) = before {
        before.thread.join().ok();
    }
    let control = RunControl::default();
    let (outlet, run_control) = (outlet.clone(), control.clone());
    let id = order.id();
    let thread = std::thread::Builder::new()
        .name(format!("run {id}"))
        .spawn(move || match order {
            Order::Compare { dir, names } => compare(&dir, &names, &outlet, &run_control),
            order => perform(order, &outlet, &run_control),
        })
        .map_err(|error| busy(&format!("the system refuses a thread: {error}")))?;
    Ok(ActiveRun { control, thread })
}

/// The body of the run thread. All tensors of the run live and die here.
fn perform(order: Order, outlet: &Outlet, control: &RunControl) {
    let id = order.id();
    // Until the journal is open, a failure can only be told to the client.
    let opened = open(order);
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
fn compare(dir: &RunDir, names: &[String], outlet: &Outlet, control: &RunControl) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // A folder that is no run must be refused before anything is written into it.
        RunInfo::load(dir)?;
        let _lock = dir.lock()?;
        let (journal, next_seq) = Journal::open(&dir.events_path())?;
        let mut reporter = Reporter::new(dir.id(), journal, next_seq, outlet.clone());
        compare_tokenizers::compare(dir, names, &mut reporter, control)
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

/// Creates or opens the run folder and everything that a run needs before its first event.
fn open(order: Order) -> Result<Opened, EngineError> {
    let (dir, config, info, last_stage, resumed) = match order {
        Order::Start(StartRun {
            data_path,
            run_dir,
            config,
            last_stage,
        }) => {
            // A wrong data path must not leave an empty run behind.
            let data_path = data_path.canonicalize().map_err(|source| {
                EngineError::Data(DataError::Io {
                    path: data_path.clone(),
                    source,
                })
            })?;
            let dir = RunDir::new(&run_dir);
            // Neither must a device that cannot be had.
            device::choose(&config.device)?;
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
            (dir, config, info, last_stage, false)
        }
        Order::Compare { dir, .. } => {
            return Err(EngineError::RunFolder {
                path: dir.path().to_owned(),
                found: "a comparison is no run".to_owned(),
            });
        }
        Order::Resume { dir, last_stage } => {
            let info = RunInfo::load(&dir)?;
            let path = dir.config_path();
            let text = std::fs::read_to_string(&path).map_err(EngineError::io("read", &path))?;
            let config = Box::new(ExperimentConfig::from_toml(&text, &path)?);
            (dir, config, info, last_stage, true)
        }
    };
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

/// Answers questions one after the other on a thread of their own, so that a long answer delays no command.
fn answer_all(
    questions: Receiver<(EngineCommand, RunControl)>,
    outlet: Outlet,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("questions".to_owned())
        .spawn(move || {
            for (command, control) in questions {
                let described = command.describe();
                let event = catch_unwind(AssertUnwindSafe(|| reply(command, &control, &outlet)))
                    .unwrap_or_else(|payload| {
                        Err(EngineError::Panic {
                            message: panic_text(payload.as_ref()),
                        })
                    })
                    .unwrap_or_else(|error| EngineEvent::CommandFailed {
                        command: described,
                        failure: Failure::from(&error),
                    });
                control.finish();
                answer(&outlet, RunId::default(), event);
            }
        })
}

fn reply(
    command: EngineCommand,
    control: &RunControl,
    outlet: &Outlet,
) -> Result<EngineEvent, EngineError> {
    let mut watch = Watch::new(control.clone(), |progress| tell_progress(outlet, progress));
    match command {
        EngineCommand::ProbeDevices => Ok(EngineEvent::DevicesProbed {
            devices: device::probe(),
        }),
        EngineCommand::InspectData { path, config } => {
            let stats = data::prepare::prepare_watched(&path, &config.data, &mut watch)?.stats;
            Ok(EngineEvent::DataInspected { path, stats })
        }
        EngineCommand::CheckData { path, config } => {
            let check = data::check::check(&path, &config.data, &mut watch)?;
            Ok(EngineEvent::DataChecked(Box::new(check)))
        }
        EngineCommand::InspectUser { run_dir, user } => {
            evaluate::inspect_user(&RunDir::new(&run_dir), &user).map(EngineEvent::SlatesReady)
        }
        EngineCommand::Export {
            run_dir,
            stage,
            folder,
        } => export_to(&run_dir, stage, &folder),
        EngineCommand::StartRun(_)
        | EngineCommand::ResumeRun { .. }
        | EngineCommand::CompareTokenizers { .. }
        | EngineCommand::Pause
        | EngineCommand::Continue
        | EngineCommand::Stop
        | EngineCommand::Shutdown => Err(EngineError::Panic {
            message: "a run command reached the question thread".into(),
        }),
    }
}

fn export_to(run_dir: &Path, stage: Stage, folder: &Path) -> Result<EngineEvent, EngineError> {
    let files = export::export_generator(run_dir, stage, folder)?;
    Ok(EngineEvent::Exported {
        folder: folder.to_owned(),
        files,
    })
}

/// How far the data of a question is read. Lost when the client has no room: the next one says more.
fn tell_progress(outlet: &Outlet, progress: &ReadProgress) {
    let record = EventRecord {
        seq: 0,
        time_millis: now_millis(),
        run: RunId::default(),
        event: EngineEvent::Progress {
            stage: Stage::Data,
            done: progress.done,
            total: progress.total,
            doing: format!("reading {}", progress.file),
        },
    };
    if outlet.sender.try_send(record).is_ok() {
        (outlet.wake)();
    }
}

/// Sends an event that no journal keeps; waits for room, since a question has nothing else to do.
fn answer(outlet: &Outlet, run: RunId, event: EngineEvent) {
    let record = EventRecord {
        seq: 0,
        time_millis: now_millis(),
        run,
        event,
    };
    if outlet
        .sender
        .send_timeout(record, std::time::Duration::from_secs(5))
        .is_ok()
    {
        (outlet.wake)();
    }
}

fn busy(found: &str) -> Failure {
    Failure {
        message: found.to_owned(),
        hint: None,
        kind: crate::engine::error::FailureKind::Other,
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| {
            payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
        })
        .unwrap_or_else(|| "no message".to_owned())
}
