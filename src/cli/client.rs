//! The terminal's end of the engine: asks, waits, and turns Ctrl-C into a request to stop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::{Failure, FailureKind};
use onerec_workbench::engine::event::{EngineEvent, EventRecord};
use onerec_workbench::engine::handle::EngineHandle;

use crate::cli::output;

/// How long to wait before looking at Ctrl-C again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// Starts the engine.
pub(crate) fn start() -> Result<EngineHandle, Failure> {
    EngineHandle::spawn(|| {})
        .map_err(|error| failure(format!("could not start the engine: {error}")))
}

/// Sends one command and hands every record to `on_record` until that says what came out.
///
/// The first Ctrl-C asks the engine to stop and save, the second ends the program at once.
pub(crate) fn converse<T>(
    engine: &EngineHandle,
    command: EngineCommand,
    mut on_record: impl FnMut(EventRecord) -> Option<Result<T, Failure>>,
) -> Result<T, Failure> {
    catch_interrupts()?;
    if !engine.send(command) {
        return Err(failure("the engine does not take commands".to_owned()));
    }
    let mut is_stopping = false;
    loop {
        if INTERRUPTS.load(Ordering::Relaxed) > 0 && !is_stopping {
            is_stopping = true;
            output::remark("Stopping after this step and saving; Ctrl-C again ends at once.");
            if !engine.send(EngineCommand::Stop) {
                return Err(failure("the engine does not take commands".to_owned()));
            }
        }
        if let Some(record) = engine.recv_timeout(LOOK_EVERY)
            && let Some(result) = on_record(record)
        {
            return result;
        }
    }
}

/// Sends a question and returns its answer.
pub(crate) fn ask(command: EngineCommand) -> Result<EventRecord, Failure> {
    let engine = start()?;
    converse(&engine, command, |record| match &record.event {
        EngineEvent::CommandFailed { failure, .. } => Some(Err(failure.clone())),
        EngineEvent::Progress { .. } | EngineEvent::Notice(_) => None,
        _ => Some(Ok(record)),
    })
}

/// A failure without a family.
pub(crate) fn failure(message: String) -> Failure {
    Failure {
        message,
        hint: None,
        kind: FailureKind::Other,
    }
}

/// Listens to Ctrl-C from the first conversation on.
fn catch_interrupts() -> Result<(), Failure> {
    static LISTENING: OnceLock<Result<(), String>> = OnceLock::new();
    let listening = LISTENING.get_or_init(|| {
        ctrlc::set_handler(|| {
            if INTERRUPTS.fetch_add(1, Ordering::Relaxed) > 0 {
                #[expect(
                    clippy::exit,
                    reason = "the second Ctrl-C asks for exactly this; checkpoints appear whole or not at all"
                )]
                std::process::exit(130);
            }
        })
        .map_err(|error| error.to_string())
    });
    listening
        .clone()
        .map_err(|error| failure(format!("could not listen to Ctrl-C: {error}")))
}
