//! `onerec doctor`: what this machine offers, what is missing and what to do about it.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::device::DeviceStatus;
use onerec_workbench::engine::error::Failure;
use onerec_workbench::engine::event::EngineEvent;
use onerec_workbench::places::{Places, Sample};

use crate::cli::args::OutputArgs;
use crate::cli::{client, output};

/// Prints the devices with a verdict each, then the folders.
pub(crate) fn examine(args: &OutputArgs) -> Result<(), Failure> {
    let record = client::ask(EngineCommand::ProbeDevices)?;
    if args.json {
        output::record(&record);
        return Ok(());
    }
    let EngineEvent::DevicesProbed { devices } = &record.event else {
        return Err(client::failure(
            "the engine did not answer with devices".to_owned(),
        ));
    };
    output::line(&format!("OneRec Workbench {}", env!("CARGO_PKG_VERSION")));
    output::line("\nDevices, best first");
    for device in devices {
        tell_device(device);
    }
    output::line("\nWindow");
    output::line(&format!("  {}", window()));
    output::line("\nFolders");
    let sample = Sample::ShortVideo
        .path()
        .map_or_else(|| "not found".to_owned(), |path| path.display().to_string());
    output::table(&[
        vec!["runs".to_owned(), Places::find().runs.display().to_string()],
        vec!["short-video sample".to_owned(), sample],
    ]);
    Ok(())
}

fn tell_device(device: &DeviceStatus) {
    let verdict = if device.can_train {
        "can train"
    } else {
        "cannot train"
    };
    output::line(&format!(
        "  {} {}: {} ({verdict})",
        device.backend.name(),
        device.index,
        device.name
    ));
    output::line(&format!("      {}", device.reason));
    if !device.remedy.is_empty() {
        output::line(&format!("      to do: {}", device.remedy));
    }
}

#[cfg(feature = "gui")]
fn window() -> &'static str {
    if crate::cli::window::has_display() {
        "a display is there"
    } else {
        "no display (DISPLAY and WAYLAND_DISPLAY are not set): use `onerec run`"
    }
}

#[cfg(not(feature = "gui"))]
fn window() -> &'static str {
    "this program was built without it: use `onerec run`"
}
