//! Devices: which exist, which can train and why not, and the choice made. The only file that names a backend.

use serde::{Deserialize, Serialize};

use crate::engine::error::Hint;

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
}

impl Hint for DeviceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { remedy, .. } => Some(remedy.clone()),
        }
    }
}
