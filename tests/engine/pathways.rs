//! The second system from outside: the same stages, checkpoints of its own, an export that names its features.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::config::ExperimentConfig;
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::model::config::System;
use onerec_workbench::engine::run::atomic;
use onerec_workbench::engine::run::report::RunReport;

use crate::common::{engine, is_over, run_to_end, series, start, tiny_config, wait};

fn config() -> ExperimentConfig {
    let mut config = tiny_config();
    config.model.system = System::Pathways;
    config.model.pathways.lifelong_queries = 3;
    config
}

#[test]
fn every_stage_works_with_pathways_and_the_generator_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let engine = engine();
    run_to_end(&engine, start(&run_dir, config(), None));
    let report: RunReport =
        serde_json::from_slice(&std::fs::read(run_dir.join("report.json")).unwrap()).unwrap();
    let pretrain = report.pretrain.unwrap();
    assert!(
        pretrain.loss_last < pretrain.loss_first,
        "{} then {}",
        pretrain.loss_first,
        pretrain.loss_last
    );
    assert!(report.alignment.unwrap().pairs > 0, "slates were compared");
    let names: Vec<String> = report
        .evaluation
        .unwrap()
        .models
        .into_iter()
        .map(|model| model.name)
        .collect();
    assert_eq!(names, ["popularity", "markov", "generator", "aligned"]);

    let out = folder.path().join("out");
    assert!(engine.send(EngineCommand::Export {
        run_dir,
        stage: Stage::Align,
        folder: out.clone()
    }));
    let answer = wait(&engine, |event| {
        matches!(
            event,
            EngineEvent::Exported { .. } | EngineEvent::CommandFailed { .. }
        )
    });
    let answer = &answer.last().unwrap().event;
    assert!(matches!(answer, EngineEvent::Exported { .. }), "{answer:?}");
    let features: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("features.json")).unwrap()).unwrap();
    assert!(
        features["tags"].as_object().unwrap().len() > 5,
        "{features}"
    );
    let reference = std::fs::read(out.join("reference.safetensors")).unwrap();
    let reference = safetensors::SafeTensors::deserialize(&reference).unwrap();
    for name in ["context.static.users", "context.lifelong.items", "logits"] {
        assert!(reference.tensor(name).is_ok(), "{name}");
    }
}

#[test]
fn training_goes_on_where_it_was_and_only_with_its_own_system() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let engine = engine();
    run_to_end(&engine, start(&run_dir, config(), Some(Stage::Pretrain)));
    let expected = series(&run_dir, Stage::Pretrain, "loss");
    // As if the process had been killed after its checkpoint at step 10.
    for step in [15, 20] {
        std::fs::remove_dir_all(run_dir.join(format!("pretrain/step_{step:06}"))).unwrap();
    }
    let info = std::fs::read_to_string(run_dir.join("run.json")).unwrap();
    let mut info: serde_json::Value = serde_json::from_str(&info).unwrap();
    info["completed"] = serde_json::json!(["data", "tokenize"]);
    atomic::write(&run_dir.join("run.json"), info.to_string().as_bytes()).unwrap();
    let resume = || EngineCommand::ResumeRun {
        run_dir: run_dir.clone(),
        last_stage: Some(Stage::Pretrain),
    };

    let path = run_dir.join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replace("system = \"pathways\"", "system = \"session\"");
    assert_ne!(text, other, "the settings name the system");
    atomic::write(&path, other.as_bytes()).unwrap();
    assert!(engine.send(resume()));
    let records = wait(&engine, is_over);
    let last = &records.last().unwrap().event;
    match last {
        EngineEvent::RunFailed { failure, .. } => {
            assert!(failure.message.contains("pathways"), "{}", failure.message);
        }
        other => panic!("another system's checkpoint was used: {other:?}"),
    }

    atomic::write(&path, text.as_bytes()).unwrap();
    run_to_end(&engine, resume());
    assert_eq!(series(&run_dir, Stage::Pretrain, "loss"), expected);
}
