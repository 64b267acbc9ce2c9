//! The pane "Items by semantic ID": the map, and the questions that it asks the engine.

use std::time::{Duration, Instant};

use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::engine::command::{EngineCommand, NearTo};
use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::embedding::ItemPlane;
use onerec_workbench::engine::event::EngineEvent;
use onerec_workbench::engine::run::items::ItemTableBuilder;

use crate::common::Window;
use crate::items::{says, wait_for, with_collisions};
use crate::states::{draw, finished};

#[test]
fn the_map_is_asked_for_then_drawn_pointed_at_and_moved_by_key() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    harness.get_by_label("Map").click();
    harness.run_steps(3);
    harness.get_by_label("Compute map").click();
    harness.run_steps(2);
    assert!(matches!(
        harness.state().commands[..],
        [UiCommand::MapItems]
    ));

    let mut harness = draw(PaneKind::SemanticIds, with_collisions());
    harness.get_by_label("Map").click();
    harness.run_steps(3);
    wait_for(&mut harness, "Drawn: all 9 items, 9 in view");
    assert!(says(&harness, "axes keep 50.0% and 25.0% of the spread"));
    // Item 4 stands in the middle of the square.
    harness
        .get_by_label("Map of 9 items, coloured by level a")
        .click();
    harness.run_steps(3);
    assert!(
        matches!(
            harness.state().commands.last(),
            Some(UiCommand::SelectItem(Some(4)))
        ),
        "{:?}",
        harness.state().commands
    );
    for _ in 0..20 {
        harness.key_press(egui::Key::ArrowRight);
        harness.run_steps(1);
    }
    wait_for(&mut harness, "Drawn: all 9 items, 0 in view");
    harness.key_press(egui::Key::Num0);
    harness.run_steps(2);
    wait_for(&mut harness, "Drawn: all 9 items, 9 in view");
}

#[test]
fn the_engine_is_asked_once_and_its_answers_belong_to_the_run() {
    let mut window = Window::open();
    window.start();
    let app = window.harness.state_mut();
    app.command(UiCommand::MapItems);
    window.harness.run_steps(2);
    assert!(window.next_command().is_none(), "there are no items yet");

    let run_dir = window.home.path().to_owned();
    let plane = Box::new(ItemPlane {
        points: vec![[0.0, 1.0]],
        shares: [1.0, 0.0],
    });
    window.say_outside(EngineEvent::ItemsMapped {
        run_dir: run_dir.join("another"),
        plane: plane.clone(),
    });
    assert!(window.harness.state().state().plane.is_none());
    window.say_outside(EngineEvent::ItemsMapped { run_dir, plane });
    assert!(window.harness.state().state().plane.is_some());
}

#[test]
fn a_window_with_items_asks_for_the_map_and_for_what_is_near() {
    let mut window = Window::open();
    window.start();
    let path = window.home.path().join("items.parquet");
    let mut builder = ItemTableBuilder::new(1, 4);
    builder.push(&Item::default(), &[2], 1, []);
    builder
        .finish()
        .save(&path)
        .expect("the folder can be written to");
    window.say(EngineEvent::ItemsReady {
        report: Default::default(),
        items_path: path,
    });
    let start = Instant::now();
    while window.harness.state().state().items.table().is_none() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the table was never read"
        );
        std::thread::sleep(Duration::from_millis(5));
        window.harness.run_steps(1);
    }
    for command in [
        UiCommand::MapItems,
        UiCommand::MapItems,
        UiCommand::FindNearest(NearTo::Item(0)),
    ] {
        window.harness.state_mut().command(command);
        window.harness.run_steps(2);
    }
    let asked: Vec<EngineCommand> = window
        .commands
        .try_iter()
        .filter(|command| !matches!(command, EngineCommand::ProbeDevices))
        .collect();
    assert!(
        matches!(
            asked[..],
            [
                EngineCommand::MapItems { .. },
                EngineCommand::NearestItems { .. }
            ]
        ),
        "{asked:?}"
    );
}
