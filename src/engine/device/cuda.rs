//! NVIDIA GPUs through CUDA, judged by the files that the driver and burn's CUDA backend need.
//! Loading those libraries would be surer, but runs foreign code before anybody asked for it.

use std::path::{Path, PathBuf};

use super::{BackendChoice, Candidate, DeviceStatus, Opener, absent};

/// The rows of CUDA.
pub(super) fn candidates() -> Vec<Candidate> {
    let refuse = |reason: &str, remedy: &str| vec![absent(BackendChoice::Cuda, reason, remedy)];
    if !has_library(if cfg!(windows) {
        "nvcuda.dll"
    } else {
        "libcuda.so"
    }) {
        return refuse(
            "the NVIDIA driver library (libcuda.so.1) is not installed",
            "where there is an NVIDIA GPU, install its driver; on Debian and Ubuntu: apt install nvidia-driver",
        );
    }
    if !cfg!(feature = "cuda") {
        return refuse(
            "this program was built without CUDA",
            "build with `--features cuda` (scripts/run.sh does so)",
        );
    }
    if !has_library(if cfg!(windows) {
        "nvrtc64_"
    } else {
        "libnvrtc.so"
    }) {
        return refuse(
            "the CUDA kernel compiler (libnvrtc) was not found",
            "install the CUDA toolkit, or add its lib64 folder to LD_LIBRARY_PATH",
        );
    }
    if !toolkit_folders().any(|folder| folder.join("include/cuda_runtime.h").exists()) {
        return refuse(
            "the CUDA headers (cuda_runtime.h) were not found",
            "install the CUDA toolkit and set CUDA_PATH to its folder",
        );
    }
    let names = nvidia_gpus();
    if names.is_empty() {
        return refuse(
            "the driver library is installed, but the system shows no NVIDIA GPU",
            "load the kernel module (nvidia-smi tells whether it works), or pass the GPU into the container",
        );
    }
    names
        .into_iter()
        .enumerate()
        .map(|(index, name)| candidate(index, name))
        .collect()
}

fn candidate(index: usize, name: String) -> Candidate {
    Candidate {
        status: DeviceStatus {
            backend: BackendChoice::Cuda,
            index,
            name,
            can_train: true,
            reason: "NVIDIA GPU".to_owned(),
            remedy: String::new(),
        },
        #[cfg(feature = "cuda")]
        open: Opener::Cuda(index),
        #[cfg(not(feature = "cuda"))]
        open: Opener::Nothing,
    }
}

/// Names of the NVIDIA GPUs, from the kernel where it tells them.
fn nvidia_gpus() -> Vec<String> {
    let mut folders: Vec<PathBuf> = entries(Path::new("/proc/driver/nvidia/gpus"));
    folders.sort();
    let named: Vec<String> = folders
        .iter()
        .map(|folder| {
            let text = std::fs::read_to_string(folder.join("information")).unwrap_or_default();
            let model = text.lines().find_map(|line| line.strip_prefix("Model:"));
            model.map_or("NVIDIA GPU", str::trim).to_owned()
        })
        .collect();
    let is_there = cfg!(windows)
        || ["/dev/nvidia0", "/dev/dxg"]
            .iter()
            .any(|path| Path::new(path).exists());
    if named.is_empty() && is_there {
        vec!["NVIDIA GPU".to_owned()]
    } else {
        named
    }
}

/// Whether some folder of the dynamic linker has a file whose name starts like this.
fn has_library(prefix: &str) -> bool {
    library_folders()
        .iter()
        .flat_map(|folder| entries(folder))
        .any(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        })
}

fn library_folders() -> Vec<PathBuf> {
    let variable = if cfg!(windows) {
        "PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let mut folders: Vec<PathBuf> = std::env::var_os(variable)
        .map(|paths| std::env::split_paths(&paths).collect())
        .unwrap_or_default();
    folders.extend(toolkit_folders().flat_map(|folder| [folder.join("lib64"), folder.join("bin")]));
    let configs = entries(Path::new("/etc/ld.so.conf.d"));
    for text in configs
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
    {
        folders.extend(
            text.lines()
                .map(str::trim)
                .filter(|line| line.starts_with('/'))
                .map(PathBuf::from),
        );
    }
    let usual = [
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/lib",
        "/usr/local/nvidia/lib64",
        "/usr/lib/wsl/lib",
        "C:/Windows/System32",
    ];
    folders.extend(usual.map(PathBuf::from));
    folders
}

/// Where the CUDA toolkit may be, as burn's CUDA backend looks for it.
fn toolkit_folders() -> impl Iterator<Item = PathBuf> {
    let from_variable = std::env::var_os("CUDA_PATH").map(PathBuf::from);
    from_variable
        .into_iter()
        .chain(["/usr/local/cuda", "/opt/cuda", "/usr"].map(PathBuf::from))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default()
}
