//! A pane on a screen of its own, without a window, and how long its frames take.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use egui::accesskit::{Node, Role};
use egui::{
    Context, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, pos2, vec2,
};
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::{PaneKind, Panes};
use onerec_workbench::app::state::AppState;
use onerec_workbench::app::theme;
use onerec_workbench::engine::tokenizer::SidPattern;

/// Screen in points; one pixel each.
const SCREEN: [f32; 2] = [1280.0, 720.0];
/// The time that a frame has at 60 per second.
const FRAME: Duration = Duration::from_micros(16_667);

/// The pane on a screen of its own.
pub(crate) struct Stage {
    ctx: Context,
    kind: PaneKind,
    panes: Panes,
    pub(crate) state: AppState,
    commands: Vec<UiCommand>,
    seconds: f64,
    /// Large pictures that were handed to the screen.
    pub(crate) n_pictures: usize,
}

impl Stage {
    pub(crate) fn new(kind: PaneKind, state: AppState) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        Self {
            ctx,
            kind,
            panes: Panes::default(),
            state,
            commands: Vec::new(),
            seconds: 0.0,
            n_pictures: 0,
        }
    }

    /// One frame up to its triangles, and what the pane asked for.
    pub(crate) fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.seconds += FRAME.as_secs_f64();
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SCREEN.into())),
            time: Some(self.seconds),
            focused: true,
            events,
            ..RawInput::default()
        };
        let start = Instant::now();
        let output = self.ctx.run_ui(input, |ui| {
            self.panes
                .ui(self.kind, ui, &self.state, &mut self.commands);
        });
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let took = start.elapsed();
        drop(triangles);
        let side = SCREEN[0] as usize / 2;
        let is_picture = |delta: &egui::epaint::ImageDelta| delta.image.width() >= side;
        let pictures = output
            .textures_delta
            .set
            .iter()
            .filter(|(_, delta)| delta.iter().any(is_picture));
        self.n_pictures += pictures.count();
        for command in std::mem::take(&mut self.commands) {
            match command {
                UiCommand::SelectItem(item) => self.state.selection.item = item,
                UiCommand::SelectPrefix(codes) => {
                    self.state.selection.pattern = SidPattern::prefix(&codes);
                }
                _ => {}
            }
        }
        took
    }

    pub(crate) fn click(&mut self, at: Pos2) {
        self.frame(press(at));
        self.frame(release(at));
        for _ in 0..4 {
            self.frame(Vec::new());
        }
    }

    /// The middle of the first thing whose name begins so.
    pub(crate) fn find(&mut self, name: &str) -> Option<Pos2> {
        self.find_node(|node| {
            let label = node.label().or_else(|| node.value());
            label.is_some_and(|label| label.starts_with(name))
        })
    }

    /// The middle of the first thing that is so.
    fn find_node(&mut self, is_wanted: impl Fn(&Node) -> bool) -> Option<Pos2> {
        self.ctx.enable_accesskit();
        let mut found = None;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SCREEN.into())),
            time: Some(self.seconds),
            ..RawInput::default()
        };
        let output = self.ctx.run_ui(input, |ui| {
            self.panes
                .ui(self.kind, ui, &self.state, &mut self.commands);
        });
        if let Some(update) = output.platform_output.accesskit_update {
            found = update.nodes.iter().find_map(|(_, node)| {
                let bounds = node.bounds().filter(|_| is_wanted(node))?;
                let middle = [(bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0];
                Some(pos2(middle[0] as f32, middle[1] as f32))
            });
        }
        self.ctx.disable_accesskit();
        found
    }

    pub(crate) fn place(&mut self, name: &str) -> anyhow::Result<Pos2> {
        self.find(name)
            .with_context(|| format!("the pane shows no {name:?}"))
    }

    /// Waits until the search is done, which is when its sign of work goes away, and says how long that took.
    pub(crate) fn settle(&mut self, text: &str) {
        let start = Instant::now();
        let is_working = |node: &Node| node.role() == Role::ProgressIndicator;
        while self.find_node(is_working).is_some() {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!(
            "  {text:?} was answered {:.0} ms after the last of these frames",
            start.elapsed().as_secs_f64() * 1000.0
        );
    }

    /// What stands above the figures of [`Stage::measure`].
    pub(crate) fn header() {
        println!(
            "{:<34} {:>7} {:>9} {:>9} {:>9} {:>8}",
            "frames while", "frames", "median", "p99", "longest", "late"
        );
    }

    /// Frames as fast as a screen shows them, so that helper threads have the time that they have in the window.
    pub(crate) fn measure(
        &mut self,
        name: &str,
        n_frames: usize,
        events: impl Fn(usize) -> Vec<Event>,
    ) {
        let mut times: Vec<Duration> = (0..n_frames)
            .map(|frame| {
                let took = self.frame(events(frame));
                std::thread::sleep(FRAME.saturating_sub(took));
                took
            })
            .collect();
        times.sort_unstable();
        let millis = |idx: usize| times[idx.min(n_frames - 1)].as_secs_f64() * 1000.0;
        println!(
            "{name:<34} {n_frames:>7} {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>8}",
            millis(n_frames / 2),
            millis(n_frames * 99 / 100),
            millis(n_frames - 1),
            times.iter().filter(|took| **took > FRAME).count()
        );
    }
}

pub(crate) fn wheel(at: Pos2, points: f32) -> Vec<Event> {
    vec![
        Event::PointerMoved(at),
        Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, points),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        },
    ]
}

pub(crate) fn key(key: Key) -> Vec<Event> {
    [true, false]
        .map(|pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        })
        .to_vec()
}

pub(crate) fn press(at: Pos2) -> Vec<Event> {
    button(at, true)
}

pub(crate) fn release(at: Pos2) -> Vec<Event> {
    button(at, false)
}

fn button(at: Pos2, pressed: bool) -> Vec<Event> {
    vec![
        Event::PointerMoved(at),
        Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        },
    ]
}
