//! What a user does with the window, from the first screen to the end of a run.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use onerec_workbench::app::chrome::menu::Menu;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::state::{RunStatus, StageStatus, View};
use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::{Failure, FailureKind};
use onerec_workbench::engine::event::{EngineEvent, EventRecord, RunId, Stage};
use onerec_workbench::engine::run::atomic;

use crate::common::{Window, started, step};

/// Sets up a small dataset, as the import dialog would.
fn import(window: &mut Window) {
    let data = window.home.path().join("data");
    std::fs::create_dir_all(&data).expect("a new folder below a temporary one");
    window
        .harness
        .state_mut()
        .command(UiCommand::ImportData(data));
    window.harness.run_steps(3);
}

#[test]
fn the_first_screen_offers_samples_data_and_runs() {
    let window = Window::open();
    for label in [
        "Try the short-video sample",
        "Try the text-catalogue sample",
        "Import data…",
        "Open run…",
        "Runs on your computer. Nothing is sent anywhere.",
    ] {
        window.harness.get_by_label(label);
    }
    let first = window.harness.get_by_label("Try the short-video sample");
    assert!(
        first.accesskit_node().is_focused(),
        "Enter must start the sample"
    );
}

#[test]
fn run_all_sends_the_draft_and_the_buttons_follow_the_run() {
    let mut window = Window::open();
    import(&mut window);
    window.harness.get_by_label("Run all").click();
    window.harness.run_steps(3);
    let Some(EngineCommand::StartRun(start)) = window.next_command() else {
        panic!("Run all starts a run");
    };
    assert_eq!(start.last_stage, None);
    assert!(start.run_dir.starts_with(window.home.path().join("runs")));

    window.start();
    window.harness.get_by_label("Pause").click();
    window.harness.run_steps(3);
    assert!(matches!(window.next_command(), Some(EngineCommand::Pause)));
    window.say(EngineEvent::Paused {
        stage: Stage::Pretrain,
        step: 3,
    });
    window.harness.get_by_label("Continue").click();
    window.harness.run_steps(3);
    assert!(matches!(
        window.next_command(),
        Some(EngineCommand::Continue)
    ));
    window.say(EngineEvent::Continued {
        stage: Stage::Pretrain,
        step: 3,
    });
    window.harness.get_by_label("Stop").click();
    window.harness.run_steps(3);
    assert!(matches!(window.next_command(), Some(EngineCommand::Stop)));
    window.say(EngineEvent::RunStopped {
        stage: Stage::Pretrain,
        step: 4,
    });
    window.harness.get_by_label("Resume").click();
    window.harness.run_steps(3);
    assert!(matches!(
        window.next_command(),
        Some(EngineCommand::ResumeRun { .. })
    ));
}

#[test]
fn run_all_without_data_says_what_is_missing() {
    let mut window = Window::open();
    window
        .harness
        .state_mut()
        .command(UiCommand::StartRun { last_stage: None });
    window.harness.run_steps(3);
    assert!(window.next_command().is_none());
    window.harness.get_by_label("Choose a dataset first.");
}

#[test]
fn a_loss_that_is_not_a_number_is_kept_and_drawn() {
    let mut window = Window::open();
    window.start();
    for (step_idx, loss) in [5.0, f64::NAN, f64::INFINITY, 4.0, f64::NEG_INFINITY]
        .into_iter()
        .enumerate()
    {
        window.say(step(step_idx as u64 + 1, loss));
    }
    let run = &window.harness.state().state().run;
    let series = run.series(Stage::Pretrain, "loss").unwrap();
    assert_eq!(series.points.len(), 5);
    assert_eq!(series.first_non_finite().unwrap().step, 2);
}

#[test]
fn closing_asks_while_a_run_is_going() {
    let mut window = Window::open();
    window.start();
    window.harness.state_mut().command(UiCommand::Quit);
    window.harness.run_steps(3);
    window
        .harness
        .get_by_label("Stop and save, then quit")
        .click();
    window.harness.run_steps(3);
    assert!(matches!(window.next_command(), Some(EngineCommand::Stop)));
}

