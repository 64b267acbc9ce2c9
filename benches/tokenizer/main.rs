//! Seconds, error and memory of the tokenizer on random clustered vectors, in turn with what it is compared with.
//!
//! `cargo test --no-run --bench tokenizer` builds it with the dependencies that are there; then run the program that it names.
//! `tokenizer ratios --python PYTHON` measures everything beside faiss and k-means-constrained, which that Python must have;
//! `--only plain-faiss-1000000`, `--only encode` and the like a part of it, by the beginning of its name.
//! `tokenizer one balanced --items 1000000 --dim 128 --codebook 8192 --iters 2` is one measurement.
//!
//! Every measurement is a process of its own, so that its peak memory is its own, too. Both sides read the same files,
//! and take turns: absolute times mean little on a machine that does other work.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

mod data;
mod ratios;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use onerec_workbench::engine::embedding::ItemEmbeddings;
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::residual::fit_residual;
use onerec_workbench::engine::tokenizer::{
    Balance, Code, Codebooks, FitState, FitStep, TokenizerConfig,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::{books, vectors};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: What,
    /// Given by cargo bench; means nothing.
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One measurement of ours, as JSON.
    One {
        work: Work,
        #[command(flatten)]
        size: Size,
        /// Folder with items.npy, and books.npy for encoding; without it, both are made.
        #[arg(long)]
        folder: Option<PathBuf>,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// Prints every sweep.
        #[arg(long)]
        sweeps: bool,
    },
    /// Ours and the others in turn: medians of ratios.
    Ratios {
        #[arg(long, default_value = "python3")]
        python: PathBuf,
        /// Runs of each side.
        #[arg(long, default_value_t = 3)]
        runs: u64,
        /// Only those whose name begins so.
        #[arg(long, default_value = "")]
        only: String,
    },
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Work {
    /// Plain residual K-means.
    Plain,
    /// Balanced residual K-means, Algorithm 1.
    Balanced,
    /// The codes of new items, given codebooks.
    Encode,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Size {
    #[arg(long, default_value_t = 100_000)]
    items: usize,
    #[arg(long, default_value_t = 64)]
    dim: usize,
    #[arg(long, default_value_t = 256)]
    codebook: usize,
    #[arg(long, default_value_t = 3)]
    levels: usize,
    #[arg(long, default_value_t = 20)]
    iters: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// One measurement, ours or another's.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Measured {
    seconds: f64,
    /// Mean over items and dimensions of what is left of the vectors, squared.
    error: f64,
    /// Items of the emptiest and the fullest code.
    least: u32,
    most: u32,
    peak_bytes: f64,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        What::One {
            work,
            size,
            folder,
            seed,
            sweeps,
        } => {
            let measured = one(work, size, folder.as_deref(), seed, sweeps)?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        What::Ratios { python, runs, only } => ratios::run(&python, runs, &only),
    }
}

fn one(
    work: Work,
    size: Size,
    folder: Option<&Path>,
    seed: u64,
    tells_sweeps: bool,
) -> anyhow::Result<Measured> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(size.threads)
        .build_global()?;
    let items = match folder {
        Some(folder) => ItemEmbeddings::load(&folder.join("items.npy"))?,
        None => vectors(size.items, size.dim, 0),
    };
    let mut measured = match work {
        Work::Encode => encode(&items, &books(size)),
        Work::Plain => fit(&items, size, Balance::None, seed, tells_sweeps)?,
        Work::Balanced => fit(&items, size, Balance::Greedy, seed, tells_sweeps)?,
    };
    measured.peak_bytes = peak_memory_bytes()?;
    Ok(measured)
}

fn fit(
    items: &ItemEmbeddings,
    size: Size,
    balance: Balance,
    seed: u64,
    tells_sweeps: bool,
) -> anyhow::Result<Measured> {
    let config = TokenizerConfig {
        n_levels: size.levels,
        codebook_size: size.codebook,
        max_iterations: size.iters,
        balance,
        ..TokenizerConfig::default()
    };
    let mut measured = Measured {
        seconds: 0.0,
        error: f64::NAN,
        least: u32::MAX,
        most: 0,
        peak_bytes: 0.0,
    };
    let start = Instant::now();
    let mut last = start;
    let (mut last_word, mut longest_silence) = (start, 0.0_f64);
    let mut hear = |step: FitStep<'_>| {
        longest_silence = longest_silence.max(last_word.elapsed().as_secs_f64());
        last_word = Instant::now();
        if let FitStep::Level(level) = step {
            if tells_sweeps {
                println!(
                    "level {} sweep {}: {:.3} s, error {:.5}, longest silence {longest_silence:.2} s",
                    level.level_idx,
                    level.iteration,
                    last.elapsed().as_secs_f64(),
                    level.residual_error
                );
                last = Instant::now();
            }
            if level.is_final {
                let (least, most) = (level.load.iter().min(), level.load.iter().max());
                measured.least = measured.least.min(least.copied().unwrap_or(0));
                measured.most = measured.most.max(most.copied().unwrap_or(0));
                measured.error = level.residual_error;
            }
        }
        ControlFlow::Continue(())
    };
    fit_residual(items, &config, Seed(seed), FitState::default(), &mut hear)?;
    measured.seconds = start.elapsed().as_secs_f64();
    Ok(measured)
}

fn encode(items: &ItemEmbeddings, books: &Codebooks) -> Measured {
    let start = Instant::now();
    let codes = books.encode(&items.values);
    Measured {
        seconds: start.elapsed().as_secs_f64(),
        error: reconstruction_error(books, items, &codes),
        least: 0,
        most: 0,
        peak_bytes: 0.0,
    }
}

fn reconstruction_error(books: &Codebooks, items: &ItemEmbeddings, codes: &[Code]) -> f64 {
    let sum: f64 = codes
        .par_chunks_exact(books.n_levels())
        .enumerate()
        .map(|(idx, sid)| {
            let found = books.decode(sid);
            let row = items.row(idx).iter().zip(found);
            row.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
        })
        .sum();
    sum / items.values.len() as f64
}

/// The largest resident memory of this process so far.
fn peak_memory_bytes() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0)
}
