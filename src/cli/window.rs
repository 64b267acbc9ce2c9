//! `onerec [PATH]`: opens the window, or says why there is none.

use std::path::PathBuf;

use onerec_workbench::engine::error::{Failure, FailureKind};

/// Opens the window and returns when it is closed.
pub(crate) fn open(path: Option<PathBuf>) -> Result<(), Failure> {
    if let Some(missing) = path.as_ref().filter(|path| !path.exists()) {
        return Err(Failure {
            message: format!(
                "there is no command, file or folder named {:?}",
                missing.display().to_string()
            ),
            hint: Some("`onerec --help` lists the commands".to_owned()),
            kind: FailureKind::Usage,
        });
    }
    show(path)
}

#[cfg(feature = "gui")]
fn show(path: Option<PathBuf>) -> Result<(), Failure> {
    if !has_display() {
        return Err(no_window(
            "there is no display: neither DISPLAY nor WAYLAND_DISPLAY is set",
        ));
    }
    use onerec_workbench::engine::error::Hint as _;
    let options = onerec_workbench::app::AppOptions { open: path };
    onerec_workbench::app::run(&options).map_err(|error| Failure {
        message: error.to_string(),
        hint: error.hint(),
        kind: FailureKind::Usage,
    })
}

#[cfg(not(feature = "gui"))]
fn show(_path: Option<PathBuf>) -> Result<(), Failure> {
    Err(no_window("this program was built without the window"))
}

fn no_window(message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        hint: Some("`onerec run` does the whole experiment in the terminal".to_owned()),
        kind: FailureKind::Usage,
    }
}

/// Whether a window could open. Only X11 and Wayland can be absent; elsewhere the system always has one.
#[cfg(feature = "gui")]
pub(crate) fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
