//! Each pane before, during and after a run, and after a failure; with keys, and with values that no axis can show.

use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::{PaneKind, Panes};
use onerec_workbench::app::state::{AppState, ItemsState, RunStore};
use onerec_workbench::app::theme;
use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::data::stats::DatasetStats;
use onerec_workbench::engine::error::{Failure, FailureKind};
use onerec_workbench::engine::eval::report::{EvaluationReport, ModelScore};
use onerec_workbench::engine::event::{
    CheckpointInfo, EngineEvent, EventRecord, RunId, ScoredSlate, SlateComparison, SlateItem,
    Stage, StepPoint,
};
use onerec_workbench::engine::run::items::{ItemRow, ItemTable};
use onerec_workbench::engine::run::report::{AlignmentReport, RewardSummary};
use onerec_workbench::engine::tokenizer::report::{CodebookLevel, TokenizerReport};

use crate::common::started;

/// What a pane is drawn from and into.
struct Bench {
    panes: Panes,
    state: AppState,
    commands: Vec<UiCommand>,
}

fn draw(kind: PaneKind, state: AppState) -> Harness<'static, Bench> {
    let bench = Bench {
        panes: Panes::default(),
        state,
        commands: Vec::new(),
    };
    let mut harness = Harness::builder()
        .with_size([1280.0, 720.0])
        .build_ui_state(
            move |ui, bench: &mut Bench| {
                theme::install(ui.ctx());
                bench.panes.ui(kind, ui, &bench.state, &mut bench.commands);
            },
            bench,
        );
    harness.run_steps(4);
    harness
}

fn apply(run: &mut RunStore, events: Vec<EngineEvent>) {
    for event in events {
        run.apply(&EventRecord {
            seq: run.next_seq,
            time_millis: 1_700_000_000_000 + run.next_seq * 1000,
            run: RunId("run".to_owned()),
            event,
        });
    }
}

fn with_data() -> AppState {
    let mut state = AppState::default();
    state.draft.data_path = "data".into();
    state
}

fn running() -> AppState {
    let mut state = with_data();
    apply(
        &mut state.run,
        vec![
            started("run".as_ref()),
            EngineEvent::StageStarted {
                stage: Stage::Data,
                first_step: 0,
                total_steps: 1,
            },
        ],
    );
    state
}

fn level(level_idx: usize, is_final: bool) -> CodebookLevel {
    CodebookLevel {
        level_idx,
        iteration: 3,
        is_final,
        load: vec![2, 1, 0, 1],
        utilization: 0.75,
        entropy_nats: 1.04,
        perplexity: 2.83,
        residual_error: 0.1,
    }
}

fn steps(stage: Stage, names: &[&str], value: impl Fn(u64) -> f64) -> EngineEvent {
    let point = |step: u64| StepPoint {
        step,
        samples: 64 * step,
        seconds: 0.1 * step as f64,
        values: names
            .iter()
            .map(|name| ((*name).to_owned(), value(step)))
            .collect(),
    };
    EngineEvent::Steps {
        stage,
        points: (1..=300).map(point).collect(),
    }
}

fn all_steps(value: impl Fn(u64) -> f64 + Copy) -> Vec<EngineEvent> {
    let pretrain = ["loss", "loss_level_1", "learning_rate", "tokens_per_second"];
    let align = [
        "loss",
        "dpo_loss",
        "margin",
        "accuracy",
        "chosen_log_prob",
        "rejected_log_prob",
    ];
    vec![
        steps(Stage::Pretrain, &pretrain, value),
        steps(Stage::Reward, &["loss", "judge_loss", "loss_vtr"], value),
        steps(Stage::Align, &align, value),
    ]
}

fn items() -> ItemTable {
    let row = |number: u16| ItemRow {
        item: Item {
            external_id: format!("v{number}"),
            title: format!("Title {number}"),
            ..Item::default()
        },
        codes: vec![number / 8, number % 8, 0],
        popularity: u32::from(number),
        neighbours: vec![(0, 0.5)],
    };
    ItemTable {
        n_levels: 3,
        codebook_size: 8,
        rows: (0..64).map(row).collect(),
    }
}

