//! The engine thread: takes commands, runs one run at a time on a thread of its own, answers questions on another.
//!
//! A panic in a run or in a question is caught here and becomes an event, so that the client lives.

mod item_questions;
mod questions;
mod run_thread;

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, bounded};

use self::questions::answer_all;
use self::run_thread::{Order, perform};
use crate::engine::command::EngineCommand;
use crate::engine::control::RunControl;
use crate::engine::error::Failure;
use crate::engine::event::{EngineEvent, EventRecord, RunId};
use crate::engine::reporter::Outlet;
use crate::engine::run::{RunDir, now_millis};

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
            | EngineCommand::AlignAgain { .. }
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
            EngineCommand::AlignAgain { run_dir } => begin(
                Order::AlignAgain {
                    dir: RunDir::new(&run_dir),
                },
                active.take(),
                outlet,
            )
            .map(|run| active = Some(run)),
            EngineCommand::CompareTokenizers {
                run_dir,
                names,
                tables,
            } => begin(
                Order::Compare {
                    dir: RunDir::new(&run_dir),
                    names,
                    tables,
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
            EngineCommand::StopReading => {
                asked.iter().for_each(RunControl::stop);
                Ok(())
            }
            EngineCommand::Shutdown => break,
            command @ (EngineCommand::ProbeDevices
            | EngineCommand::InspectData { .. }
            | EngineCommand::CheckData { .. }
            | EngineCommand::InspectUser { .. }
            | EngineCommand::MarkPair { .. }
            | EngineCommand::RescoreSlate { .. }
            | EngineCommand::CompareCheckpoints { .. }
            | EngineCommand::MapItems { .. }
            | EngineCommand::NearestItems { .. }
            | EngineCommand::ProbeCost { .. }
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
        .spawn(move || perform(order, &outlet, &run_control))
        .map_err(|error| busy(&format!("the system refuses a thread: {error}")))?;
    Ok(ActiveRun { control, thread })
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
