//! The dataset pane: empty, reading, failed, stopped, counted, and with the report of a check.

use std::collections::BTreeMap;

use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::{AppState, CheckedData, DataQuestion, InspectedData};
use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::data::check::{BadRow, ColumnCheck, DataCheck, FileCheck, Verdict};
use onerec_workbench::engine::data::config::SessionRule;
use onerec_workbench::engine::data::stats::{DatasetStats, RuleSessions};
use onerec_workbench::engine::error::{Failure, FailureKind};
use onerec_workbench::engine::event::{EngineEvent, Stage};

use crate::common::Window;
use crate::states::draw;

fn stats() -> DatasetStats {
    let sessions = |rule, is_used, found| RuleSessions {
        rule,
        is_used,
        found,
        kept: 7,
        words: "as the rule says".to_owned(),
    };
    DatasetStats {
        name: "log".to_owned(),
        format: "generic".to_owned(),
        users: 1000,
        items: 2000,
        events: 50_000,
        positives: 20_000,
        sparsity: 0.975,
        time_range_millis: Some((0, 86_400_000)),
        feedback: vec![("like".to_owned(), 500), ("follow".to_owned(), 0)],
        history_lengths: vec![(1, 5), (2, 9)],
        popularity: vec![(0, 3), (1, 9)],
        sessions_by_rule: vec![
            sessions(SessionRule::Request, false, None),
            sessions(SessionRule::Blocks, true, Some(12)),
        ],
        tied_times_frac: 0.25,
        sorted_ties_frac: 0.97,
        duplicates: 3,
        warnings: vec!["some rows were left out".to_owned()],
        ..DatasetStats::default()
    }
}

fn usable() -> DataCheck {
    DataCheck {
        path: "some/log.csv".into(),
        format: Some("generic".to_owned()),
        why: "log.csv has the columns user and item".to_owned(),
        verdict: Verdict::UsableWithCare,
        advice: vec!["compare with the floor".to_owned()],
        files: vec![FileCheck {
            name: "log.csv".to_owned(),
            holds: "events".to_owned(),
            rows: 50_000,
            bad_rows: 0,
            columns: vec![ColumnCheck {
                name: "uid".to_owned(),
                used_as: Some("user".to_owned()),
                is_found: true,
            }],
        }],
        warnings: vec!["ties are sorted".to_owned()],
        stats: Some(Box::new(stats())),
        ..DataCheck::default()
    }
}

fn unusable() -> DataCheck {
    DataCheck {
        path: "some/bad.csv".into(),
        problem: Some("25 of 100 rows cannot be read".to_owned()),
        proposed_columns: BTreeMap::from([("item".to_owned(), "asin".to_owned())]),
        bad_rows: vec![BadRow {
            file: "bad.csv".to_owned(),
            line: 9,
            column: Some("time".to_owned()),
            what: "expected a number, found \"soon\"".to_owned(),
        }],
        n_bad_rows: 25,
        ..DataCheck::default()
    }
}

fn checked(report: DataCheck) -> AppState {
    let mut state = AppState::default();
    state.data.check = Some(CheckedData {
        config: state.draft.config.data.clone(),
        report,
    });
    state
}

fn question(is_check: bool) -> DataQuestion {
    DataQuestion {
        path: "some/log.csv".into(),
        is_check,
        config: AppState::default().draft.config.data,
        words: "check some/log.csv".to_owned(),
    }
}

fn assert_says(state: AppState, texts: &[&str]) {
    let harness = draw(PaneKind::Dataset, state);
    for text in texts {
        assert!(
            harness.query_all_by_label_contains(text).next().is_some(),
            "the pane does not say {text:?}"
        );
    }
}

/// The commands after a click on a button of the pane.
fn click(state: AppState, label: &str) -> Vec<UiCommand> {
    let mut harness = draw(PaneKind::Dataset, state);
    harness.get_by_label(label).click();
    harness.run_steps(2);
    harness.state().commands.clone()
}

#[test]
fn without_data_it_offers_to_import_or_check_some() {
    let commands = click(AppState::default(), "Import data…");
    assert!(matches!(commands[..], [UiCommand::ImportDataDialog]));
    let commands = click(AppState::default(), "Check data…");
    assert!(matches!(commands[..], [UiCommand::CheckDataDialog]));
}

#[test]
fn counted_data_is_shown_with_what_ties_and_sessions_mean() {
    let mut state = AppState::default();
    state.data.inspected = Some(InspectedData {
        path: "some/log.csv".into(),
        config: Some(state.draft.config.data.clone()),
        stats: stats(),
    });
    assert_says(
        state.clone(),
        &[
            "Users 1,000",
            "Sparsity 97.500%",
            "Time range 1.00 days",
            "Users by positive events: 2 bars",
            "Never: follow.",
            "in use",
            "Take care: 25.0% of the adjacent events",
            "3 events repeat",
            "Some rows were left out",
        ],
    );
    let harness = draw(PaneKind::Dataset, state.clone());
    assert!(harness.query_by_label("Count again").is_none());
    state.draft.config.data.min_user_events += 1;
    state.draft.data_path = "some/log.csv".into();
    let commands = click(state, "Count again");
    assert!(matches!(commands[..], [UiCommand::CountData]));
}