fn slate(reward: f64) -> ScoredSlate {
    let item = |item_idx: u32| SlateItem {
        item_idx,
        external_id: format!("v{item_idx}"),
        title: format!("Title {item_idx}"),
        codes: vec![0, item_idx as u16, 0],
    };
    ScoredSlate {
        items: (0..5).map(item).collect(),
        log_prob: -9.5,
        heads: vec![("swt".to_owned(), 0.5), ("vtr".to_owned(), f64::NAN)],
        reward,
        judge_reward: reward,
        oracle: Some(reward),
    }
}

fn finished() -> AppState {
    let mut state = running();
    let summary = RewardSummary {
        mean: 0.5,
        max: 0.6,
        top: 0.55,
        mean_ci95: 0.01,
    };
    let mut events = vec![
        EngineEvent::DatasetReady(DatasetStats {
            name: "short-video".to_owned(),
            users: 1000,
            history_lengths: vec![(1, 5), (2, 9)],
            popularity: vec![(0, 3)],
            warnings: vec!["3 rows were left out".to_owned()],
            ..DatasetStats::default()
        }),
        EngineEvent::CodebookUpdated(level(0, true)),
        EngineEvent::ItemsReady {
            report: TokenizerReport {
                levels: vec![level(0, true)],
                entropy_nats_nearest: vec![0.9],
                vector_power: 1.0,
                ..TokenizerReport::default()
            },
            items_path: "items.json".into(),
        },
    ];
    events.extend(all_steps(|step| 5.0 / step as f64));
    events.extend([
        EngineEvent::AlignmentReady(AlignmentReport {
            reward_before: summary,
            reward_after: summary,
            verdict: vec!["The mean reward did not change.".to_owned()],
            ..AlignmentReport::default()
        }),
        EngineEvent::EvaluationReady(EvaluationReport {
            models: vec![ModelScore {
                name: "generator".to_owned(),
                ..ModelScore::default()
            }],
            ..EvaluationReport::default()
        }),
        EngineEvent::SlatesReady(SlateComparison {
            user: "u7".to_owned(),
            history: slate(0.0).items,
            held_out: vec![slate(0.0).items[0].clone()],
            before: vec![slate(0.25)],
            after: vec![slate(0.5)],
        }),
        EngineEvent::CheckpointSaved(CheckpointInfo {
            stage: Stage::Pretrain,
            step: 300,
            path: "run/pretrain/step_000300".into(),
            bytes: 3_000_000,
            time_millis: 1_700_000_000_000,
            metrics: vec![("loss".to_owned(), 2.5)],
            is_final: true,
        }),
        EngineEvent::RunFinished {
            seconds: 9.0,
            report_path: "report.json".into(),
        },
    ]);
    apply(&mut state.run, events);
    state.items = ItemsState::Ready(Arc::new(items()));
    state.devices = Some(Vec::new());
    state
}

fn failed(mut state: AppState) -> AppState {
    apply(
        &mut state.run,
        vec![EngineEvent::RunFailed {
            stage: Some(Stage::Data),
            failure: Failure {
                message: "the disk is full".to_owned(),
                hint: Some("free some space".to_owned()),
                kind: FailureKind::Other,
            },
        }],
    );
    state
}

#[test]
fn empty_panes_offer_the_button_that_fills_them() {
    for (kind, button) in [
        (PaneKind::Overview, "Run up to data"),
        (PaneKind::Codebook, "Run up to tokenize"),
        (PaneKind::SemanticIds, "Run up to tokenize"),
        (PaneKind::Training, "Run up to pretrain"),
        (PaneKind::Slates, "Run all"),
        (PaneKind::Checkpoints, "Run up to pretrain"),
    ] {
        let mut harness = draw(kind, with_data());
        harness.get_by_label(button).click();
        harness.run_steps(2);
        let commands = &harness.state().commands;
        assert!(
            matches!(commands[..], [UiCommand::StartRun { .. }]),
            "{kind:?}: {commands:?}"
        );
    }
}

#[test]
fn waiting_panes_show_the_stage_at_work() {
    for kind in PaneKind::ALL {
        let harness = draw(kind, running());
        if kind != PaneKind::Log {
            assert!(
                harness
                    .query_all_by_label_contains("Stage data")
                    .next()
                    .is_some(),
                "{kind:?}"
            );
        }
    }
}

