//! A small simulated dataset, a small configuration, and a client that waits for the end of a run.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use onerec_workbench::engine::command::{EngineCommand, StartRun};
use onerec_workbench::engine::config::{ExperimentConfig, Preset};
use onerec_workbench::engine::event::{EngineEvent, EventRecord, Stage};
use onerec_workbench::engine::handle::EngineHandle;
use onerec_workbench::engine::run::journal;

/// Longer than any of these runs takes, so that a hang fails instead of blocking.
const DEADLINE: Duration = Duration::from_secs(240);

/// The short-video sample that the project ships. Tests run in the folder of the package; a path compiled in may be
/// another checkout's with the same target folder.
pub(crate) fn sample() -> PathBuf {
    PathBuf::from("datasets/short-video")
}

/// Settings that run through all stages in seconds.
pub(crate) fn tiny_config() -> ExperimentConfig {
    let settings = [
        "device.backend=cpu",
        "tokenizer.codebook_size=32",
        "tokenizer.max_iterations=5",
        "model.d_model=32",
        "model.n_heads=2",
        "model.n_encoder_layers=1",
        "model.n_decoder_layers=1",
        "model.d_ff=32",
        "model.n_experts=4",
        "model.d_ff_expert=16",
        "model.history_len=6",
        "pretrain.steps=20",
        "pretrain.batch_size=16",
        "pretrain.log_every_steps=1",
        "pretrain.checkpoint_every_steps=5",
        "reward.steps=10",
        "reward.log_every_steps=1",
        "reward.checkpoint_every_steps=5",
        "reward.batch_size=32",
        "reward.d_model=16",
        "reward.n_heads=2",
        "reward.d_hidden=16",
        "align.iterations=2",
        "align.steps_per_iteration=3",
        "align.batch_size=8",
        "align.n_candidates=4",
        "align.checkpoint_every_steps=2",
        "evaluate.max_users=40",
        "evaluate.n_beams=10",
        "evaluate.reward_users=10",
        "evaluate.reward_slates=4",
    ]
    .map(str::to_owned);
    ExperimentConfig::load(Preset::Smoke, None, &settings).expect("the settings are valid")
}

/// The command that starts a run on the sample.
pub(crate) fn start(
    run_dir: &Path,
    config: ExperimentConfig,
    last_stage: Option<Stage>,
) -> EngineCommand {
    EngineCommand::StartRun(StartRun {
        data_path: sample(),
        run_dir: run_dir.to_owned(),
        config: Box::new(config),
        last_stage,
    })
}

/// An engine with nobody to wake.
pub(crate) fn engine() -> EngineHandle {
    EngineHandle::spawn(|| ()).expect("a thread can be started")
}

/// Takes events until `wanted` says yes and returns all of them.
pub(crate) fn wait(
    engine: &EngineHandle,
    mut wanted: impl FnMut(&EngineEvent) -> bool,
) -> Vec<EventRecord> {
    let began = Instant::now();
    let mut records = Vec::new();
    while began.elapsed() < DEADLINE {
        if let Some(record) = engine.recv_timeout(Duration::from_millis(100)) {
            let found = wanted(&record.event);
            records.push(record);
            if found {
                return records;
            }
        }
    }
    panic!(
        "nothing came within {DEADLINE:?}; the last event was {:?}",
        records.last()
    );
}

/// Whether a run is over, one way or another.
pub(crate) fn is_over(event: &EngineEvent) -> bool {
    matches!(
        event,
        EngineEvent::RunFinished { .. }
            | EngineEvent::RunStopped { .. }
            | EngineEvent::RunFailed { .. }
    )
}

/// Runs to the end and fails the test unless it finished.
pub(crate) fn run_to_end(engine: &EngineHandle, command: EngineCommand) -> Vec<EventRecord> {
    assert!(engine.send(command), "the engine takes commands");
    let records = wait(engine, is_over);
    let last = &records.last().expect("there is a last event").event;
    assert!(
        matches!(last, EngineEvent::RunFinished { .. }),
        "the run ended with {last:?}"
    );
    records
}

/// The logged values of one series, from the journal.
pub(crate) fn series(run_dir: &Path, stage: Stage, name: &str) -> Vec<(u64, f64)> {
    let records = journal::read(&run_dir.join("events.jsonl")).expect("the journal is readable");
    journal::series(&records, stage, name).into_iter().collect()
}