#[test]
fn a_failed_run_shows_why_and_what_to_do_and_the_window_lives() {
    let mut window = Window::open();
    window.start();
    window.say(EngineEvent::RunFailed {
        stage: Some(Stage::Pretrain),
        failure: Failure {
            message: "the run panicked: index out of bounds".to_owned(),
            hint: Some("please report this".to_owned()),
            kind: FailureKind::Other,
        },
    });
    window
        .harness
        .get_by_label("What to do: please report this.");
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(3);
    assert!(
        window
            .harness
            .query_by_label("What to do: please report this.")
            .is_none()
    );
    let run = &window.harness.state().state().run;
    assert_eq!(run.stage(Stage::Pretrain).status, StageStatus::Failed);
    assert!(run.is_resumable());
}

#[test]
fn a_run_that_could_not_be_opened_leaves_the_one_in_view_alone() {
    let mut window = Window::open();
    window.start();
    window.say(EngineEvent::RunFinished {
        seconds: 1.0,
        report_path: window.home.path().join("report.json"),
    });
    window.say_outside(EngineEvent::RunFailed {
        stage: None,
        failure: Failure {
            message: "it is not empty".to_owned(),
            hint: None,
            kind: FailureKind::Other,
        },
    });
    window.harness.get_by_label("it is not empty");
    assert_eq!(
        window.harness.state().state().run.status,
        RunStatus::Finished
    );
}

#[test]
fn the_palette_finds_every_command_of_the_menus() {
    let mut window = Window::open();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.harness.run_steps(3);
    for menu in Menu::ALL {
        for command in menu.groups().into_iter().flatten() {
            let line = format!("{}: {}", menu.title(), command.text());
            assert!(
                window.harness.query_by_label_contains(&line).is_some(),
                "{line}"
            );
        }
    }
}

#[test]
fn a_run_folder_is_shown_from_its_journal() {
    let mut window = Window::open();
    let run_dir = window.home.path().join("runs").join("killed");
    std::fs::create_dir_all(&run_dir).unwrap();
    let events = [
        started(std::path::Path::new("/somewhere/else")),
        EngineEvent::StageStarted {
            stage: Stage::Pretrain,
            first_step: 0,
            total_steps: 10,
        },
        step(1, 5.0),
        step(2, 4.5),
    ];
    let mut journal = String::new();
    for (seq, event) in events.into_iter().enumerate() {
        let record = EventRecord {
            seq: seq as u64,
            time_millis: seq as u64,
            run: RunId("killed".to_owned()),
            event,
        };
        journal.push_str(&serde_json::to_string(&record).unwrap());
        journal.push('\n');
    }
    atomic::write(&run_dir.join("events.jsonl"), journal.as_bytes()).unwrap();

    window
        .harness
        .state_mut()
        .command(UiCommand::OpenRun(run_dir.clone()));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while window.harness.state().state().view != View::Workbench {
        assert!(std::time::Instant::now() < deadline, "the run never opened");
        window.harness.step();
    }
    let run = &window.harness.state().state().run;
    assert_eq!(run.status, RunStatus::Stopped, "its process is gone");
    assert_eq!(run.run_dir, run_dir, "the folder has moved");
    assert_eq!(run.series(Stage::Pretrain, "loss").unwrap().points.len(), 2);
}

#[test]
fn a_gap_in_the_numbers_makes_the_window_read_the_journal() {
    let mut window = Window::open();
    window.start();
    let events = [
        started(window.home.path()),
        EngineEvent::StageStarted {
            stage: Stage::Pretrain,
            first_step: 0,
            total_steps: 100,
        },
        step(1, 5.0),
        step(2, 4.0),
        step(3, 3.0),
    ];
    let mut journal = String::new();
    for (seq, event) in events.into_iter().enumerate() {
        let record = EventRecord {
            seq: seq as u64,
            time_millis: seq as u64,
            run: RunId("test-run".to_owned()),
            event,
        };
        journal.push_str(&serde_json::to_string(&record).unwrap());
        journal.push('\n');
    }
    atomic::write(&window.home.path().join("events.jsonl"), journal.as_bytes()).unwrap();
    // Steps 1 and 2 never arrive by the channel.
    window.skip(2);
    window.say(step(3, 3.0));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let run = &window.harness.state().state().run;
        let points = run
            .series(Stage::Pretrain, "loss")
            .map_or(0, |series| series.points.len());
        if points == 3 && !run.has_gap {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{points} points");
        window.harness.step();
    }
    assert!(window.harness.state().state().is_running());
}
