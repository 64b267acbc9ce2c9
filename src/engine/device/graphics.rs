//! Graphics adapters, listed through wgpu and opened through burn.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use burn::tensor::{Device, DeviceKind};
use wgpu::{AdapterInfo, Backend, Backends, DeviceType, Instance, InstanceDescriptor};

use super::{BackendChoice, Candidate, DeviceStatus, Opener, absent};

/// The rows of the graphics adapters.
pub(super) fn candidates() -> Vec<Candidate> {
    let rows = adapters();
    if rows.is_empty() {
        return vec![absent(
            BackendChoice::Wgpu,
            "no graphics adapter answers",
            "install your GPU's driver with Vulkan; on Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers, \
             or nvidia-driver for an NVIDIA GPU",
        )];
    }
    rows
}

/// An adapter in burn's terms: its kind, and its number among those of its kind.
#[derive(Clone, Copy)]
pub(super) struct Adapter {
    graphics_api: Backend,
    device_type: DeviceType,
    idx: usize,
}

impl Adapter {
    pub(super) fn open(self) -> Device {
        let kind = match self.device_type {
            DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(self.idx),
            DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(self.idx),
            DeviceType::VirtualGpu => DeviceKind::VirtualGpu(self.idx),
            DeviceType::Cpu => DeviceKind::Cpu,
            DeviceType::Other => DeviceKind::DefaultDevice,
        };
        // Pinned where it can be, so that burn opens the adapter that was listed and no other.
        match self.graphics_api {
            Backend::Vulkan => Device::vulkan(kind),
            _ => Device::wgpu(kind),
        }
    }
}

/// The adapters of the first graphics API that has any GPU, or of the first that has anything:
/// discrete, integrated, virtual, then those that cannot train.
fn adapters() -> Vec<Candidate> {
    // The Vulkan loader crashes when instances come and go on several threads at once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let mut found: Vec<AdapterInfo> = Vec::new();
    for api in [Backends::VULKAN, Backends::METAL, Backends::DX12] {
        let adapters = enumerate(api);
        let has_gpu = adapters
            .iter()
            .any(|adapter| can_train(adapter.device_type));
        if has_gpu || found.is_empty() {
            found = adapters;
        }
        if has_gpu {
            break;
        }
    }
    let mut of_type = [0_usize; N_TYPES];
    let mut rows: Vec<(Adapter, AdapterInfo)> = found
        .into_iter()
        .map(|info| {
            let counter = &mut of_type[rank(info.device_type)];
            let adapter = Adapter {
                graphics_api: info.backend,
                device_type: info.device_type,
                idx: *counter,
            };
            *counter += 1;
            (adapter, info)
        })
        .collect();
    rows.sort_by_key(|(adapter, _)| (rank(adapter.device_type), adapter.idx));
    rows.iter()
        .enumerate()
        .map(|(index, (adapter, info))| judge(index, *adapter, info))
        .collect()
}

fn judge(index: usize, adapter: Adapter, info: &AdapterInfo) -> Candidate {
    let can_train = can_train(info.device_type);
    let (reason, remedy) = match info.device_type {
        DeviceType::DiscreteGpu => ("discrete GPU".to_owned(), ""),
        DeviceType::IntegratedGpu => ("integrated GPU".to_owned(), ""),
        DeviceType::VirtualGpu => ("virtual GPU".to_owned(), ""),
        DeviceType::Cpu => (
            "software adapter, for the display only: burn's SPIR-V kernels crash inside Mesa's llvmpipe, \
             and its WGSL kernels spend minutes autotuning"
                .to_owned(),
            "train with --backend cpu, which is faster than an emulated GPU",
        ),
        DeviceType::Other => {
            ("the driver does not say what it is".to_owned(), "update the graphics driver")
        }
    };
    Candidate {
        status: DeviceStatus {
            backend: BackendChoice::Wgpu,
            index,
            name: format!("{}, {}", info.name, info.backend),
            can_train,
            reason,
            remedy: remedy.to_owned(),
        },
        open: if can_train {
            Opener::Wgpu(adapter)
        } else {
            Opener::Nothing
        },
    }
}

const N_TYPES: usize = 5;

/// Order of preference.
fn rank(device_type: DeviceType) -> usize {
    match device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Cpu => 3,
        DeviceType::Other => 4,
    }
}

fn can_train(device_type: DeviceType) -> bool {
    rank(device_type) < rank(DeviceType::Cpu)
}

fn enumerate(api: Backends) -> Vec<AdapterInfo> {
    if !Instance::enabled_backend_features().contains(api) {
        return Vec::new();
    }
    let instance = Instance::new(InstanceDescriptor {
        backends: api,
        ..InstanceDescriptor::new_without_display_handle()
    });
    let mut listing = std::pin::pin!(instance.enumerate_adapters(api));
    // Outside of browsers the answer is there at the first poll, so no executor is needed.
    loop {
        if let Poll::Ready(adapters) = listing
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return adapters.iter().map(wgpu::Adapter::get_info).collect();
        }
        std::thread::yield_now();
    }
}
