//! The important settings as fields, in the order of the pipeline; those of item vectors, tokenizer, encoder's input,
//! experts and training are in files of their own.

use egui::{CollapsingHeader, ComboBox, DragValue, Response, RichText, Ui};

use super::align_fields::align_ui;
use super::expert_fields::experts_ui;
use super::item_vector_fields::item_vectors_ui;
use super::lazy_fields::{lazy_ui, size_ui};
use super::pathway_fields::system_ui;
use super::row::row;
use super::tokenizer_fields::tokenizer_ui;
use super::training_fields::{evaluate_ui, pretrain_ui, reward_ui};
use crate::app::command::UiCommand;
use crate::app::state::{AppState, Draft};
use crate::app::theme;
use crate::app::widgets::number::count;
use crate::engine::config::{ExperimentConfig, Preset};
use crate::engine::data::config::{SessionRule, SplitRule};
use crate::engine::device::{BackendChoice, DeviceStatus};
use crate::engine::model::config::{Precision, System};

/// Draws all fields; an edit becomes one command.
pub(super) fn ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let draft = &state.draft;
    data_ui(ui, state, commands);
    row(
        ui,
        draft,
        "preset",
        "Preset",
        "Ready-made settings; choosing one replaces all fields below. Undo brings them back.",
        |ui| preset_ui(ui, draft.preset, commands),
    );
    let mut config = draft.config.clone();
    device_ui(ui, state, &mut config);
    row(
        ui,
        draft,
        "seed",
        "Seed",
        "All randomness comes from it: the same seed gives the same run on the CPU.",
        |ui| ui.add(DragValue::new(&mut config.seed.0)),
    );
    ui.add_space(4.0);
    section(ui, "Sessions and split", |ui| {
        sessions_ui(ui, draft, &mut config);
    });
    section(ui, "Item vectors", |ui| {
        item_vectors_ui(ui, draft, &mut config);
    });
    section(ui, "Semantic IDs", |ui| {
        tokenizer_ui(ui, draft, &mut config);
    });
    section(ui, "Generator", |ui| {
        system_ui(ui, draft, &mut config);
        generator_ui(ui, draft, &mut config);
    });
    section(ui, "Experts", |ui| experts_ui(ui, draft, &mut config));
    section(ui, "Pretraining", |ui| pretrain_ui(ui, draft, &mut config));
    section(ui, "Reward model", |ui| reward_ui(ui, draft, &mut config));
    section(ui, "Alignment", |ui| align_ui(ui, draft, &mut config));
    section(ui, "Evaluation", |ui| evaluate_ui(ui, draft, &mut config));
    if config != draft.config {
        commands.push(UiCommand::EditConfig(Box::new(config)));
    }
}

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    CollapsingHeader::new(RichText::new(title).strong())
        .default_open(matches!(title, "Semantic IDs" | "Pretraining"))
        .show_unindented(ui, content);
}

fn data_ui(ui: &mut Ui, state: &AppState, commands: &mut Vec<UiCommand>) {
    let weak = theme::of(ui).weak_text;
    ui.horizontal(|ui| {
        ui.strong("Data");
        if ui.button("Import…").clicked() {
            commands.push(UiCommand::ImportDataDialog);
        }
        if ui.button("Check…").clicked() {
            commands.push(UiCommand::CheckDataDialog);
        }
    });
    let path = &state.draft.data_path;
    if state.draft.has_data() {
        let name = path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        ui.add(egui::Label::new(name).truncate())
            .on_hover_text(path.display().to_string());
    } else {
        ui.colored_label(weak, "None chosen yet.");
    }
    match &state.data.inspected {
        Some(inspected) if inspected.path == *path => {
            let stats = &inspected.stats;
            let text = format!(
                "{} users, {} items, {} events",
                count(stats.users),
                count(stats.items),
                count(stats.events)
            );
            ui.colored_label(weak, text);
        }
        _ if state.data.reading().is_some() => {
            ui.colored_label(weak, "Reading…");
        }
        _ => {}
    }
    ui.separator();
}

fn preset_ui(ui: &mut Ui, chosen: Preset, commands: &mut Vec<UiCommand>) -> Response {
    ComboBox::from_id_salt("preset")
        .selected_text(chosen.name())
        .show_ui(ui, |ui| {
            for preset in Preset::ALL {
                let response = ui.selectable_label(preset == chosen, preset.name());
                let response = response.on_hover_text(match preset {
                    Preset::Smoke => "Two minutes on two cores with the short-video sample.",
                    Preset::Small => "Forty minutes on two cores with KuaiRand-Pure.",
                    Preset::Base => "For a GPU.",
                });
                if response.clicked() {
                    commands.push(UiCommand::ChoosePreset(preset));
                }
            }
        })
        .response
}

