//! The dialogs, with their titles.

/// The dialogs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogKind {
    /// All commands, filtered by typing.
    Palette,
    /// Theme, size, motion.
    Preferences,
    /// All shortcuts.
    Shortcuts,
    /// What a semantic ID is.
    SemanticIds,
    /// What this program is.
    About,
    /// A run is going: stop it and leave, or stay.
    ConfirmQuit,
    /// Doing alignment again replaces the aligned generator.
    ConfirmAlignAgain,
    /// A run failed: why, and what to do.
    RunFailed,
}

impl DialogKind {
    /// The dialog's title, which is also the command's text.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Palette => "Command palette",
            Self::Preferences => "Preferences",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::SemanticIds => "What is a semantic ID?",
            Self::About => "About OneRec Workbench",
            Self::ConfirmQuit => "A run is going",
            Self::ConfirmAlignAgain => "Align again",
            Self::RunFailed => "The run failed",
        }
    }
}
