//! Messages: the window's own log and the toasts that are on the screen.

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::error::Failure;
use crate::engine::event::{NoticeLevel, Stage};

/// Most toasts shown at a time; older ones give way.
const MAX_TOASTS: usize = 4;

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Milliseconds since 1970.
    pub time_millis: u64,
    /// How bad.
    pub level: NoticeLevel,
    /// In which stage, if any.
    pub stage: Option<Stage>,
    /// What.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A message that floats over the window for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Unique in this session.
    pub id: u64,
    /// How bad; errors stay until they are closed.
    pub level: NoticeLevel,
    /// What.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// All messages that belong to the window rather than to a run.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// On the screen, oldest first.
    pub toasts: VecDeque<Toast>,
    /// Everything said so far, oldest first.
    pub log: Vec<LogLine>,
    next_id: u64,
}

impl Notices {
    /// Shows a toast and remembers it in the log.
    pub fn say(&mut self, level: NoticeLevel, text: impl Into<String>, hint: Option<String>) {
        let text = text.into();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        self.log.push(LogLine {
            time_millis: now,
            level,
            stage: None,
            text: text.clone(),
            hint: hint.clone(),
        });
        self.toast(level, text, hint);
    }

    /// Shows a toast for something that is logged elsewhere.
    pub fn toast(&mut self, level: NoticeLevel, text: impl Into<String>, hint: Option<String>) {
        let text = text.into();
        self.toasts
            .retain(|toast| toast.text != text || toast.level != level);
        self.toasts.push_back(Toast {
            id: self.next_id,
            level,
            text,
            hint,
        });
        self.next_id += 1;
        while self.toasts.len() > MAX_TOASTS {
            self.toasts.pop_front();
        }
    }

    /// Shows a failure with its hint.
    pub fn fail(&mut self, failure: &Failure) {
        self.say(
            NoticeLevel::Error,
            failure.message.clone(),
            failure.hint.clone(),
        );
    }

    /// Takes a toast off the screen.
    pub fn dismiss(&mut self, id: u64) {
        self.toasts.retain(|toast| toast.id != id);
    }
}
