//! What training costs, as measured by a few steps.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::config::ExperimentConfig;
use crate::engine::device::DeviceReport;

/// A few steps of training, timed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostProbe {
    /// The dataset's folder or file.
    pub data_path: PathBuf,
    /// The settings that were measured.
    pub config: Box<ExperimentConfig>,
    /// Requested and actual device.
    pub device: DeviceReport,
    /// Steps that were timed.
    pub n_steps: u64,
    /// Median time of a step.
    pub seconds_per_step: f64,
    /// Time of the slowest step.
    pub slowest_seconds: f64,
    /// Steps in which every training session comes once.
    pub steps_per_epoch: u64,
    /// Time of an epoch at the median.
    pub seconds_per_epoch: f64,
    /// Time of all steps of pretraining at the median.
    pub seconds_of_pretraining: f64,
    /// Operations of the model's matrix products per second, padding included.
    pub flops_per_second: f64,
    /// Operations per second of large matrix products alone on the same device.
    pub product_flops_per_second: f64,
}

impl CostProbe {
    /// Share of what the device does in plain matrix products. Known as MFU where the device's stated peak is taken
    /// instead.
    pub fn utilization(&self) -> f64 {
        self.flops_per_second / self.product_flops_per_second
    }
}