#[test]
fn a_reading_shows_how_far_it_is_and_can_be_stopped() {
    let mut state = AppState::default();
    state.data.ask(question(true));
    state.data.advance("reading log.csv", 1, 4);
    assert_says(
        state.clone(),
        &["Checking some/log.csv", "reading log.csv, 25 %"],
    );
    let commands = click(state, "Stop reading");
    assert!(matches!(commands[..], [UiCommand::StopReading]));
}

#[test]
fn a_reading_that_failed_says_what_where_and_what_to_do() {
    let mut state = AppState::default();
    state.data.ask(question(false));
    let failure = Failure {
        message: "could not read column \"time\"".to_owned(),
        hint: Some("correct the cell".to_owned()),
        kind: FailureKind::Data,
    };
    assert!(state.data.fail("check some/log.csv", &failure));
    assert_says(
        state.clone(),
        &[
            "some/log.csv could not be read",
            "column \"time\"",
            "correct the cell",
        ],
    );
    match &click(state, "Check it row by row")[..] {
        [UiCommand::CheckData(path)] => assert_eq!(path.to_string_lossy(), "some/log.csv"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_says_layout_columns_and_contents_and_the_data_can_be_used() {
    let state = checked(usable());
    assert_says(
        state.clone(),
        &[
            "log.csv can be used with care",
            "generic: log.csv has the columns user and item",
            "Used: uid as user",
            "events, 50,000 rows",
            "Ties are sorted",
            "Compare with the floor",
            "Users 1,000",
        ],
    );
    let commands = click(state.clone(), "Use this data");
    assert!(matches!(commands[..], [UiCommand::UseCheckedData]));
    match &click(state.clone(), "Copy report")[..] {
        [UiCommand::CopyText(text)] => assert!(text.contains("layout: generic"), "{text}"),
        other => panic!("{other:?}"),
    }
    let commands = click(state, "Close report");
    assert!(matches!(commands[..], [UiCommand::CloseCheck]));
}

#[test]
fn a_report_on_bad_data_places_rows_and_offers_to_mend_the_settings() {
    let state = checked(unusable());
    assert_says(
        state.clone(),
        &[
            "bad.csv cannot be used as it is",
            "25 of 100 rows cannot be read",
            "bad.csv line 9, column \"time\"",
            "expected a number",
            "and 24 more",
        ],
    );
    assert!(UiCommand::UseCheckedData.obstacle(&state).is_some());
    match &click(state.clone(), "Take asin as item and check again")[..] {
        [UiCommand::EditConfig(config), UiCommand::CheckData(_)] => {
            assert_eq!(config.data.columns["item"], "asin");
        }
        other => panic!("{other:?}"),
    }
    match &click(state, "Leave bad rows out and check again")[..] {
        [UiCommand::EditConfig(config), UiCommand::CheckData(_)] => {
            assert!(config.data.skip_bad_rows);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_check_goes_to_the_engine_and_its_data_is_set_up() {
    let mut window = Window::open();
    let check = UiCommand::CheckData("some/log.csv".into());
    window.harness.state_mut().command(check.clone());
    window.harness.run_steps(3);
    match window.next_command() {
        Some(EngineCommand::CheckData { path, .. }) => {
            assert_eq!(path.to_string_lossy(), "some/log.csv");
        }
        other => panic!("{other:?}"),
    }
    window.answer(EngineEvent::Progress {
        stage: Stage::Data,
        done: 3,
        total: 4,
        doing: "reading log.csv".to_owned(),
    });
    assert!(
        window
            .harness
            .query_all_by_label_contains("reading log.csv, 75 %")
            .next()
            .is_some(),
        "the pane is in front and shows the progress"
    );
    assert!(
        check.obstacle(window.harness.state().state()).is_some(),
        "one at a time"
    );
    window.answer(EngineEvent::DataChecked(Box::new(usable())));
    window.harness.get_by_label("Use this data").click();
    window.harness.run_steps(3);
    let state = window.harness.state().state();
    assert_eq!(state.draft.data_path.to_string_lossy(), "some/log.csv");
    assert!(state.data.check.is_none());
    let inspected = state.data.inspected.as_ref();
    assert_eq!(inspected.map(|inspected| inspected.stats.users), Some(1000));
    assert!(window.next_command().is_none(), "nothing is read twice");
}

#[test]
fn a_stopped_check_is_no_error() {
    let mut window = Window::open();
    let check = UiCommand::CheckData("some/log.csv".into());
    window.harness.state_mut().command(check);
    window.harness.run_steps(3);
    window.harness.get_by_label("Stop reading").click();
    window.harness.run_steps(3);
    let sent: Vec<EngineCommand> = window.commands.try_iter().collect();
    assert!(
        sent.iter()
            .any(|command| matches!(command, EngineCommand::StopReading))
    );
    window.answer(EngineEvent::CommandFailed {
        command: "check some/log.csv".to_owned(),
        failure: Failure {
            message: "stopped on request".to_owned(),
            hint: None,
            kind: FailureKind::Stopped,
        },
    });
    window
        .harness
        .get_by_label("Reading some/log.csv was stopped; nothing of it is known.");
    window.harness.get_by_label("Check it again");
}
