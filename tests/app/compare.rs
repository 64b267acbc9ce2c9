//! The comparison of tokenizers: asked for, under way, done, stopped, and written to files.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::AppState;
use onerec_workbench::engine::event::EngineEvent;
use onerec_workbench::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};
use onerec_workbench::engine::tokenizer::report::{CodebookLevel, TokenizerReport};
use onerec_workbench::engine::tokenizer::variants::VARIANTS;

use crate::states::{apply, draw, finished};

fn row(name: &str, error: f64) -> ComparisonRow {
    ComparisonRow {
        name: name.to_owned(),
        description: "a tokenizer".to_owned(),
        seconds: 1.5,
        report: Some(TokenizerReport {
            levels: vec![CodebookLevel::default(); 3],
            reconstruction_error: Some(error),
            ..TokenizerReport::default()
        }),
        note: None,
    }
}

/// Two tokenizers were asked for, one is done, the other is being fitted.
fn under_way() -> AppState {
    let mut state = finished();
    apply(
        &mut state.run,
        vec![
            EngineEvent::ComparisonStarted {
                names: vec!["rq-kmeans".to_owned(), "balanced".to_owned()],
            },
            EngineEvent::TokenizerCompared(row("rq-kmeans", 0.125)),
            EngineEvent::ComparisonProgress {
                name: "balanced".to_owned(),
                doing: "level 2, sweep 7".to_owned(),
            },
        ],
    );
    state
}

fn done() -> AppState {
    let mut state = under_way();
    let failed = ComparisonRow {
        name: "product".to_owned(),
        note: Some("could not cut vectors".to_owned()),
        ..ComparisonRow::default()
    };
    let comparison = TokenizerComparison {
        rows: vec![row("rq-kmeans", 0.125), row("balanced", 0.25), failed],
        ..TokenizerComparison::default()
    };
    apply(
        &mut state.run,
        vec![EngineEvent::ComparisonReady(comparison)],
    );
    state
}

#[test]
fn one_click_compares_the_chosen_tokenizers() {
    let mut harness = draw(PaneKind::Compare, finished());
    harness.get_by_label("Compare tokenizers").click();
    harness.run_steps(2);
    match &harness.state().commands[..] {
        [UiCommand::CompareTokenizers { names, tables }] => {
            assert_eq!((names.len(), tables.len()), (VARIANTS.len(), 0));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn several_tokenizers_are_left_out_without_opening_the_menu_again() {
    let mut harness = draw(PaneKind::Compare, finished());
    let all = VARIANTS.len();
    harness
        .get_by_label(&format!("{all} of {all} tokenizers"))
        .click();
    harness.run_steps(3);
    for variant in &VARIANTS[..3] {
        harness
            .get_by_role_and_label(Role::CheckBox, variant.name)
            .click();
        harness.run_steps(3);
    }
    let left = format!("{} of {all} tokenizers", all - 3);
    assert!(harness.query_by_label(&left).is_some());
}

#[test]
fn the_codebook_pane_asks_what_balance_and_depth_would_change() {
    let mut harness = draw(PaneKind::Codebook, finished());
    let button = "What would a balanced or deeper tokenizer change?";
    harness.get_by_label(button).scroll_to_me();
    // The way there is animated.
    harness.run_steps(8);
    harness.get_by_label(button).click();
    harness.run_steps(2);
    match &harness.state().commands[..] {
        [
            UiCommand::CompareTokenizers { names, .. },
            UiCommand::ShowPane(PaneKind::Compare),
        ] => {
            for name in names {
                assert!(
                    VARIANTS.iter().any(|variant| variant.name == name),
                    "{name}"
                );
            }
            assert!(names.len() >= 3);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_comparison_under_way_shows_what_is_done_and_can_be_stopped() {
    let mut harness = draw(PaneKind::Compare, under_way());
    for text in [
        "1 of 2",
        "balanced: level 2, sweep 7",
        "rq-kmeans: reconstruction error 0.125",
    ] {
        assert!(
            harness.query_all_by_label_contains(text).next().is_some(),
            "{text}"
        );
    }
    harness.get_by_label("Stop").click();
    harness.run_steps(2);
    let commands = &harness.state().commands;
    assert!(matches!(commands[..], [UiCommand::Stop]), "{commands:?}");
    assert_eq!(commands[0].obstacle(&under_way()), None);
    let start = UiCommand::StartRun { last_stage: None };
    assert!(start.obstacle(&under_way()).is_some());
}

#[test]
fn a_table_is_written_in_the_chosen_format() {
    let mut harness = draw(PaneKind::Compare, done());
    let rows = harness.query_all_by_label_contains("could not cut vectors");
    assert!(rows.count() > 0, "a tokenizer that failed says why");
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    harness.get_by_label("LaTeX…").click();
    harness.run_steps(3);
    match &harness.state().commands[..] {
        [UiCommand::SaveTextDialog { name, text }] => {
            assert_eq!(name, "tokenizers.tex");
            assert!(text.contains("rq-kmeans & 1.50"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_killed_comparison_is_not_under_way() {
    let mut state = under_way();
    state.run.interrupt();
    let harness = draw(PaneKind::Compare, state);
    assert!(harness.query_by_label("Stop").is_none());
    assert!(
        harness
            .query_all_by_label_contains("rq-kmeans")
            .next()
            .is_some(),
        "what was done is kept"
    );
}
