//! One notice where the machine has no font for Chinese, Japanese and Korean titles, instead of silent boxes.

use std::time::{Duration, Instant};

use egui::{Context, FontId};

use crate::app::state::Notices;
use crate::app::theme::tokens;
use crate::engine::event::NoticeLevel;

/// The system's fonts are being found during the first moments; asking earlier would stall a frame.
const WAIT: Duration = Duration::from_secs(3);

/// Looks once.
#[derive(Default)]
pub struct FontCheck {
    since: Option<Instant>,
    is_done: bool,
}

impl FontCheck {
    /// Looks, when it is time.
    pub fn look(&mut self, ctx: &Context, notices: &mut Notices) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.is_done || since.elapsed() < WAIT {
            return;
        }
        self.is_done = true;
        let font = FontId::proportional(tokens::TEXT_SIZE);
        if !ctx.fonts_mut(|fonts| fonts.has_glyph(&font, '推')) {
            notices.say(
                NoticeLevel::Info,
                "No font for Chinese, Japanese and Korean was found: such titles show as boxes.",
                Some("install one, for example the package fonts-noto-cjk".to_owned()),
            );
        }
    }
}
