//! Seconds, error and memory of the tokenizer on random clustered vectors, beside a peer where one is given.
//!
//! `cargo test --no-run --bench tokenizer` builds it with the dependencies that are there; then run the program that it names:
//! `tokenizer residual-kmeans --items 100000 --dim 64 --codebook 256 --iters 20`
//! With `--peer DIR --python PATH` the peer's program runs in turn with ours on vectors of the same kind, and the last
//! line is the median ratio. Absolute times mean little on a machine that does other work, too.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use onerec_workbench::engine::embedding::ItemEmbeddings;
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::residual::{ResidualFit, fit_residual};
use onerec_workbench::engine::tokenizer::{
    Assignment, Balance, Code, Codebooks, Init, TokenizerConfig,
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Work {
    /// Plain residual K-means.
    ResidualKmeans,
    /// Balanced residual K-means, Algorithm 1.
    Balanced,
    /// The codes of new items, given codebooks.
    Encode,
}

#[derive(Debug, Parser)]
struct Args {
    work: Work,
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
    /// K-means++ instead of random first centroids.
    #[arg(long)]
    plus_plus: bool,
    /// Runs of each side, in turn.
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Folder of the peer's programs (kmeans.py); encoding brings its own.
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Method of the peer: faiss, sklearn or constrained.
    #[arg(long, default_value = "faiss")]
    method: String,
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
struct Measured {
    seconds: f64,
    error: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()?;
    let mut own = Vec::new();
    let mut ratios = Vec::new();
    for run_idx in 0..args.runs {
        let ours = match args.work {
            Work::ResidualKmeans | Work::Balanced => fit(&args, run_idx as u64)?,
            Work::Encode => encode(&args)?,
        };
        println!("ours: {:.3} s, error {:.5}", ours.seconds, ours.error);
        own.push(ours.seconds);
        if args.work != Work::Encode
            && let Some(folder) = &args.peer
        {
            let peer = run_peer(&args, folder, run_idx)?;
            println!("peer: {:.3} s, error {:.5}", peer.seconds, peer.error);
            println!(
                "ratio: {:.2}, error {:+.2}%",
                peer.seconds / ours.seconds,
                100.0 * (ours.error / peer.error - 1.0)
            );
            ratios.push(peer.seconds / ours.seconds);
        }
    }
    println!("median: {:.3} s", median(own));
    if !ratios.is_empty() {
        println!("median ratio: {:.2}", median(ratios));
    }
    println!("peak memory: {:.2} GB", peak_memory_bytes()? / 1e9);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn fit(args: &Args, seed: u64) -> anyhow::Result<Measured> {
    let embeddings = vectors(args.items, args.dim, 0);
    let is_balanced = args.work == Work::Balanced;
    let config = TokenizerConfig {
        n_levels: args.levels,
        codebook_size: args.codebook,
        max_iterations: args.iters,
        balance: if is_balanced {
            Balance::Greedy
        } else {
            Balance::None
        },
        init: if args.plus_plus {
            Init::KmeansPlusPlus
        } else {
            Init::Random
        },
        assignment: Assignment::Balanced,
        ..TokenizerConfig::default()
    };
    let mut sizes = (u32::MAX, 0);
    let mut error = f64::NAN;
    let start = Instant::now();
    let mut last = start;
    let ResidualFit { sweeps, .. } =
        fit_residual(&embeddings, &config, Seed(seed), &mut |level| {
            if std::env::var_os("SWEEPS").is_some() {
                println!(
                    "level {} sweep {}: {:.3} s, error {:.5}",
                    level.level_idx,
                    level.iteration,
                    last.elapsed().as_secs_f64(),
                    level.residual_error
                );
                last = Instant::now();
            }
            if level.is_final {
                let (least, most) = (level.load.iter().min(), level.load.iter().max());
                sizes.0 = sizes.0.min(least.copied().unwrap_or(0));
                sizes.1 = sizes.1.max(most.copied().unwrap_or(0));
            }
            error = level.residual_error;
            ControlFlow::Continue(())
        })?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "sweeps {sweeps:?}, items per code {} to {}",
        sizes.0, sizes.1
    );
    Ok(Measured { seconds, error })
}

/// Encodes other vectors of the same kind; codewords are a part of them, halved from level to level.
fn encode(args: &Args) -> anyhow::Result<Measured> {
    let items = vectors(args.items, args.dim, 1);
    let rows = vectors(args.codebook * args.levels, args.dim, 0).values;
    let values = rows
        .into_iter()
        .enumerate()
        .map(|(idx, value)| value / [1.0, 3.0, 9.0][(idx / (args.codebook * args.dim)).min(2)])
        .collect();
    let books = Codebooks::new(args.levels, args.codebook, args.dim, values);
    let start = Instant::now();
    let codes = books.encode(&items.values);
    let seconds = start.elapsed().as_secs_f64();
    let error = reconstruction_error(&books, &items, &codes);
    if args.peer.is_some() {
        let folder = tempfile::tempdir()?;
        write_npy(
            &folder.path().join("items.npy"),
            &[args.items, args.dim],
            &items.values,
        )?;
        let shape = [args.levels, args.codebook, args.dim];
        write_npy(&folder.path().join("books.npy"), &shape, books.values())?;
        let program = "benches/faiss_encode.py";
        let peer = read_seconds(
            Command::new(&args.python)
                .arg(program)
                .arg(folder.path())
                .arg(args.threads.to_string()),
        )?;
        println!("peer: {:.3} s, error {:.5}", peer.seconds, peer.error);
        println!("ratio: {:.2}", peer.seconds / seconds);
    }
    Ok(Measured { seconds, error })
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

/// 512 centres from N(0, 1), items around them with half that spread.
fn vectors(n_items: usize, dim: usize, stream: u64) -> ItemEmbeddings {
    let mut rng = Seed(0).rng("bench.centres", 0);
    let centres: Vec<f32> = (0..512 * dim).map(|_| normal(&mut rng)).collect();
    let values = (0..n_items.div_ceil(4096))
        .into_par_iter()
        .flat_map_iter(|part| {
            let mut rng = Seed(stream).rng("bench.items", part as u64);
            let n = 4096.min(n_items - part * 4096);
            let mut values = Vec::with_capacity(n * dim);
            for _ in 0..n {
                let centre = rng.random_range(0..512) * dim;
                for value in &centres[centre..centre + dim] {
                    values.push(value + 0.5 * normal(&mut rng));
                }
            }
            values
        })
        .collect();
    ItemEmbeddings { values, dim }
}

/// Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

fn run_peer(args: &Args, folder: &Path, run_idx: usize) -> anyhow::Result<Measured> {
    let mut command = Command::new(&args.python);
    command.arg(folder.join("kmeans.py"));
    for (name, value) in [
        ("--n-items", args.items),
        ("--dim", args.dim),
        ("--codebook-size", args.codebook),
        ("--n-levels", args.levels),
        ("--iters", args.iters),
        ("--threads", args.threads),
        ("--seed", run_idx),
    ] {
        command.arg(name).arg(value.to_string());
    }
    read_seconds(command.arg("--method").arg(&args.method))
}

/// Runs a program whose last line is JSON with its seconds and errors.
fn read_seconds(command: &mut Command) -> anyhow::Result<Measured> {
    let output = command.output().context("the peer did not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| {
        format!(
            "the peer said nothing: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let answer: serde_json::Value = serde_json::from_str(line)?;
    let error = &answer["levels"]
        .as_array()
        .and_then(|levels| levels.last().cloned());
    Ok(Measured {
        seconds: answer["seconds"].as_f64().context("no seconds")?,
        error: error
            .as_ref()
            .and_then(|level| level["residual_mse"].as_f64())
            .context("no error")?,
    })
}

fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> anyhow::Result<()> {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}",
        shape.join(", ")
    );
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(header.len() as u16).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for value in values {
        file.write_all(&value.to_le_bytes())?;
    }
    Ok(file.flush()?)
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
