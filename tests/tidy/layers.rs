//! Who may use whom. rustc knows no layers inside a crate, so the imports are read here.

use crate::check;
use crate::files::{is_under, rust_files};

/// The engine's folders in the order in which data flows; each uses only those before it.
const PIPELINE: [&str; 11] = [
    "data",
    "embedding",
    "tokenizer",
    "batch",
    "model",
    "decode",
    "reward",
    "eval",
    "train",
    "supervisor",
    "handle",
];

/// Who must not use what. A path stands for itself and everything below it.
const LAYERS: &[Layer] = &[
    Layer {
        files: "src/engine",
        banned: &[
            "crate::app",
            "egui",
            "eframe",
            "egui_plot",
            "egui_tiles",
            "egui_extras",
            "rfd",
        ],
        except: &[],
        reason: "the engine knows nothing of the window, so that it runs without one",
    },
    Layer {
        files: "src/app",
        banned: &["burn", "burn_wgpu", "burn_cuda", "faer", "safetensors"],
        except: &[],
        reason: "tensors never cross the boundary: the engine's thread owns them all",
    },
    Layer {
        files: "src/app",
        banned: &[
            "crate::engine::batch",
            "crate::engine::checkpoint",
            "crate::engine::decode",
            "crate::engine::loss",
            "crate::engine::model",
            "crate::engine::reporter",
            "crate::engine::reward",
            "crate::engine::supervisor",
            "crate::engine::train",
        ],
        // Settings, and sizes counted from them, are plain arithmetic.
        except: &["config", "size"],
        reason: "the window asks through commands and learns through events",
    },
    Layer {
        files: "src/app/state",
        banned: &[
            "egui",
            "eframe",
            "egui_plot",
            "egui_tiles",
            "egui_extras",
            "crate::engine::handle",
        ],
        except: &[],
        reason: "the state is tested as plain data, without a window",
    },
    Layer {
        files: "src/app/panes",
        banned: &[
            "crate::engine::handle",
            "crate::app::engine_link",
            "crate::app::command_handling",
        ],
        except: &[],
        reason: "a pane reads the state and sends commands; one file applies them",
    },
    Layer {
        files: "src/app/widgets",
        banned: &[
            "crate::app::state",
            "crate::app::panes",
            "crate::app::command",
        ],
        except: &[],
        reason: "a widget draws what it is given, so that any pane can use it",
    },
    Layer {
        files: "src/app/theme",
        banned: &[
            "crate::app::state",
            "crate::app::panes",
            "crate::app::command",
            "crate::engine",
        ],
        except: &[],
        reason: "the theme knows colours and sizes only",
    },
    Layer {
        files: "src/engine/ops",
        banned: &["crate::engine"],
        except: &["ops", "seed"],
        reason: "an operation is tensors in, tensors out, so that it can be compared with the plain composition alone",
    },
    Layer {
        files: "src/engine/loss",
        banned: &["crate::engine"],
        except: &["loss", "ops"],
        reason: "a loss is tensors in, tensors out, so that its gradients can be checked alone",
    },
    Layer {
        files: "src/engine/command.rs",
        banned: &["burn"],
        except: &[],
        reason: "commands are plain data: they can be written to a file or sent to another process",
    },
    Layer {
        files: "src/engine/event",
        banned: &["burn"],
        except: &[],
        reason: "events are plain data: they are journalled and replayed",
    },
    Layer {
        files: "src/engine/config",
        banned: &["burn"],
        except: &[],
        reason: "a configuration is plain data",
    },
];

struct Layer {
    /// Folder or file the rule is for.
    files: &'static str,
    banned: &'static [&'static str],
    /// Path segments that make a use harmless.
    except: &'static [&'static str],
    reason: &'static str,
}

#[test]
fn layers_are_kept() {
    let mut found = Vec::new();
    for source in rust_files(&["src"]) {
        for layer in LAYERS
            .iter()
            .filter(|layer| is_under(&source.path, layer.files))
        {
            for (line, path) in source.used_paths() {
                let is_banned = layer
                    .banned
                    .iter()
                    .any(|banned| starts_with_path(&path, banned));
                let is_harmless = path.split("::").any(|part| layer.except.contains(&part));
                if is_banned && !is_harmless {
                    found.push(format!(
                        "{}:{line}: uses {path}: {}",
                        source.path, layer.reason
                    ));
                }
            }
        }
    }
    check("layers", found);
}

#[test]
fn data_flows_one_way_through_the_engine() {
    let mut found = Vec::new();
    for source in rust_files(&["src/engine"]) {
        let Some(own) = stage_of(&source.path.replace('/', "::").replace("src::", "crate::"))
        else {
            continue;
        };
        for (line, path) in source.used_paths() {
            // Settings and reports are plain data that any part may name.
            let is_plain = path.contains("::config") || path.contains("::report");
            if stage_of(&path).is_some_and(|used| used > own) && !is_plain {
                found.push(format!(
                    "{}:{line}: uses {path}: {} comes before it in the pipeline",
                    source.path, PIPELINE[own]
                ));
            }
        }
    }
    check("one way", found);
}

#[test]
fn backends_are_named_in_one_place() {
    let mut found = Vec::new();
    for source in rust_files(&["src"]) {
        if is_under(&source.path, "src/engine/device")
            || is_under(&source.path, "src/engine/device.rs")
        {
            continue;
        }
        for (line, path) in source.used_paths() {
            if ["burn_wgpu", "burn_cuda", "Device::wgpu", "Device::cuda"]
                .iter()
                .any(|backend| path.contains(backend))
            {
                found.push(format!(
                    "{}:{line}: names {path}: src/engine/device chooses the device for everyone",
                    source.path
                ));
            }
        }
    }
    check("backends", found);
}

fn stage_of(path: &str) -> Option<usize> {
    let module = path.strip_prefix("crate::engine::")?.split("::").next()?;
    PIPELINE
        .iter()
        .position(|stage| *stage == module.trim_end_matches(".rs"))
}

fn starts_with_path(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
