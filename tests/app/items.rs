//! The pane "Items by semantic ID": search, columns, tree, collisions and export, by name and by key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::{AppState, ItemsState};
use onerec_workbench::engine::command::NearTo;
use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::embedding::ItemPlane;
use onerec_workbench::engine::run::items::ItemTableBuilder;
use onerec_workbench::engine::tokenizer::SidPattern;

use crate::states::{Bench, draw, finished};

pub(crate) fn says(harness: &Harness<'_, Bench>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).next().is_some()
}

/// Steps until the pane says something that a helper thread has to work out.
pub(crate) fn wait_for(harness: &mut Harness<'_, Bench>, text: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !says(harness, text) {
        assert!(Instant::now() < deadline, "never said {text:?}");
        std::thread::sleep(Duration::from_millis(5));
        harness.run_steps(1);
    }
}

fn search(harness: &mut Harness<'_, Bench>, text: &str) {
    harness.get_by_label("Search").focus();
    harness.run_steps(2);
    harness.get_by_label("Search").type_text(text);
    harness.run_steps(3);
}

#[test]
fn escape_takes_the_search_back_and_leaves_the_cursor_in_it() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    search(&mut harness, "Title 3");
    assert!(!says(&harness, "64 of 64 items"));
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(says(&harness, "64 of 64 items"));
    harness.get_by_label("Search").type_text("Title 12");
    harness.run_steps(3);
    assert!(says(&harness, "1 of 64 items"));
}

/// A finished run with items on a square, of which some share an ID.
pub(crate) fn with_collisions() -> AppState {
    let mut state = finished();
    let mut builder = ItemTableBuilder::new(2, 4);
    for number in 0..9_u16 {
        let item = Item {
            external_id: format!("v{number}"),
            title: format!("Title {number}"),
            ..Item::default()
        };
        builder.push(&item, &[number / 4, 0], u32::from(number), []);
    }
    state.take_items(ItemsState::Ready(Arc::new(builder.finish())));
    state.plane = Some(Arc::new(ItemPlane {
        points: (0..9)
            .map(|number| [(number % 3) as f32, (number / 3) as f32])
            .collect(),
        shares: [0.5, 0.25],
    }));
    state
}

#[test]
fn columns_are_found_shown_and_filtered() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    assert!(
        harness
            .query_by_role_and_label(Role::ColumnHeader, "Author")
            .is_none()
    );
    harness.get_by_label("Columns 6 of 7").click();
    harness.run_steps(3);
    harness.get_by_label("Find column").focus();
    harness.run_steps(2);
    harness.get_by_label("Find column").type_text("auth");
    harness.run_steps(2);
    assert!(
        harness
            .query_by_role_and_label(Role::CheckBox, "Popularity")
            .is_none(),
        "only columns with that name are listed"
    );
    harness
        .get_by_role_and_label(Role::CheckBox, "Author")
        .click();
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::TextInput, "Author")
        .focus();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::TextInput, "Author")
        .type_text("author 3");
    harness.run_steps(3);
    assert!(harness.query_by_label("Columns 7 of 7").is_some());
    // Numbers 3, 8, 13 and so on below 64.
    assert!(says(&harness, "13 of 64 items"));
    harness
        .get_by_label("Order by Author, smallest first")
        .click();
    harness.run_steps(2);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    harness.get_by_label_contains("Author: author 3").click();
    harness.run_steps(3);
    assert!(says(&harness, "64 of 64 items"), "the filter was taken off");
}

#[test]
fn the_table_and_the_tree_page_by_key_and_are_one_tab_stop_each() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    harness.state_mut().state.selection.item = Some(63);
    harness.run_steps(2);
    harness.get_by_label("Items, 64 rows").focus();
    harness.run_steps(2);
    harness.key_press(egui::Key::PageDown);
    harness.run_steps(2);
    match harness.state().commands.last() {
        Some(UiCommand::SelectItem(Some(item))) => {
            assert!(*item < 58, "a page is many rows: {item}");
        }
        other => panic!("{other:?}"),
    }
    assert!(
        harness
            .get_by_label("Items, 64 rows")
            .accesskit_node()
            .is_focused()
    );
    harness.key_press(egui::Key::Tab);
    harness.run_steps(2);
    let focused = harness.query_all_by(|node| node.is_focused()).next();
    let name = focused
        .and_then(|node| node.accesskit_node().label())
        .unwrap_or_default();
    assert!(
        !["Title", "Popularity", "Items, 64 rows"].contains(&name.as_str()),
        "the next stop lies outside the table: {name:?}"
    );

    harness.get_by_label("Prefix tree, 8 rows").focus();
    harness.run_steps(2);
    for key in [egui::Key::PageDown, egui::Key::ArrowRight] {
        harness.key_press(key);
        harness.run_steps(2);
    }
    assert!(
        harness.query_by_label("Prefix tree, 16 rows").is_some(),
        "the last node opened"
    );
}

#[test]
fn rows_are_clicked_in_both_parts_of_the_table() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    let row = "Title 60, <a_7><b_4><c_0>, 60, 1, v60, kind 0";
    // The middle of a row lies in the part that scrolls sideways, its title in the other one.
    harness.get_by_role_and_label(Role::Row, row).click();
    harness.run_steps(3);
    assert!(
        matches!(
            harness.state().commands[..],
            [UiCommand::SelectItem(Some(60))]
        ),
        "{:?}",
        harness.state().commands
    );
    harness.get_by_label("Title 58").click();
    harness.run_steps(3);
    assert!(matches!(
        harness.state().commands[..],
        [
            UiCommand::SelectItem(Some(60)),
            UiCommand::SelectItem(Some(58))
        ]
    ));
}

