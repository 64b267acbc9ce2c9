//! Stopping and going on: the resumed run must be the run that was never stopped.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::config::ExperimentConfig;
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::model::config::System;
use onerec_workbench::engine::run::atomic;
use onerec_workbench::engine::run::report::RunReport;
use onerec_workbench::engine::train::config::{Objective, Search};

use safetensors::SafeTensors;

use crate::common::{engine, is_over, run_to_end, series, start, tiny_config, wait};

/// Copies a run folder as a killed process would have left it.
fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a new folder below a temporary one");
    for entry in std::fs::read_dir(from).expect("a run folder can be listed") {
        let entry = entry.expect("a run folder can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("there is space for a copy");
        }
    }
}

/// Names and bytes of all tensors of a stage after that many steps, sorted by name.
fn weights(run: &std::path::Path, stage: Stage, n_steps: u64) -> Vec<(String, Vec<u8>)> {
    let file = format!("{}/step_{n_steps:06}/model.safetensors", stage.name());
    let bytes = std::fs::read(run.join(file)).expect("the stage is complete");
    let file = SafeTensors::deserialize(&bytes).expect("the file is whole");
    let tensors = file.iter();
    let mut weights: Vec<(String, Vec<u8>)> = tensors
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect();
    weights.sort();
    weights
}

/// Trains 20 steps, then once more from the checkpoint at step 10 of a copy, as if the process had been killed after it.
/// Everything that was told and the final weights must be the same to the last bit.
fn assert_that_a_killed_run_goes_on_exactly(config: ExperimentConfig) {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let engine = engine();
    let whole = folder.path().join("whole");
    run_to_end(&engine, start(&whole, config, Some(Stage::Pretrain)));

    let killed = folder.path().join("killed");
    copy_folder(&whole, &killed);
    for step in [15, 20] {
        std::fs::remove_dir_all(killed.join(format!("pretrain/step_{step:06}")))
            .expect("the checkpoint was kept");
    }
    let info = std::fs::read_to_string(killed.join("run.json")).expect("a run has it");
    let mut info: serde_json::Value = serde_json::from_str(&info).expect("it is JSON");
    info["completed"] = serde_json::json!(["data", "tokenize"]);
    atomic::write(&killed.join("run.json"), info.to_string().as_bytes())
        .expect("a run folder can be written");
    let records = run_to_end(
        &engine,
        EngineCommand::ResumeRun {
            run_dir: killed.clone(),
            last_stage: Some(Stage::Pretrain),
        },
    );
    let first_step = records.iter().find_map(|record| match record.event {
        EngineEvent::StageStarted {
            stage: Stage::Pretrain,
            first_step,
            ..
        } => Some(first_step),
        _ => None,
    });
    assert_eq!(first_step, Some(10), "the first step of the resumed run");
    let finished: Vec<Stage> = records
        .iter()
        .filter_map(|record| match record.event {
            EngineEvent::StageFinished { stage, .. } => Some(stage),
            _ => None,
        })
        .collect();
    assert_eq!(
        finished,
        [Stage::Data, Stage::Pretrain],
        "the data is read again"
    );
    for name in ["loss", "grad_norm", "validation_loss"] {
        let told = |run: &std::path::Path| series(run, Stage::Pretrain, name);
        assert_eq!(told(&killed), told(&whole), "{name}");
    }
    let (found, expected) = (
        weights(&killed, Stage::Pretrain, 20),
        weights(&whole, Stage::Pretrain, 20),
    );
    assert!(!expected.is_empty(), "no weights");
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.0, expected.0, "names");
        assert!(found.1 == expected.1, "the values of {} differ", found.0);
    }
}

#[test]
fn ten_steps_saved_and_ten_more_equal_twenty() {
    assert_that_a_killed_run_goes_on_exactly(tiny_config());
}

#[test]
fn so_they_do_for_the_lazy_decoder() {
    let mut config = tiny_config();
    config.model.system = System::Lazy;
    config.model.n_dense_blocks = 1;
    config.model.n_decoder_layers = 2;
    assert_that_a_killed_run_goes_on_exactly(config);
}

#[test]
fn so_they_do_with_everything_switched_on() {
    let mut config = tiny_config();
    config.model.dropout = 0.1;
    config.model.encoder_experts = true;
    config.model.n_shared_experts = 1;
    config.model.balance_rate = 0.01;
    config.pretrain.micro_batches = 3;
    config.pretrain.label_smoothing = 0.1;
    config.pretrain.table_lr_factor = 1.25;
    config.pretrain.validate_every_steps = 4;
    config.pretrain.validation_users = 30;
    assert_that_a_killed_run_goes_on_exactly(config);
}

