//! Devices: which exist, which can train and why not, and the choice made. The only folder that names a backend.
//!
//! Looking for devices creates none: graphics adapters are listed through wgpu, CUDA is judged by
//! the files that its driver and its compiler need. What is wrong is told before a run begins.

mod cuda;
#[cfg(feature = "wgpu")]
mod graphics;

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::engine::error::{EngineError, Hint};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendChoice {
    /// The best device that can train: CUDA, then a discrete GPU, then an integrated one, then the CPU.
    #[default]
    Auto,
    /// The processor, with burn's flex backend.
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX 12.
    Wgpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
}

impl BackendChoice {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Wgpu, Self::Cuda];

    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }
}

/// Where a run computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct DeviceConfig {
    /// Which backend.
    pub backend: BackendChoice,
    /// Which of its devices, from 0.
    pub index: usize,
}

/// Requested and actual device of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// What was asked for.
    pub requested: String,
    /// What computes, for example "cpu (flex, 2 threads)".
    pub actual: String,
}

/// One possible device and whether it can train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// The backend that would drive it.
    pub backend: BackendChoice,
    /// Index to give with the backend.
    pub index: usize,
    /// Name, for example "NVIDIA H100 80GB HBM3".
    pub name: String,
    /// Whether it can train here and now.
    pub can_train: bool,
    /// Why not, or a remark.
    pub reason: String,
    /// What to do about it; empty where nothing is needed.
    pub remedy: String,
}

/// A device choice that cannot be met.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The backend or index is not usable.
    #[error("could not use device {requested}: {reason}")]
    Unavailable {
        /// What was asked for.
        requested: String,
        /// Why it cannot be met.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The device does not compute with these numbers.
    #[error(
        "could not use model.precision {precision}: the device does not compute with such numbers"
    )]
    Precision {
        /// Name of the precision.
        precision: &'static str,
    },
}

impl Hint for DeviceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { remedy, .. } => Some(remedy.clone()),
            Self::Precision { .. } => Some(
                "set model.precision to f32, or choose a device that has it: CUDA has bf16 and f16, most graphics \
                 adapters have f16, the CPU has both, slowly"
                    .to_owned(),
            ),
        }
    }
}

/// One row of the probe together with how to open it.
struct Candidate {
    status: DeviceStatus,
    open: Opener,
}

/// How a device is opened once it has been chosen.
#[derive(Clone, Copy)]
enum Opener {
    Flex,
    #[cfg(feature = "wgpu")]
    Wgpu(graphics::Adapter),
    #[cfg(feature = "cuda")]
    Cuda(usize),
    /// Listed to be explained, not to be opened.
    Nothing,
}

