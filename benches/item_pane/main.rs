//! Frame work of the pane "Items by semantic ID" on a synthetic catalogue, without a window: egui's layout, the pane
//! and the tessellation of what it draws, up to what a graphics card would be given.
//!
//! `cargo test --no-run --bench item_pane` builds it with the dependencies that are there; then run the program that
//! it names: `item_pane frames --items 1000000` or `item_pane files --items 1000000`.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

mod catalogue;
mod files;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use egui::{
    Context, Event, Key, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, pos2, vec2,
};
use onerec_workbench::app::command::UiCommand;
use onerec_workbench::app::pane::{PaneKind, Panes};
use onerec_workbench::app::state::{AppState, ItemsState};
use onerec_workbench::app::theme;
use onerec_workbench::engine::run::items::ItemTable;
use onerec_workbench::engine::run::memory::current_bytes;
use onerec_workbench::engine::tokenizer::SidPattern;

use catalogue::{catalogue, plane};
use files::files;

/// Screen in points; one pixel each.
const SCREEN: [f32; 2] = [1280.0, 720.0];
/// The time that a frame has at 60 per second.
const FRAME: Duration = Duration::from_micros(16_667);

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Work {
    /// Frames of the pane while it is used.
    Frames,
    /// Writing and reading the item table, as Parquet and as JSON with one object per item.
    Files,
}

#[derive(Debug, Parser)]
struct Args {
    work: Work,
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    #[arg(long, default_value_t = 8192)]
    codebook: u16,
    /// Frames of each movement.
    #[arg(long, default_value_t = 300)]
    frames: usize,
    /// Writes the table as the item table of that run folder instead, to look at it in the window.
    #[arg(long)]
    write: Option<std::path::PathBuf>,
}

fn main() -> anyhow::Result<()> {
    // Cargo hands this to programs that it takes for its own.
    let args = Args::parse_from(std::env::args().filter(|argument| argument != "--bench"));
    let before = current_bytes();
    let start = Instant::now();
    let table = catalogue(args.items, args.codebook);
    println!(
        "{} items built in {:.2} s, {} MB",
        table.len(),
        start.elapsed().as_secs_f64(),
        current_bytes().saturating_sub(before) / 1_000_000
    );
    if let Some(path) = &args.write {
        table.save(path)?;
        return Ok(());
    }
    match args.work {
        Work::Frames => frames(table, args.frames),
        Work::Files => files(&table),
    }
}

fn frames(table: ItemTable, n_frames: usize) -> anyhow::Result<()> {
    let mut stage = Stage::new(table);
    let start = Instant::now();
    while stage.find("Items, ").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    println!(
        "index and first order after {:.2} s; resident memory {} MB",
        start.elapsed().as_secs_f64(),
        current_bytes() / 1_000_000
    );
    println!(
        "{:<34} {:>7} {:>9} {:>9} {:>9} {:>8}",
        "frames while", "frames", "median", "p99", "longest", "late"
    );
    let table_at = stage.place("Items, ")?;
    let down = |_: usize| wheel(table_at, -420.0);
    stage.measure("the table scrolls", n_frames, down);
    stage.click(table_at);
    stage.measure("the table pages by key", n_frames, |_| key(Key::PageDown));
    stage.measure("the table goes to its end and back", 40, |frame| {
        key(if frame % 2 == 0 { Key::End } else { Key::Home })
    });

    let tree_at = stage.place("Prefix tree, ")?;
    stage.click(pos2(tree_at.x - 60.0, 120.0));
    stage.measure("tree nodes open", n_frames, |frame| match frame % 6 {
        0 => key(Key::ArrowRight),
        3 => key(Key::ArrowDown),
        _ => Vec::new(),
    });
    stage.measure("the tree scrolls", n_frames, |_| wheel(tree_at, -300.0));

    stage.state.selection.item = None;
    stage.state.selection.pattern = SidPattern::default();
    let search_at = stage.place("Search")?;
    stage.click(pos2(search_at.x + 80.0, search_at.y));
    let words: Vec<char> = "river stone 12".chars().collect();
    stage.measure("typing in the search", n_frames, |frame| match frame % 12 {
        0 => words
            .get(frame / 12)
            .map_or_else(Vec::new, |letter| vec![Event::Text(letter.to_string())]),
        _ => Vec::new(),
    });
    stage.settle("river stone 12");
    stage.measure("the search is taken back", 60, |frame| match frame {
        0 => key(Key::Escape),
        _ => Vec::new(),
    });
    stage.settle("");
    let title_at = stage.place("Title")?;
    stage.measure("ordering by title", 120, |frame| match frame {
        0 => press(title_at),
        1 => release(title_at),
        _ => Vec::new(),
    });

    let map_at = stage.place("Map")?;
    stage.click(map_at);
    while stage.find("drawn: all").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let middle = stage.place("Map of ")?;
    stage.measure("the map is pointed at", n_frames, |frame| {
        let angle = frame as f32 * 0.1;
        vec![Event::PointerMoved(
            middle + vec2(150.0 * angle.cos(), 120.0 * angle.sin()),
        )]
    });
    stage.frame(press(middle));
    stage.measure("the map is dragged", n_frames, |frame| {
        let angle = frame as f32 * 0.15;
        vec![Event::PointerMoved(
            middle + vec2(120.0 * angle.sin(), 80.0 * angle.sin()),
        )]
    });
    stage.frame(release(middle));
    stage.measure("the map zooms", n_frames, |frame| {
        wheel(middle, if frame % 100 < 50 { 30.0 } else { -30.0 })
    });
    println!(
        "pictures of the map: {} in {} frames of movement",
        stage.n_pictures,
        3 * n_frames
    );
    Ok(())
}

