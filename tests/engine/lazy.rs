//! The lazy decoder from outside, and the question what training would cost.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::FailureKind;
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::model::config::System;
use onerec_workbench::engine::run::report::RunReport;

use crate::common::{engine, run_to_end, sample, series, start, tiny_config, wait};

#[test]
fn every_stage_works_with_the_lazy_decoder_and_it_is_exported() {
    for reads_pathways in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let run_dir = folder.path().join("run");
        let engine = engine();
        let mut config = tiny_config();
        config.model.system = System::Lazy;
        config.model.lazy.reads_pathways = reads_pathways;
        config.model.pathways.lifelong_queries = 3;
        run_to_end(&engine, start(&run_dir, config, None));
        let report = RunReport::load(&run_dir.join("report.json")).unwrap();
        let pretrain = report.pretrain.unwrap();
        assert!(
            pretrain.loss_last < pretrain.loss_first,
            "{} then {}",
            pretrain.loss_first,
            pretrain.loss_last
        );
        // The policy begins as the reference, so a pair is as likely either way: ln 2.
        let dpo = series(&run_dir, Stage::Align, "dpo_loss");
        assert!(
            (dpo[0].1 - std::f64::consts::LN_2).abs() < 1e-4,
            "DPO loss {}",
            dpo[0].1
        );
        assert_eq!(report.evaluation.unwrap().models.len(), 4);

        let out = folder.path().join("out");
        assert!(engine.send(EngineCommand::Export {
            run_dir,
            stage: Stage::Align,
            folder: out.clone(),
        }));
        let answer = wait(&engine, |event| {
            matches!(
                event,
                EngineEvent::Exported { .. } | EngineEvent::CommandFailed { .. }
            )
        });
        let answer = &answer.last().unwrap().event;
        assert!(matches!(answer, EngineEvent::Exported { .. }), "{answer:?}");
        assert_eq!(out.join("features.json").exists(), reads_pathways);
    }
}

#[test]
fn steps_are_measured_on_request_and_a_stop_ends_that() {
    let engine = engine();
    let ask = || {
        assert!(engine.send(EngineCommand::ProbeCost {
            path: sample(),
            config: Box::new(tiny_config()),
        }));
    };
    let is_answer = |event: &EngineEvent| {
        matches!(
            event,
            EngineEvent::CostProbed(_) | EngineEvent::CommandFailed { .. }
        )
    };
    ask();
    let records = wait(&engine, is_answer);
    match &records.last().unwrap().event {
        EngineEvent::CostProbed(probe) => {
            assert_eq!(probe.n_steps, 10);
            assert!(probe.seconds_per_epoch > probe.seconds_per_step);
        }
        other => panic!("{other:?}"),
    }
    ask();
    assert!(engine.send(EngineCommand::Stop));
    let records = wait(&engine, is_answer);
    match &records.last().unwrap().event {
        EngineEvent::CostProbed(probe) => assert!(probe.n_steps < 10),
        EngineEvent::CommandFailed { failure, .. } => {
            assert_eq!(failure.kind, FailureKind::Stopped);
        }
        other => panic!("{other:?}"),
    }
}
