//! Frame work of the panes "Items by semantic ID" and "Codebook" on a synthetic catalogue, without a window: egui's layout, the pane
//! and the tessellation of what it draws, up to what a graphics card would be given.
//!
//! `cargo test --no-run --bench item_pane` builds it with the dependencies that are there; then run the program that
//! it names: `item_pane frames --items 1000000`, `item_pane codebook --codebook 32768` or
//! `item_pane files --items 1000000`.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

mod catalogue;
mod codebook;
mod files;
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use egui::{Event, Key, pos2, vec2};
use onerec_workbench::app::pane::PaneKind;
use onerec_workbench::app::state::{AppState, ItemsState};
use onerec_workbench::engine::run::items::ItemTable;
use onerec_workbench::engine::run::memory::current_bytes;
use onerec_workbench::engine::tokenizer::SidPattern;

use catalogue::{catalogue, plane};
use files::files;
use stage::{Stage, key, press, release, wheel};

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Work {
    /// Frames of the pane while it is used.
    Frames,
    /// Frames of the codebook pane.
    Codebook,
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
    if let Some(path) = &args.write {
        build(&args).save(path)?;
        return Ok(());
    }
    match args.work {
        Work::Frames => frames(build(&args), args.frames),
        Work::Codebook => {
            codebook::frames(args.items, args.codebook, args.frames);
            Ok(())
        }
        Work::Files => files(&build(&args)),
    }
}

/// The catalogue, with what building it took.
fn build(args: &Args) -> ItemTable {
    let before = current_bytes();
    let start = Instant::now();
    let table = catalogue(args.items, args.codebook);
    println!(
        "{} items built in {:.2} s, {} MB",
        table.len(),
        start.elapsed().as_secs_f64(),
        current_bytes().saturating_sub(before) / 1_000_000
    );
    table
}

fn frames(table: ItemTable, n_frames: usize) -> anyhow::Result<()> {
    let plane = plane(table.len());
    let state = AppState {
        items: ItemsState::Ready(Arc::new(table)),
        plane: Some(Arc::new(plane)),
        ..AppState::default()
    };
    let mut stage = Stage::new(PaneKind::SemanticIds, state);
    let start = Instant::now();
    while stage.find("Items, ").is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    println!(
        "index and first order after {:.2} s; resident memory {} MB",
        start.elapsed().as_secs_f64(),
        current_bytes() / 1_000_000
    );
    Stage::header();
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
    while stage.find("Drawn: all").is_none() {
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