/// The pane on a screen of its own.
struct Stage {
    ctx: Context,
    panes: Panes,
    state: AppState,
    commands: Vec<UiCommand>,
    seconds: f64,
    /// Textures of the map that were handed to the screen.
    n_pictures: usize,
}

impl Stage {
    fn new(table: ItemTable) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        let plane = plane(table.len());
        let state = AppState {
            items: ItemsState::Ready(Arc::new(table)),
            plane: Some(Arc::new(plane)),
            ..AppState::default()
        };
        Self {
            ctx,
            panes: Panes::default(),
            state,
            commands: Vec::new(),
            seconds: 0.0,
            n_pictures: 0,
        }
    }

    /// One frame up to its triangles, and what the pane asked for.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
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
                .ui(PaneKind::SemanticIds, ui, &self.state, &mut self.commands);
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

    fn click(&mut self, at: Pos2) {
        self.frame(press(at));
        self.frame(release(at));
        for _ in 0..4 {
            self.frame(Vec::new());
        }
    }

    /// The middle of the first thing whose name begins so.
    fn find(&mut self, name: &str) -> Option<Pos2> {
        self.ctx.enable_accesskit();
        let mut found = None;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SCREEN.into())),
            time: Some(self.seconds),
            ..RawInput::default()
        };
        let output = self.ctx.run_ui(input, |ui| {
            self.panes
                .ui(PaneKind::SemanticIds, ui, &self.state, &mut self.commands);
        });
        if let Some(update) = output.platform_output.accesskit_update {
            found = update.nodes.iter().find_map(|(_, node)| {
                let label = node.label().or_else(|| node.value())?;
                let bounds = node.bounds().filter(|_| label.starts_with(name))?;
                let middle = [(bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0];
                Some(pos2(middle[0] as f32, middle[1] as f32))
            });
        }
        self.ctx.disable_accesskit();
        found
    }

    fn place(&mut self, name: &str) -> anyhow::Result<Pos2> {
        self.find(name)
            .with_context(|| format!("the pane shows no {name:?}"))
    }

    /// Waits until the search is done, and says how long that took.
    fn settle(&mut self, text: &str) {
        let start = Instant::now();
        // The sign of work turns, and so asks for frames, until the answer is there.
        while self.frame_asks_for_more() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!(
            "  {text:?} was answered {:.0} ms after the last of these frames",
            start.elapsed().as_secs_f64() * 1000.0
        );
    }

    fn frame_asks_for_more(&mut self) -> bool {
        self.frame(Vec::new());
        self.ctx.has_requested_repaint()
    }

    /// Frames as fast as a screen shows them, so that helper threads have the time that they have in the window.
    fn measure(&mut self, name: &str, n_frames: usize, events: impl Fn(usize) -> Vec<Event>) {
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

fn wheel(at: Pos2, points: f32) -> Vec<Event> {
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

fn key(key: Key) -> Vec<Event> {
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

fn press(at: Pos2) -> Vec<Event> {
    button(at, true)
}

fn release(at: Pos2) -> Vec<Event> {
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
