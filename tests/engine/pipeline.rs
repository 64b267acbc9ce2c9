//! All stages in order, and what a client may rely on.

use onerec_workbench::engine::command::{EngineCommand, StartRun};
use onerec_workbench::engine::error::FailureKind;
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::run::atomic;
use onerec_workbench::engine::run::report::RunReport;

use crate::common::{engine, is_over, run_to_end, sample, series, start, tiny_config, wait};

#[test]
fn every_stage_leaves_its_figures_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let engine = engine();
    let records = run_to_end(&engine, start(&run_dir, tiny_config(), None));

    let finished: Vec<Stage> = records
        .iter()
        .filter_map(|record| match &record.event {
            EngineEvent::StageFinished { stage, .. } => Some(*stage),
            _ => None,
        })
        .collect();
    assert_eq!(finished, Stage::ALL);
    assert!(
        records.windows(2).all(|pair| pair[0].seq < pair[1].seq),
        "events come in order"
    );

    let report: RunReport =
        serde_json::from_slice(&std::fs::read(run_dir.join("report.json")).unwrap()).unwrap();
    let tokenizer = report.tokenizer.unwrap();
    assert!(
        tokenizer
            .levels
            .iter()
            .all(|level| level.utilization > 0.99),
        "balanced levels use every code"
    );
    let pretrain = report.pretrain.unwrap();
    assert!(
        pretrain.loss_last < pretrain.loss_first,
        "{} then {}",
        pretrain.loss_first,
        pretrain.loss_last
    );
    let reward = report.reward.unwrap();
    assert!(
        reward.heads.iter().any(|head| head.auc.is_some()),
        "some head can be measured"
    );
    let alignment = report.alignment.unwrap();
    assert!(
        alignment.pairs >= 6,
        "each of the 6 steps makes a pair, found {}",
        alignment.pairs
    );
    assert!(
        alignment.oracle_after.is_some(),
        "simulated data has true utility"
    );
    assert!(alignment.reward_after.max >= alignment.reward_after.mean);
    let evaluation = report.evaluation.unwrap();
    let said = &evaluation.verdict;
    assert!(
        said.len() == 2 && said[0].starts_with("HR@10 ") && said[1].starts_with("NDCG@10 "),
        "what alignment costs must be told: {said:?}"
    );
    let names: Vec<String> = evaluation
        .models
        .into_iter()
        .map(|model| model.name)
        .collect();
    assert_eq!(names, ["popularity", "markov", "generator", "aligned"]);

    // Every curve of the probes begins with the generator as it was before alignment.
    let divergence = series(&run_dir, Stage::Align, "probe_divergence");
    assert_eq!(divergence[0].0, 0, "the first probe comes before any step");
    assert!(
        divergence[0].1.abs() < 1e-6,
        "nothing has changed yet: {divergence:?}"
    );

    // The first step of an iteration compares the policy with itself: ln 2, whatever the pairs.
    let dpo = series(&run_dir, Stage::Align, "dpo_loss");
    for step in [1, 4] {
        let (_, loss) = dpo.iter().find(|(at, _)| *at == step).unwrap();
        assert!(
            (loss - std::f64::consts::LN_2).abs() < 1e-4,
            "DPO loss {loss} at step {step}"
        );
    }

    // A question about the finished run.
    let user = "0";
    assert!(engine.send(EngineCommand::InspectUser {
        run_dir: run_dir.clone(),
        user: user.into()
    }));
    let answer = wait(&engine, |event| {
        matches!(
            event,
            EngineEvent::SlatesReady(_) | EngineEvent::CommandFailed { .. }
        )
    });
    match &answer.last().unwrap().event {
        EngineEvent::SlatesReady(slates) => {
            assert!(
                !slates.before.is_empty() && !slates.after.is_empty(),
                "both generators answer"
            );
        }
        EngineEvent::CommandFailed { failure, .. } => {
            assert_eq!(
                failure.kind,
                FailureKind::Usage,
                "an unknown user is the asker's mistake: {failure:?}"
            );
        }
        other => panic!("unexpected answer {other:?}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let losses = |name: &str, seed: u64| {
        let run_dir = folder.path().join(name);
        let mut config = tiny_config();
        config.seed.0 = seed;
        run_to_end(&engine, start(&run_dir, config, Some(Stage::Pretrain)));
        series(&run_dir, Stage::Pretrain, "loss")
    };
    let first = losses("a", 1);
    assert_eq!(first.len(), 20);
    assert_eq!(first, losses("b", 1));
    assert_ne!(first, losses("c", 257));
}

#[test]
fn a_folder_in_use_or_a_missing_dataset_is_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    std::fs::create_dir(&run_dir).unwrap();
    atomic::write(&run_dir.join("thesis.txt"), b"precious").unwrap();
    let engine = engine();
    assert!(engine.send(start(&run_dir, tiny_config(), None)));
    let records = wait(&engine, is_over);
    assert!(matches!(
        records.last().unwrap().event,
        EngineEvent::RunFailed { .. }
    ));
    assert_eq!(
        std::fs::read_to_string(run_dir.join("thesis.txt")).unwrap(),
        "precious"
    );

    let missing = EngineCommand::StartRun(StartRun {
        data_path: sample().join("no-such-file.csv"),
        run_dir: folder.path().join("other"),
        config: Box::new(tiny_config()),
        last_stage: None,
    });
    assert!(engine.send(missing));
    let records = wait(&engine, is_over);
    match &records.last().unwrap().event {
        EngineEvent::RunFailed { failure, .. } => assert_eq!(failure.kind, FailureKind::Data),
        other => panic!("unexpected {other:?}"),
    }
    assert!(
        !folder.path().join("other").exists(),
        "a wrong path leaves no empty run behind"
    );
}

#[test]
fn a_log_without_impressions_is_evaluated_without_reward_and_alignment() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let catalogue = sample().with_file_name("catalogue");
    let command = EngineCommand::StartRun(StartRun {
        data_path: catalogue,
        run_dir: run_dir.clone(),
        config: Box::new(tiny_config()),
        last_stage: None,
    });
    let records = run_to_end(&engine(), command);
    assert!(
        records.iter().any(|record| matches!(
            &record.event,
            EngineEvent::Notice(notice) if notice.text.contains("left out")
        )),
        "the user must hear of it"
    );
    let report = std::fs::read(run_dir.join("report.json")).unwrap();
    let report: RunReport = serde_json::from_slice(&report).unwrap();
    let models = report.evaluation.unwrap().models;
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["popularity", "markov", "generator"]);
}