fn device_ui(ui: &mut Ui, state: &AppState, config: &mut ExperimentConfig) {
    let device = &mut config.device;
    let choices = [
        BackendChoice::Auto,
        BackendChoice::Cpu,
        BackendChoice::Wgpu,
        BackendChoice::Cuda,
    ];
    row(
        ui,
        &state.draft,
        "device.backend",
        "Device",
        "Where to compute. Auto takes the best device that can train; any other choice is met or refused, never replaced.",
        |ui| {
            ComboBox::from_id_salt("device")
                .selected_text(device.backend.name())
                .show_ui(ui, |ui| {
                    for choice in choices {
                        let reason = reason_against(choice, state.devices.as_deref());
                        ui.add_enabled_ui(reason.is_none(), |ui| {
                            let response =
                                ui.selectable_value(&mut device.backend, choice, choice.name());
                            if let Some(reason) = &reason {
                                response.on_disabled_hover_text(reason);
                            }
                        });
                    }
                })
                .response
        },
    );
    if let Some(reason) = reason_against(device.backend, state.devices.as_deref()) {
        ui.colored_label(theme::of(ui).warning, reason);
    }
}

/// Why a backend cannot train here and what to do about it; `None` where it can or nobody knows yet.
fn reason_against(choice: BackendChoice, devices: Option<&[DeviceStatus]>) -> Option<String> {
    let devices = devices?;
    if matches!(choice, BackendChoice::Auto | BackendChoice::Cpu) {
        return None;
    }
    let mut of_choice = devices.iter().filter(|device| device.backend == choice);
    if of_choice.clone().any(|device| device.can_train) {
        return None;
    }
    Some(match of_choice.next() {
        Some(device) => format!("{}: {} {}", device.name, device.reason, device.remedy),
        None => format!("No {} device was found.", choice.name()),
    })
}

fn sessions_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    let data = &mut config.data;
    row(
        ui,
        draft,
        "data.session.rule",
        "Session rule",
        "How events become the sessions that the generator learns.",
        |ui| {
            choice_ui(
                ui,
                "session_rule",
                &mut data.session.rule,
                &[
                    (SessionRule::Request, "by request"),
                    (SessionRule::TimeGap, "by time gap"),
                    (SessionRule::UserDay, "by user and day"),
                    (SessionRule::Blocks, "blocks of positives"),
                ],
            )
        },
    );
    row(
        ui,
        draft,
        "data.session.slate_len",
        "Slate length",
        "Items of a session, and of a generated slate.",
        |ui| ui.add(DragValue::new(&mut data.session.slate_len)),
    );
    row(
        ui,
        draft,
        "data.split.rule",
        "Held out",
        "What is kept from training to be tested.",
        |ui| {
            choice_ui(
                ui,
                "split_rule",
                &mut data.split.rule,
                &[
                    (SplitRule::LeaveOneOut, "last of each user"),
                    (SplitRule::ByTime, "all after a moment"),
                ],
            )
        },
    );
    row(
        ui,
        draft,
        "data.split.test_frac",
        "Later share",
        "Share of events after the cut by time; the reward models are tested on it.",
        |ui| ui.add(DragValue::new(&mut data.split.test_frac).speed(0.01)),
    );
    row(
        ui,
        draft,
        "data.min_user_events",
        "Least events",
        "Users with fewer positive events are left out.",
        |ui| ui.add(DragValue::new(&mut data.min_user_events)),
    );
}

fn generator_ui(ui: &mut Ui, draft: &Draft, config: &mut ExperimentConfig) {
    size_ui(ui, draft, config);
    let model = &mut config.model;
    for (path, name, help, value) in [
        (
            "model.d_model",
            "Width",
            "Width of the residual stream.",
            &mut model.d_model,
        ),
        (
            "model.n_heads",
            "Attention heads",
            "Must divide the width.",
            &mut model.n_heads,
        ),
        (
            "model.n_encoder_layers",
            "Encoder blocks",
            "Blocks that read the history.",
            &mut model.n_encoder_layers,
        ),
        (
            "model.n_decoder_layers",
            "Decoder blocks",
            "Blocks that write the session.",
            &mut model.n_decoder_layers,
        ),
        (
            "model.history_len",
            "History",
            "Items of history that are read.",
            &mut model.history_len,
        ),
    ] {
        row(ui, draft, path, name, help, |ui| {
            ui.add(DragValue::new(value))
        });
    }
    row(
        ui,
        draft,
        "model.precision",
        "Precision",
        "Numbers that the blocks compute with; weights and their updates stay f32. Fewer bits are for a GPU that has them: \
         bf16 for CUDA, f16 for other graphics adapters. On the CPU they are slower.",
        |ui| {
            let choices = Precision::ALL.map(|precision| (precision, precision.name()));
            choice_ui(ui, "precision", &mut model.precision, &choices)
        },
    );
    if config.model.system == System::Lazy {
        lazy_ui(ui, draft, config);
    }
}

pub(super) fn choice_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    id: &str,
    value: &mut T,
    choices: &[(T, &str)],
) -> Response {
    let chosen = choices
        .iter()
        .find(|(choice, _)| choice == value)
        .map_or("", |(_, name)| *name);
    ComboBox::from_id_salt(id)
        .selected_text(chosen)
        .show_ui(ui, |ui| {
            for (choice, name) in choices {
                ui.selectable_value(value, *choice, *name);
            }
        })
        .response
}
