//! Questions about the items of a run: the map of all of them, and what is near an item or a semantic ID.

use onerec_workbench::engine::command::{EngineCommand, NearTo};
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::handle::EngineHandle;
use onerec_workbench::engine::run::RunDir;
use onerec_workbench::engine::run::items::ItemTable;

use crate::common::{engine, run_to_end, start, tiny_config, wait};

fn ask(engine: &EngineHandle, command: EngineCommand) -> EngineEvent {
    assert!(engine.send(command), "the engine takes questions");
    let answer = wait(engine, |event| {
        matches!(
            event,
            EngineEvent::ItemsMapped { .. }
                | EngineEvent::NearestItems { .. }
                | EngineEvent::CommandFailed { .. }
        )
    });
    answer
        .into_iter()
        .next_back()
        .expect("an answer came")
        .event
}

#[test]
fn a_run_with_vectors_is_mapped_and_searched() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let engine = engine();
    run_to_end(
        &engine,
        start(&run_dir, tiny_config(), Some(Stage::Tokenize)),
    );
    let items = ItemTable::load(&RunDir::new(&run_dir).items_path()).unwrap();
    assert!(items.len() > 100, "the sample has items");

    let command = EngineCommand::MapItems {
        run_dir: run_dir.clone(),
    };
    match ask(&engine, command) {
        EngineEvent::ItemsMapped { plane, .. } => {
            assert_eq!(plane.points.len(), items.len());
            assert!(plane.shares[0] >= plane.shares[1] && plane.shares[1] > 0.0);
        }
        other => panic!("{other:?}"),
    }

    let nearest = |to: NearTo| EngineCommand::NearestItems {
        run_dir: run_dir.clone(),
        to,
    };
    match ask(&engine, nearest(NearTo::Item(7))) {
        EngineEvent::NearestItems { to, found, .. } => {
            assert_eq!(to, NearTo::Item(7));
            // The table keeps the nearest ten of small catalogues; the answer begins with the same ones.
            let kept = items.neighbours(7);
            assert_eq!(&found[..kept.len()], kept);
        }
        other => panic!("{other:?}"),
    }
    let codes = items.codes(7).to_vec();
    match ask(&engine, nearest(NearTo::SemanticId(codes.clone()))) {
        EngineEvent::NearestItems { found, .. } => {
            let distances: Vec<f32> = found.iter().map(|(_, distance)| *distance).collect();
            assert!(distances.is_sorted(), "{distances:?}");
            let shares =
                |(item_idx, _): &(u32, f32)| items.codes(*item_idx as usize)[0] == codes[0];
            assert!(
                found.iter().any(shares),
                "something near begins with the same code"
            );
        }
        other => panic!("{other:?}"),
    }
    for (to, words) in [
        (NearTo::Item(1_000_000), "a catalogue of"),
        (NearTo::SemanticId(vec![60_000]), "codebooks"),
        (NearTo::SemanticId(Vec::new()), "codebooks"),
    ] {
        match ask(&engine, nearest(to.clone())) {
            EngineEvent::CommandFailed { failure, .. } => {
                assert!(failure.message.contains(words), "{failure:?}");
            }
            other => panic!("{to:?}: {other:?}"),
        }
    }
}

#[test]
fn a_folder_without_vectors_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("run");
    let engine = engine();
    run_to_end(&engine, start(&run_dir, tiny_config(), Some(Stage::Data)));
    match ask(&engine, EngineCommand::MapItems { run_dir }) {
        EngineEvent::CommandFailed { failure, .. } => {
            assert!(failure.message.contains("tokenize"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
}