impl Opener {
    fn open(self) -> Option<Device> {
        match self {
            Self::Flex => Some(Device::flex()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(adapter) => Some(adapter.open()),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => Some(Device::cuda(index)),
            Self::Nothing => None,
        }
    }
}

/// All devices with a verdict each, best first; the CPU is always the last row that can train.
pub fn probe() -> Vec<DeviceStatus> {
    [BackendChoice::Cuda, BackendChoice::Wgpu, BackendChoice::Cpu]
        .into_iter()
        .flat_map(candidates)
        .map(|candidate| candidate.status)
        .collect()
}

/// Opens the device that the configuration asks for.
/// An explicit choice is met or refused, never replaced; only `auto` chooses.
///
/// # Errors
/// [`DeviceError::Unavailable`] with the reason and the remedy.
pub fn choose(config: &DeviceConfig) -> Result<(Device, DeviceReport), EngineError> {
    let requested = if config.index == 0 {
        config.backend.name().to_owned()
    } else {
        format!("{} {}", config.backend.name(), config.index)
    };
    let found = match config.backend {
        // Looking for a backend costs a second, so each is asked only when those before it had nothing.
        BackendChoice::Auto => [BackendChoice::Cuda, BackendChoice::Wgpu, BackendChoice::Cpu]
            .into_iter()
            .flat_map(candidates)
            .filter(|candidate| candidate.status.can_train)
            .nth(config.index),
        backend => candidates(backend)
            .into_iter()
            .find(|candidate| candidate.status.index == config.index),
    };
    let unavailable = |reason: String, remedy: String| DeviceError::Unavailable {
        requested: requested.clone(),
        reason,
        remedy,
    };
    let Some(Candidate { status, open }) = found else {
        return Err(unavailable(
            "there is no device of that number".to_owned(),
            "choose a device.index that `onerec doctor` lists".to_owned(),
        )
        .into());
    };
    match open.open() {
        Some(device) if status.can_train => {
            let report = DeviceReport {
                requested,
                actual: format!("{} ({})", status.backend.name(), status.name),
            };
            Ok((device, report))
        }
        _ => Err(unavailable(status.reason, status.remedy).into()),
    }
}

/// The rows of one backend; at least one, so that an absent backend is explained too.
fn candidates(backend: BackendChoice) -> Vec<Candidate> {
    let probe = match backend {
        BackendChoice::Cuda => cuda::candidates,
        BackendChoice::Wgpu => wgpu_candidates,
        BackendChoice::Auto | BackendChoice::Cpu => cpu_candidates,
    };
    // Drivers are foreign code: one that panics must not take the others with it.
    catch_unwind(AssertUnwindSafe(probe)).unwrap_or_else(|_| {
        vec![absent(
            backend,
            "the driver panicked while it was asked for its devices",
            "update the graphics driver",
        )]
    })
}

fn absent(backend: BackendChoice, reason: &str, remedy: &str) -> Candidate {
    let name = match backend {
        BackendChoice::Cuda => "NVIDIA GPU through CUDA",
        BackendChoice::Wgpu => "GPU through Vulkan, Metal or DirectX 12",
        BackendChoice::Auto | BackendChoice::Cpu => "CPU",
    };
    Candidate {
        status: DeviceStatus {
            backend,
            index: 0,
            name: name.to_owned(),
            can_train: false,
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
        },
        open: Opener::Nothing,
    }
}

fn cpu_candidates() -> Vec<Candidate> {
    let n_threads = rayon::current_num_threads();
    vec![Candidate {
        status: DeviceStatus {
            backend: BackendChoice::Cpu,
            index: 0,
            name: format!(
                "flex, {n_threads} thread{}",
                if n_threads == 1 { "" } else { "s" }
            ),
            can_train: true,
            reason: "always there".to_owned(),
            remedy: String::new(),
        },
        open: Opener::Flex,
    }]
}

#[cfg(feature = "wgpu")]
use graphics::candidates as wgpu_candidates;

#[cfg(not(feature = "wgpu"))]
fn wgpu_candidates() -> Vec<Candidate> {
    vec![absent(
        BackendChoice::Wgpu,
        "this program was built without it",
        "build with `--features wgpu`",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there_and_every_refusal_is_explained() {
        let rows = probe();
        assert!(
            rows.iter()
                .any(|row| row.backend == BackendChoice::Cpu && row.can_train)
        );
        for backend in [BackendChoice::Cuda, BackendChoice::Wgpu] {
            assert!(
                rows.iter().any(|row| row.backend == backend),
                "{backend:?} must have a row: {rows:?}"
            );
        }
        for row in rows.iter().filter(|row| !row.can_train) {
            assert!(!row.reason.is_empty() && !row.remedy.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn an_explicit_choice_is_met_or_refused() {
        let (_, report) = choose(&DeviceConfig {
            backend: BackendChoice::Cpu,
            index: 0,
        })
        .unwrap();
        assert_eq!(report.requested, "cpu");
        assert!(report.actual.starts_with("cpu (flex, "), "{report:?}");

        let error = choose(&DeviceConfig {
            backend: BackendChoice::Cpu,
            index: 7,
        })
        .unwrap_err();
        assert!(
            error.to_string().contains("could not use device cpu 7"),
            "{error}"
        );
        assert!(
            error.hint().unwrap().contains("doctor"),
            "{:?}",
            error.hint()
        );
    }

    #[test]
    fn what_cannot_train_cannot_be_chosen() {
        for row in probe().into_iter().filter(|row| !row.can_train) {
            let error = choose(&DeviceConfig {
                backend: row.backend,
                index: row.index,
            })
            .unwrap_err();
            assert!(
                error.to_string().contains(&row.reason),
                "{error} for {row:?}"
            );
        }
    }

    #[test]
    fn auto_takes_the_best_that_can_train() {
        let best = probe().into_iter().find(|row| row.can_train).unwrap();
        let (_, report) = choose(&DeviceConfig::default()).unwrap();
        assert_eq!(
            report.actual,
            format!("{} ({})", best.backend.name(), best.name)
        );
    }
}
