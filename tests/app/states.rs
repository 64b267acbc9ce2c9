//! A run before, during and after, as state to draw a pane from.

use std::sync::Arc;

use egui_kittest::Harness;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::{PaneKind, Panes};
use onerec_workbench::app::state::{AppState, ItemsState, RunStore};
use onerec_workbench::app::theme;
use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::data::stats::DatasetStats;
use onerec_workbench::engine::embedding::ItemAlignmentReport;
use onerec_workbench::engine::error::{Failure, FailureKind};
use onerec_workbench::engine::eval::calibration::ReliabilityBin;
use onerec_workbench::engine::eval::oracle_auc::OracleAuc;
use onerec_workbench::engine::eval::report::{EvaluationReport, ModelScore};
use onerec_workbench::engine::event::{
    CheckpointInfo, EngineEvent, EventRecord, ExpertLoad, ItemShare, Notice, NoticeLevel,
    PairSlate, PreferencePairs, RunId, ScoredSlate, ShownPair, SlateComparison, SlateItem, Stage,
    StepPoint,
};
use onerec_workbench::engine::run::items::{ItemTable, ItemTableBuilder};
use onerec_workbench::engine::run::report::{
    AlignmentReport, RewardHead, RewardReport, RewardSummary,
};
use onerec_workbench::engine::tokenizer::report::{CodebookLevel, TokenizerReport};

use crate::common::started;

/// What a pane is drawn from and into.
pub(crate) struct Bench {
    panes: Panes,
    pub(crate) state: AppState,
    pub(crate) commands: Vec<UiCommand>,
}

/// One pane on 1280 x 720 points.
pub(crate) fn draw(kind: PaneKind, state: AppState) -> Harness<'static, Bench> {
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

/// Takes events in as a run's own.
pub(crate) fn apply(run: &mut RunStore, events: Vec<EngineEvent>) {
    for event in events {
        run.apply(&EventRecord {
            seq: run.next_seq,
            time_millis: 1_700_000_000_000 + run.next_seq * 1000,
            run: RunId("run".to_owned()),
            event,
        });
    }
}

/// A dataset is chosen, nothing has run.
pub(crate) fn with_data() -> AppState {
    let mut state = AppState::default();
    state.draft.data_path = "data".into();
    state
}

/// A run has just begun.
pub(crate) fn running() -> AppState {
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
        gini: 0.375,
        dead_codes: 1,
        popularity: Vec::new(),
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
        experts: match stage {
            Stage::Pretrain => experts(step),
            _ => Vec::new(),
        },
    };
    EngineEvent::Steps {
        stage,
        points: (1..=300).map(point).collect(),
    }
}

/// An even layer with balancing and one without, where one expert has everything.
fn experts(step: u64) -> Vec<ExpertLoad> {
    vec![
        ExpertLoad {
            layer: "decoder 1".to_owned(),
            load: vec![9, 12, 10, 9],
            bias: vec![0.001 * step as f32, 0.0, -0.25, 0.0],
        },
        ExpertLoad {
            layer: "decoder 2".to_owned(),
            load: vec![40, 0, 0, 0],
            bias: Vec::new(),
        },
    ]
}

/// Steps of every stage that trains, all metrics with that value.
pub(crate) fn all_steps(value: impl Fn(u64) -> f64 + Copy) -> Vec<EngineEvent> {
    let pretrain = ["loss", "loss_level_1", "learning_rate", "tokens_per_second"];
    let align = [
        "loss",
        "dpo_loss",
        "margin",
        "accuracy",
        "chosen_log_prob",
        "rejected_log_prob",
        "probe_reward",
        "probe_legality",
    ];
    vec![
        steps(Stage::Pretrain, &pretrain, value),
        steps(Stage::Reward, &["loss", "judge_loss", "loss_vtr"], value),
        steps(Stage::Align, &align, value),
    ]
}

fn items() -> ItemTable {
    let mut builder = ItemTableBuilder::new(3, 8);
    for number in 0..64_u16 {
        let item = Item {
            external_id: format!("v{number}"),
            title: format!("Title {number}"),
            categories: vec![format!("kind {}", number % 3)],
            author: Some(format!("author {}", number % 5)),
            ..Item::default()
        };
        let codes = [number / 8, number % 8, 0];
        builder.push(&item, &codes, u32::from(number), [(0, 0.5)]);
    }
    builder.finish()
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
        shares: vec![
            ItemShare {
                reward: 0.125,
                judge: 0.25,
                oracle: Some(0.5),
            };
            5
        ],
    }
}

fn pair_slate(reward: f64) -> PairSlate {
    let of = slate(reward);
    PairSlate {
        items: of.items,
        log_prob: of.log_prob,
        reference_log_prob: of.log_prob,
        reward,
        judge_reward: 0.5,
        oracle: of.oracle,
    }
}

/// A run with every result.
pub(crate) fn finished() -> AppState {
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
        EngineEvent::ItemVectorsAligned(ItemAlignmentReport {
            precision_before: 0.01,
            precision_after: 0.03,
            n_held_out: 70,
            ..ItemAlignmentReport::default()
        }),
        EngineEvent::CodebookUpdated(level(0, true)),
        EngineEvent::ItemsReady {
            report: TokenizerReport {
                levels: vec![level(0, true)],
                entropy_nats_nearest: vec![0.9],
                vector_power: 1.0,
                ..TokenizerReport::default()
            },
            items_path: "items.parquet".into(),
        },
    ];
    events.extend(all_steps(|step| 5.0 / step as f64));
    events.extend([
        EngineEvent::PairsLearned(PreferencePairs {
            step: 300,
            pairs: vec![ShownPair {
                user: "u9".to_owned(),
                history: slate(0.0).items,
                chosen: pair_slate(0.75),
                rejected: vec![pair_slate(0.25)],
                is_turned: false,
            }],
        }),
        EngineEvent::Notice(Notice {
            level: NoticeLevel::Warning,
            stage: Some(Stage::Align),
            text: "the reward rose while the judge fell".to_owned(),
            hint: Some("lower align.lambda".to_owned()),
        }),
        EngineEvent::RewardReady(reward_report()),
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

/// A head that can be learned, with what could be reached, and one that is too rare.
fn reward_report() -> RewardReport {
    let bin = |predicted, observed| ReliabilityBin {
        predicted,
        observed,
        n: 40,
    };
    RewardReport {
        heads: vec![
            RewardHead {
                name: "vtr".to_owned(),
                positives: 4000,
                auc: Some(0.58),
                weight: 1.0,
                calibration: (0.31, 0.3),
                gauc: Some(0.57),
                reliability: vec![bin(0.25, 0.26), bin(0.5, 0.45)],
                calibration_error: 0.03,
                oracle_auc: Some(OracleAuc {
                    oracle: 0.7,
                    model: 0.57,
                    slates: 800,
                }),
            },
            RewardHead {
                name: "wtr".to_owned(),
                positives: 12,
                ..RewardHead::default()
            },
        ],
        train_slates: 9000,
        judge_train_slates: 9100,
        test_slates: 3000,
        rule: "Slates of 5 consecutive impressions.".to_owned(),
        ..RewardReport::default()
    }
}

/// The same after the disk was full.
pub(crate) fn failed(mut state: AppState) -> AppState {
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
