//! Memory of this process.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Highest resident memory since the process began where the system tells (Linux), else the present one.
pub fn peak_bytes() -> u64 {
    peak_from_proc().unwrap_or_else(current_bytes)
}

/// Resident memory now; 0 where the system does not tell.
pub fn current_bytes() -> u64 {
    let pid = Pid::from_u32(std::process::id());
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing().with_memory(),
    );
    system.process(pid).map_or(0, sysinfo::Process::memory)
}

/// Memory that this process may use at most: the machine's, or less where a container has a limit.
/// 0 where the system does not tell.
pub fn total_bytes() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let total = system.total_memory();
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => total.min(limits.total_memory),
        _ => total,
    }
}

fn peak_from_proc() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