/// Aligns in 6 steps twice, and once more from the checkpoint after step 4 of a copy: all three must be the same, though
/// slates are written on a thread of their own, ahead of the steps that learn from them.
fn assert_that_alignment_does_not_depend_on_time(config: ExperimentConfig) {
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let engine = engine();
    let run = |name: &str| {
        let run_dir = folder.path().join(name);
        let command = start(&run_dir, config.clone(), Some(Stage::Align));
        run_to_end(&engine, command);
        run_dir
    };
    let (whole, again) = (run("whole"), run("again"));
    let killed = folder.path().join("killed");
    copy_folder(&whole, &killed);
    std::fs::remove_dir_all(killed.join("align/step_000006")).expect("the checkpoint was kept");
    let info = std::fs::read_to_string(killed.join("run.json")).expect("a run has it");
    let mut info: serde_json::Value = serde_json::from_str(&info).expect("it is JSON");
    info["completed"] = serde_json::json!(["data", "tokenize", "pretrain", "reward"]);
    atomic::write(&killed.join("run.json"), info.to_string().as_bytes())
        .expect("a run folder can be written");
    let records = run_to_end(
        &engine,
        EngineCommand::ResumeRun {
            run_dir: killed.clone(),
            last_stage: Some(Stage::Align),
        },
    );
    let first_step = records.iter().find_map(|record| match record.event {
        EngineEvent::StageStarted {
            stage: Stage::Align,
            first_step,
            ..
        } => Some(first_step),
        _ => None,
    });
    assert_eq!(first_step, Some(4), "the first step of the resumed run");
    let losses = |run: &std::path::Path| series(run, Stage::Align, "loss");
    assert_eq!(losses(&whole).len(), 6, "steps");
    for other in [&again, &killed] {
        assert_eq!(losses(other), losses(&whole), "losses");
        let weights = |run: &std::path::Path| weights(run, Stage::Align, 6);
        assert!(weights(other) == weights(&whole), "the weights differ");
    }
    let report = RunReport::load(&whole.join("report.json")).expect("a run has a report");
    let seconds = report.alignment_seconds.expect("the stage is complete");
    let parts = [seconds.rollout, seconds.scoring, seconds.training];
    assert!(parts.iter().all(|part| *part > 0.0), "{parts:?}");
}

#[test]
fn alignment_by_pairs_is_the_same_whenever_its_slates_were_written() {
    let mut config = tiny_config();
    config.model.dropout = 0.1;
    assert_that_alignment_does_not_depend_on_time(config);
}

#[test]
fn so_is_alignment_by_groups_from_older_snapshots() {
    let mut config = tiny_config();
    config.align.objective = Objective::Ecpo;
    config.align.search = Search::Sample;
    config.align.sync_every_steps = 1;
    config.align.max_staleness = 2;
    config.align.format_weight = 0.5;
    config.align.format_samples = 8;
    assert_that_alignment_does_not_depend_on_time(config);
}

