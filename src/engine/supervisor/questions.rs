//! The questions thread: answers that change nothing of a run but the marks on its pairs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crossbeam_channel::Receiver;

use super::{answer, item_questions, panic_text};
use crate::engine::command::EngineCommand;
use crate::engine::control::RunControl;
use crate::engine::data::watch::ReadProgress;
use crate::engine::data::{self, Watch};
use crate::engine::device;
use crate::engine::error::{EngineError, Failure};
use crate::engine::event::{EngineEvent, EventRecord, RescoredSlate, RunId, Stage};
use crate::engine::export;
use crate::engine::reporter::Outlet;
use crate::engine::run::pair_marks::{PairKey, PairMark, PairMarks, PairVerdict};
use crate::engine::run::{RunDir, RunInfo, now_millis};
use crate::engine::train::saved_run::LastRun;
use crate::engine::train::{evaluate, probe_cost, slate_questions};

/// Answers questions one after the other on a thread of their own, so that a long answer delays no command.
pub(super) fn answer_all(
    questions: Receiver<(EngineCommand, RunControl)>,
    outlet: Outlet,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("questions".to_owned())
        .spawn(move || {
            let mut last_run = LastRun::default();
            for (command, control) in questions {
                let described = command.describe();
                let event = catch_unwind(AssertUnwindSafe(|| {
                    reply(command, &control, &outlet, &mut last_run)
                }))
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
    last_run: &mut LastRun,
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
            let saved = last_run.get(&RunDir::new(&run_dir))?;
            evaluate::inspect_user(saved, &user).map(EngineEvent::SlatesReady)
        }
        EngineCommand::MarkPair {
            run_dir,
            pair,
            mark,
        } => mark_pair(run_dir, pair, mark),
        EngineCommand::RescoreSlate {
            run_dir,
            user,
            items,
            stage,
        } => {
            let dir = RunDir::new(&run_dir);
            let saved = last_run.get(&dir)?;
            let slate = slate_questions::rescore(&dir, saved, &user, &items, stage)?;
            Ok(EngineEvent::SlateRescored(RescoredSlate {
                run_dir,
                user,
                stage,
                slate,
            }))
        }
        EngineCommand::CompareCheckpoints { run_dir, users } => {
            let dir = RunDir::new(&run_dir);
            let saved = last_run.get(&dir)?;
            let comparison = slate_questions::compare_checkpoints(&dir, saved, &users, control)?;
            Ok(EngineEvent::CheckpointsCompared {
                run_dir,
                comparison: Box::new(comparison),
            })
        }
        EngineCommand::MapItems { run_dir } => {
            let plane = Box::new(item_questions::map_items(&run_dir)?);
            Ok(EngineEvent::ItemsMapped { run_dir, plane })
        }
        EngineCommand::NearestItems { run_dir, to } => {
            let found = item_questions::nearest(&run_dir, &to)?;
            Ok(EngineEvent::NearestItems { run_dir, to, found })
        }
        EngineCommand::ProbeCost { path, config } => {
            let mut on_step = |step| tell_step(outlet, step);
            probe_cost::probe(&path, &config, &mut watch, control, &mut on_step)
                .map(EngineEvent::CostProbed)
        }
        EngineCommand::Export {
            run_dir,
            stage,
            folder,
        } => export_to(&run_dir, stage, &folder),
        EngineCommand::StartRun(_)
        | EngineCommand::ResumeRun { .. }
        | EngineCommand::AlignAgain { .. }
        | EngineCommand::CompareTokenizers { .. }
        | EngineCommand::Pause
        | EngineCommand::Continue
        | EngineCommand::Stop
        | EngineCommand::StopReading
        | EngineCommand::Shutdown => Err(EngineError::Panic {
            message: "a run command reached the question thread".into(),
        }),
    }
}

/// Changes the run's file of marks. A run that is going looks at it before every step.
fn mark_pair(
    run_dir: PathBuf,
    pair: PairKey,
    mark: Option<(PairVerdict, String)>,
) -> Result<EngineEvent, EngineError> {
    let dir = RunDir::new(&run_dir);
    // A folder that is no run must be refused before anything is written into it.
    RunInfo::load(&dir)?;
    let path = dir.pair_marks_path();
    let mut marks = PairMarks::load(&path)?;
    match mark {
        Some((verdict, note)) => marks.set(PairMark {
            pair,
            verdict,
            note,
        }),
        None => marks.remove(&pair),
    }
    marks.save(&path)?;
    Ok(EngineEvent::PairsMarked { run_dir, marks })
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
    let event = EngineEvent::Progress {
        stage: Stage::Data,
        done: progress.done,
        total: progress.total,
        doing: progress.doing.clone(),
    };
    offer(outlet, event);
}

/// How many steps of a probe are done.
fn tell_step(outlet: &Outlet, done: u64) {
    let event = EngineEvent::Progress {
        stage: Stage::Pretrain,
        done,
        total: probe_cost::PROBE_STEPS,
        doing: "measuring steps".to_owned(),
    };
    offer(outlet, event);
}

fn offer(outlet: &Outlet, event: EngineEvent) {
    let record = EventRecord {
        seq: 0,
        time_millis: now_millis(),
        run: RunId::default(),
        event,
    };
    if outlet.sender.try_send(record).is_ok() {
        (outlet.wake)();
    }
}