#[test]
fn finished_panes_show_their_results() {
    for (kind, text) in [
        (PaneKind::Overview, "The mean reward did not change."),
        (PaneKind::Codebook, "Needs a look"),
        (PaneKind::SemanticIds, "64 of 64 items"),
        (
            PaneKind::Training,
            "Pretraining loss: step 300, last 0.0167",
        ),
        (PaneKind::Slates, "User u7"),
        (PaneKind::Checkpoints, "pretrain (complete)"),
        (PaneKind::Log, "Runs on cpu"),
    ] {
        let harness = draw(kind, finished());
        assert!(
            harness.query_all_by_label_contains(text).next().is_some(),
            "{kind:?} does not say {text:?}"
        );
    }
}

#[test]
fn failed_panes_say_why_and_what_to_do() {
    for state in [running(), finished()] {
        for kind in PaneKind::ALL {
            let harness = draw(kind, failed(state.clone()));
            for text in ["the disk is full", "What to do: free some space"] {
                assert!(
                    harness.query_all_by_label_contains(text).next().is_some(),
                    "{kind:?} does not say {text:?}"
                );
            }
        }
    }
}

#[test]
fn values_that_are_not_finite_are_told_and_harm_nothing() {
    let odd: [fn(u64) -> f64; 4] = [
        |step| {
            if step.is_multiple_of(7) {
                f64::NAN
            } else {
                3.0 / step as f64
            }
        },
        |_| f64::NAN,
        |step| {
            if step == 5 {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            }
        },
        |step| if step.is_multiple_of(2) { 0.0 } else { -1.0 },
    ];
    for (number, value) in odd.into_iter().enumerate() {
        let mut state = with_data();
        apply(&mut state.run, all_steps(value));
        let mut harness = draw(PaneKind::Training, state);
        harness.get_by_label("Logarithmic y axis").click();
        harness.run_steps(3);
        let told = harness.query_all_by_label_contains("not finite").count();
        assert_eq!(told > 0, number < 3, "series {number}");
    }
}

#[test]
fn a_chart_is_exported_in_the_chosen_format() {
    let mut harness = draw(PaneKind::Training, finished());
    harness.get_by_label("Export Pretraining loss").click();
    harness.run_steps(3);
    harness.get_by_label("Picture as SVG").click();
    harness.run_steps(3);
    match &harness.state().commands[..] {
        [UiCommand::SaveChartDialog { name, chart }] => {
            assert_eq!(name, "pretraining_loss.svg");
            assert_eq!(chart.series[0].points.len(), 300, "all points are kept");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_item_table_is_used_by_keyboard() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    harness.get_by_label("Items, 64 rows").focus();
    harness.run_steps(2);
    harness.key_press(egui::Key::ArrowDown);
    harness.run_steps(2);
    // Sorted by popularity, so the first row is the last item.
    assert!(
        matches!(
            harness.state().commands[..],
            [UiCommand::SelectItem(Some(63))]
        ),
        "{:?}",
        harness.state().commands
    );
    harness.state_mut().state.selection.item = Some(63);
    harness.key_press(egui::Key::End);
    harness.run_steps(2);
    assert!(matches!(
        harness.state().commands.last(),
        Some(UiCommand::SelectItem(Some(0)))
    ));
}

#[test]
fn the_prefix_tree_is_used_by_keyboard() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    harness.get_by_label("Prefix tree, 8 rows").focus();
    harness.run_steps(2);
    for key in [
        egui::Key::ArrowDown,
        egui::Key::ArrowRight,
        egui::Key::ArrowDown,
        egui::Key::Enter,
    ] {
        harness.key_press(key);
        harness.run_steps(2);
    }
    assert!(
        harness.query_by_label("Prefix tree, 16 rows").is_some(),
        "the node opened"
    );
    match &harness.state().commands[..] {
        [UiCommand::SelectPrefix(prefix)] => assert_eq!(prefix, &[1, 0]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn items_are_found_by_pattern() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    harness.get_by_label("Search").focus();
    harness.run_steps(2);
    harness.get_by_label("Search").type_text("*.3");
    harness.run_steps(3);
    assert!(harness.query_by_label("8 of 64 items").is_some());
}

#[test]
fn a_user_is_asked_for_by_name() {
    let mut harness = draw(PaneKind::Slates, finished());
    harness.get_by_label("User").focus();
    harness.run_steps(2);
    harness.get_by_label("User").type_text("u9");
    harness.run_steps(2);
    harness.get_by_label("Generate").click();
    harness.run_steps(2);
    assert!(
        matches!(&harness.state().commands[..], [UiCommand::InspectUser(user)] if user == "u9"),
        "{:?}",
        harness.state().commands
    );
}