#[test]
fn training_ends_early_with_the_weights_of_the_lowest_held_out_loss() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let run_dir = folder.path().join("run");
    let mut config = tiny_config();
    // A rate that moves nothing, so that the loss never falls again.
    config.pretrain.learning_rate = 1e-30;
    config.model.balance_rate = 0.0;
    config.pretrain.validate_every_steps = 3;
    config.pretrain.validation_users = 30;
    config.pretrain.patience = 2;
    let records = run_to_end(&engine, start(&run_dir, config, Some(Stage::Pretrain)));
    let notice = records.iter().find_map(|record| match &record.event {
        EngineEvent::Notice(notice) if notice.text.contains("ended after step 9") => Some(notice),
        _ => None,
    });
    let text = &notice.expect("the end is told").text;
    assert!(text.ends_with("with the weights of step 3"), "{text}");
    let report = RunReport::load(&run_dir.join("report.json")).unwrap();
    let pretrain = report.pretrain.unwrap();
    assert_eq!((pretrain.steps, pretrain.best_step), (9, Some(3)));
    let measured = series(&run_dir, Stage::Pretrain, "validation_loss");
    assert_eq!(measured.len(), 3);
    assert_eq!(pretrain.validation_loss, Some(measured[0].1));
    let left: Vec<String> = std::fs::read_dir(run_dir.join("pretrain"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("best"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_stopped_run_ends_early_where_it_would_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let mut config = tiny_config();
    config.pretrain.validate_every_steps = 2;
    config.pretrain.validation_users = 30;
    config.pretrain.patience = 2;
    let whole = folder.path().join("whole");
    let command = start(&whole, config.clone(), Some(Stage::Pretrain));
    run_to_end(&engine, command);

    let stopped = folder.path().join("stopped");
    assert!(engine.send(start(&stopped, config, Some(Stage::Pretrain))));
    wait(
        &engine,
        |event| matches!(event, EngineEvent::CheckpointSaved(info) if info.stage == Stage::Pretrain),
    );
    assert!(engine.send(EngineCommand::Stop));
    let records = wait(&engine, is_over);
    if matches!(
        records.last().unwrap().event,
        EngineEvent::RunStopped { .. }
    ) {
        run_to_end(
            &engine,
            EngineCommand::ResumeRun {
                run_dir: stopped.clone(),
                last_stage: Some(Stage::Pretrain),
            },
        );
    }
    let report = |run: &std::path::Path| {
        let report = RunReport::load(&run.join("report.json")).unwrap();
        report.pretrain.unwrap()
    };
    let (found, expected) = (report(&stopped), report(&whole));
    assert_eq!(found.steps, expected.steps);
    assert_eq!(found.best_step, expected.best_step);
    assert_eq!(found.validation_loss, expected.validation_loss);
    let n_steps = expected.steps;
    let weights = |run: &std::path::Path| weights(run, Stage::Pretrain, n_steps);
    assert!(weights(&stopped) == weights(&whole));
}

#[test]
fn a_stop_in_any_stage_saves_and_the_rest_can_be_run() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    for stage in [
        Stage::Tokenize,
        Stage::Pretrain,
        Stage::Reward,
        Stage::Align,
        Stage::Evaluate,
    ] {
        let run_dir = folder.path().join(stage.name());
        assert!(engine.send(start(&run_dir, tiny_config(), None)));
        wait(
            &engine,
            |event| matches!(event, EngineEvent::StageStarted { stage: started, .. } if *started == stage),
        );
        assert!(engine.send(EngineCommand::Stop));
        let records = wait(&engine, is_over);
        match &records.last().unwrap().event {
            EngineEvent::RunStopped { .. } => {
                run_to_end(
                    &engine,
                    EngineCommand::ResumeRun {
                        run_dir,
                        last_stage: None,
                    },
                );
            }
            // A short stage may be over before the stop arrives.
            EngineEvent::RunFinished { .. } => {}
            other => panic!("stopping in {stage} ended with {other:?}"),
        }
    }
}

#[test]
fn a_tokenizer_that_was_stopped_goes_on_from_its_last_sweep_to_the_same_ids() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let mut config = tiny_config();
    // Balanced clusters seldom come to rest, so there is time for the stop.
    config.tokenizer.max_iterations = 400;
    let whole = folder.path().join("whole");
    run_to_end(
        &engine,
        start(&whole, config.clone(), Some(Stage::Tokenize)),
    );
    let stopped = folder.path().join("stopped");
    assert!(engine.send(start(&stopped, config, Some(Stage::Tokenize))));
    wait(
        &engine,
        |event| matches!(event, EngineEvent::CodebookUpdated(level) if level.is_final),
    );
    assert!(engine.send(EngineCommand::Stop));
    let records = wait(&engine, is_over);
    let kept = stopped.join("tokenize/unfinished.safetensors");
    if matches!(
        records.last().unwrap().event,
        EngineEvent::RunStopped { .. }
    ) {
        assert!(kept.exists(), "nothing was kept of a complete level");
        let records = run_to_end(
            &engine,
            EngineCommand::ResumeRun {
                run_dir: stopped.clone(),
                last_stage: Some(Stage::Tokenize),
            },
        );
        let is_told = |event: &EngineEvent| matches!(event, EngineEvent::Notice(notice) if notice.text.contains("going on with level"));
        assert!(records.iter().any(|record| is_told(&record.event)));
    }
    for file in ["items.parquet", "tokenize/codebooks.safetensors"] {
        let same =
            std::fs::read(whole.join(file)).unwrap() == std::fs::read(stopped.join(file)).unwrap();
        assert!(same, "{file} differs");
    }
    assert!(!kept.exists(), "a complete stage keeps nothing unfinished");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let run_dir = folder.path().join("run");
    run_to_end(
        &engine,
        start(&run_dir, tiny_config(), Some(Stage::Pretrain)),
    );
    let expected = series(&run_dir, Stage::Pretrain, "loss");
    let info = std::fs::read_to_string(run_dir.join("run.json")).unwrap();
    atomic::write(
        &run_dir.join("run.json"),
        info.replace(",\n    \"pretrain\"", "").as_bytes(),
    )
    .unwrap();
    std::fs::remove_dir_all(run_dir.join("pretrain/step_000020")).unwrap();
    atomic::write(
        &run_dir.join("pretrain/step_000015/manifest.json"),
        b"{ half a file",
    )
    .unwrap();
    let records = run_to_end(
        &engine,
        EngineCommand::ResumeRun {
            run_dir: run_dir.clone(),
            last_stage: Some(Stage::Pretrain),
        },
    );
    assert!(
        records.iter().any(|record| matches!(&record.event, EngineEvent::Notice(notice) if notice.text.contains("damaged"))),
        "the user must hear of it"
    );
    assert_eq!(series(&run_dir, Stage::Pretrain, "loss"), expected);
}
