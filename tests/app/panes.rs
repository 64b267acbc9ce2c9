//! Each pane before, during and after a run, and after a failure; with keys, and with values that no axis can show.

use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::{DialogKind, UiCommand};
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::engine::command::UserSet;
use onerec_workbench::engine::event::Stage;
use onerec_workbench::engine::run::pair_marks::{PairMark, PairVerdict};

use crate::states::{all_steps, apply, draw, failed, finished, running, with_data};

#[test]
fn empty_panes_offer_the_button_that_fills_them() {
    for (kind, button) in [
        (PaneKind::Overview, "Run up to data"),
        (PaneKind::Dataset, "Run up to data"),
        (PaneKind::Codebook, "Run up to tokenize"),
        (PaneKind::Compare, "Run up to tokenize"),
        (PaneKind::SemanticIds, "Run up to tokenize"),
        (PaneKind::Training, "Run up to pretrain"),
        (PaneKind::RewardModels, "Run up to reward"),
        (PaneKind::Alignment, "Run up to align"),
        (PaneKind::Experts, "Run up to pretrain"),
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
        (PaneKind::Dataset, "Users 1,000"),
        (PaneKind::Codebook, "Needs a look"),
        (PaneKind::Codebook, "Precision after 3.00%"),
        (PaneKind::Compare, "No comparison yet"),
        (PaneKind::SemanticIds, "64 of 64 items"),
        (
            PaneKind::Training,
            "Pretraining loss: step 300, last 0.0167",
        ),
        (PaneKind::RewardModels, "reach 0.700 to 0.700 on 800 slates"),
        (
            PaneKind::RewardModels,
            "wtr is left out of the reward, with 12 positive impressions",
        ),
        (
            PaneKind::RewardModels,
            "Reliability of View (vtr): reward model 2 bins, furthest off where it predicts 0.500 and 0.450 was observed",
        ),
        (PaneKind::Alignment, "What to do: lower align.lambda"),
        (PaneKind::Alignment, "User u9, step 300"),
        (
            PaneKind::Experts,
            "Load of decoder 1: 4 experts over 300 columns of 1 logged steps, fullest expert 2 with 1.20 times the mean",
        ),
        (PaneKind::Slates, "User u7"),
        (PaneKind::Checkpoints, "pretrain (complete)"),
        (PaneKind::Log, "Runs on cpu"),
        (PaneKind::Cost, "The papers' generators"),
    ] {
        let harness = draw(kind, finished());
        assert!(
            harness.query_all_by_label_contains(text).next().is_some(),
            "{kind:?} does not say {text:?}"
        );
    }
}

#[test]
fn the_experts_of_another_layer_are_a_click_away() {
    let mut harness = draw(PaneKind::Experts, finished());
    assert!(
        harness
            .query_by_label_contains("Even: the fullest expert of decoder 1")
            .is_some()
    );
    assert!(harness.query_by_label("Dropped nothing").is_some());
    // The legend of the chart below has the same name.
    let mut named = harness.query_all_by_label("decoder 2");
    named.next().expect("the layer's button").click();
    drop(named);
    harness.run_steps(3);
    let texts = [
        "Uneven: the fullest expert of decoder 2 has 4.00 times the mean load",
        "Idle experts 3",
        "Max over mean: decoder 1 step 300, last 1.20",
    ];
    for text in texts {
        let found = harness.query_all_by_label_contains(text).next().is_some();
        assert!(found, "no {text:?}");
    }
}

#[test]
fn a_dense_generator_is_said_to_have_no_experts() {
    let mut state = with_data();
    state.draft.config.model.n_experts = 0;
    let harness = draw(PaneKind::Experts, state);
    assert!(harness.query_by_label("The generator is dense").is_some());
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

#[test]
fn a_pair_is_marked_and_alignment_done_again() {
    let mut harness = draw(PaneKind::Alignment, finished());
    harness.get_by_label("Turn round").click_accesskit();
    harness.run_steps(2);
    let [UiCommand::MarkPair { pair, mark }] = &harness.state().commands[..] else {
        panic!("{:?}", harness.state().commands);
    };
    assert_eq!(pair.user, "u9");
    assert_eq!(mark, &Some((PairVerdict::TurnRound, String::new())));

    let mut state = finished();
    let pair = state.run.pairs[0].pairs[0].key();
    state.run.pair_marks.set(PairMark {
        pair,
        verdict: PairVerdict::LeaveOut,
        note: "seen twice".to_owned(),
    });
    let mut harness = draw(PaneKind::Alignment, state);
    let says = "Marked: left out. It holds when";
    assert!(
        harness.query_by_label_contains(says).is_some(),
        "no {says:?}"
    );
    harness.get_by_label("Take the mark off").click_accesskit();
    harness.run_steps(2);
    harness.get_by_label("Align again…").click_accesskit();
    harness.run_steps(2);
    assert!(
        matches!(
            &harness.state().commands[..],
            [
                UiCommand::MarkPair { mark: None, .. },
                UiCommand::ShowDialog(DialogKind::ConfirmAlignAgain)
            ]
        ),
        "{:?}",
        harness.state().commands
    );
}

#[test]
fn a_slate_is_scored_with_two_items_exchanged() {
    let mut harness = draw(PaneKind::Slates, finished());
    harness
        .get_by_label("What if: other items in this slate")
        .click_accesskit();
    harness.run_steps(12);
    for place in ["Place 1", "Place 3"] {
        harness.get_by_label(place).click_accesskit();
        harness.run_steps(2);
    }
    harness.get_by_label("Exchange the two").click_accesskit();
    harness.run_steps(2);
    let expected = UiCommand::RescoreSlate {
        user: "u7".to_owned(),
        items: vec![2, 1, 0, 3, 4],
        stage: Stage::Align,
    };
    let commands = &harness.state().commands;
    assert_eq!(format!("{commands:?}"), format!("{:?}", [expected]));
}

#[test]
fn checkpoints_are_set_side_by_side() {
    let mut harness = draw(PaneKind::Slates, finished());
    harness
        .get_by_label("Checkpoints side by side")
        .click_accesskit();
    harness.run_steps(12);
    harness.get_by_label("user u7").click_accesskit();
    harness.run_steps(2);
    harness
        .get_by_label("Compare checkpoints")
        .click_accesskit();
    harness.run_steps(2);
    let commands = &harness.state().commands;
    let expected = UserSet::Named(vec!["u7".to_owned()]);
    assert!(
        matches!(&commands[..], [UiCommand::CompareCheckpoints(users)] if *users == expected),
        "{commands:?}"
    );
}

#[test]
fn a_run_whose_log_allows_no_reward_model_offers_no_way_to_one() {
    let mut state = finished();
    state.run.reward = None;
    state.run.alignment = None;
    assert!(!state.run.is_resumable());
    for (kind, text) in [
        (PaneKind::Alignment, "This run has no alignment"),
        (PaneKind::Slates, "This run has no reward models"),
    ] {
        let harness = draw(kind, state.clone());
        assert!(harness.query_by_label(text).is_some(), "{kind:?}");
        let buttons = harness.query_all_by_role(egui::accesskit::Role::Button);
        assert_eq!(
            buttons.count(),
            0,
            "{kind:?} has a button that leads nowhere"
        );
    }
}