#[test]
fn an_id_that_nobody_has_is_answered_by_what_is_near() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    search(&mut harness, "7.7.5");
    assert!(says(&harness, "No item has the ID"));
    assert!(says(&harness, "Nearest IDs: 2 shared codes"));
    harness.get_by_label("Find nearest items by vector").click();
    harness.run_steps(2);
    let asked = NearTo::SemanticId(vec![7, 7, 5]);
    assert!(
        matches!(harness.state().commands.last(), Some(UiCommand::FindNearest(to)) if *to == asked),
        "{:?}",
        harness.state().commands
    );
    harness.state_mut().state.nearest = Some((asked, vec![(9, 0.25), (63, 0.5)]));
    harness.run_steps(3);
    assert!(says(&harness, "0.250  0 shared"));
    assert!(says(&harness, "0.500  2 shared"));
    harness.get_by_label("Title 9").click();
    harness.run_steps(2);
    assert!(matches!(
        harness.state().commands.last(),
        Some(UiCommand::SelectItem(Some(9)))
    ));
}

#[test]
fn a_selected_item_shows_its_facts_and_its_place() {
    let mut harness = draw(PaneKind::SemanticIds, with_collisions());
    harness.state_mut().state.selection.item = Some(5);
    harness.run_steps(3);
    assert!(says(&harness, "item v5"));
    harness.get_by_label("Shared by 4").click();
    harness.run_steps(2);
    assert!(
        matches!(harness.state().commands.last(), Some(UiCommand::SelectPrefix(codes)) if codes == &[1, 0])
    );
    harness.get_by_label("Find nearest items").click();
    harness.run_steps(2);
    assert!(matches!(
        harness.state().commands.last(),
        Some(UiCommand::FindNearest(NearTo::Item(5)))
    ));
    harness.get_by_label("Show in tree").click();
    harness.run_steps(3);
    assert!(
        harness.query_by_label("Prefix tree, 7 rows").is_some(),
        "the node with its 4 items is open"
    );
    harness.get_by_label("Copy ID").click();
    harness.run_steps(2);
    assert!(
        matches!(harness.state().commands.last(), Some(UiCommand::CopyText(id)) if id == "<a_1><b_0>")
    );
}

#[test]
fn collisions_are_listed_and_their_items_stand_beside_each_other() {
    let mut harness = draw(PaneKind::SemanticIds, with_collisions());
    harness.get_by_label("Collisions").click();
    harness.run_steps(3);
    assert!(says(&harness, "8 items share 2 of 3 IDs"));
    assert!(says(&harness, "No shared ID chosen"));
    harness.get_by_label("Shared IDs, 2 rows").focus();
    harness.run_steps(2);
    harness.key_press(egui::Key::ArrowDown);
    harness.run_steps(2);
    // Equal sizes: the ID with more events comes first.
    let codes = match harness.state().commands.last() {
        Some(UiCommand::SelectPrefix(codes)) => codes.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(codes, [1, 0]);
    harness.state_mut().state.selection.pattern = SidPattern::prefix(&codes);
    harness.run_steps(3);
    assert!(says(&harness, "Items of the shared ID, 4 rows"));

    harness = draw(PaneKind::SemanticIds, finished());
    harness.get_by_label("Collisions").click();
    harness.run_steps(3);
    assert!(says(&harness, "No collisions"));
}

#[test]
fn what_is_listed_is_exported_with_the_columns_shown() {
    let mut harness = draw(PaneKind::SemanticIds, finished());
    search(&mut harness, "*.3");
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    harness.get_by_label("CSV…").click();
    harness.run_steps(3);
    match harness.state().commands.last() {
        Some(UiCommand::SaveTextDialog { name, text }) => {
            assert_eq!(name, "items.csv");
            let mut lines = text.lines();
            let header = "Title,Semantic ID,Popularity,Sharing,Item,Categories";
            assert_eq!(lines.next(), Some(header));
            assert_eq!(
                lines.next(),
                Some("Title 59,<a_7><b_3><c_0>,59,1,v59,kind 2")
            );
            assert_eq!(lines.count(), 7);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_item_below_everything_drawn_so_far_is_brought_into_view_in_the_tree() {
    let mut state = finished();
    let mut builder = ItemTableBuilder::new(2, 256);
    // Many items below one of the nodes: the tree grows to several times its height when it opens.
    for number in 0..1000_u16 {
        let item = Item {
            external_id: format!("v{number}"),
            title: format!("Title {number}"),
            ..Item::default()
        };
        let codes = [number.min(100), number % 250];
        builder.push(&item, &codes, 1, []);
    }
    state.take_items(ItemsState::Ready(Arc::new(builder.finish())));
    state.selection.item = Some(999);
    let mut harness = draw(PaneKind::SemanticIds, state);
    let name = "Title 999, <a_100><b_249>";
    assert!(harness.query_by_label(name).is_none());
    harness.get_by_label("Show in tree").click();
    harness.run_steps(60);
    assert!(harness.query_by_label(name).is_some(), "its row is drawn");
}
