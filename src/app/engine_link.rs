//! The window's end of the engine: a live one, or a pair of channels whose other ends a test holds.

use crossbeam_channel::{Receiver, Sender};

use crate::engine::command::EngineCommand;
use crate::engine::event::EventRecord;
use crate::engine::handle::EngineHandle;

/// The window's end of the engine.
pub enum EngineLink {
    /// A live engine.
    Engine(EngineHandle),
    /// Channels to whoever plays the engine.
    Channels {
        /// Commands go here.
        commands: Sender<EngineCommand>,
        /// Events come from here.
        events: Receiver<EventRecord>,
    },
}

impl EngineLink {
    /// Sends a command without waiting; false when the engine has too many to answer already.
    pub fn send(&self, command: EngineCommand) -> bool {
        match self {
            Self::Engine(engine) => engine.send(command),
            Self::Channels { commands, .. } => commands.try_send(command).is_ok(),
        }
    }

    /// The next event, if any.
    pub fn try_recv(&self) -> Option<EventRecord> {
        match self {
            Self::Engine(engine) => engine.try_recv(),
            Self::Channels { events, .. } => events.try_recv().ok(),
        }
    }
}
