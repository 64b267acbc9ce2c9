//! Size and cost: counted at once, measured on request, and a paper's size taken over.

use std::path::PathBuf;

use egui_kittest::kittest::Queryable as _;
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::AppState;
use onerec_workbench::engine::config::NamedSize;
use onerec_workbench::engine::device::DeviceReport;
use onerec_workbench::engine::event::CostProbe;

use crate::states::{draw, with_data};

fn says(state: AppState, text: &str) {
    let harness = draw(PaneKind::Cost, state);
    assert!(
        harness.query_all_by_label_contains(text).next().is_some(),
        "{text}"
    );
}

fn probe(state: &AppState) -> CostProbe {
    CostProbe {
        data_path: PathBuf::from("data"),
        config: Box::new(state.draft.config.clone()),
        device: DeviceReport {
            requested: "auto".to_owned(),
            actual: "cpu (flex, 2 threads)".to_owned(),
        },
        n_steps: 10,
        seconds_per_step: 0.125,
        slowest_seconds: 0.25,
        steps_per_epoch: 240,
        seconds_per_epoch: 30.0,
        seconds_of_pretraining: 62.5,
        flops_per_second: 30e9,
        product_flops_per_second: 120e9,
    }
}

#[test]
fn a_click_measures_and_another_stops() {
    let mut harness = draw(PaneKind::Cost, with_data());
    harness.get_by_label("Measure ten steps").click();
    harness.run_steps(2);
    let commands = &harness.state().commands;
    assert!(
        matches!(commands[..], [UiCommand::ProbeCost]),
        "{commands:?}"
    );

    let mut state = with_data();
    state.cost.progress = Some((3, 10));
    assert!(UiCommand::ProbeCost.obstacle(&state).is_some());
    says(state.clone(), "step 3 of 10");
    let mut harness = draw(PaneKind::Cost, state);
    harness.get_by_label("Stop measuring").click();
    harness.run_steps(2);
    let commands = &harness.state().commands;
    assert!(
        matches!(commands[..], [UiCommand::StopProbe]),
        "{commands:?}"
    );
}

#[test]
fn a_measurement_is_shown_for_the_settings_it_was_made_with() {
    let mut state = with_data();
    state.cost.finish(probe(&state));
    assert!(!state.cost.is_going());
    for text in ["Step 0.125 s", "Epoch 30 s", "Utilization 25.0%"] {
        says(state.clone(), text);
    }
    let mut config = state.draft.config.clone();
    config.model.n_decoder_layers += 1;
    state.draft.edit(config);
    assert!(state.cost.of(&state.draft.config).is_none());
    says(state, "Trains for a few steps");
}

#[test]
fn what_exceeds_the_machine_is_counted_and_cannot_be_measured() {
    let mut state = with_data();
    state.vitals.machine_bytes = Some(24_000_000_000);
    let mut config = state.draft.config.clone();
    NamedSize::find("v2-8b")
        .expect("a size of that name")
        .apply(&mut config);
    state.draft.edit(config);
    says(state.clone(), "Counted, not run");
    says(state.clone(), "Parameters 7.96 B");
    let mut harness = draw(PaneKind::Cost, state);
    harness.get_by_label("Measure ten steps").click();
    harness.run_steps(2);
    assert!(harness.state().commands.is_empty());
}
