//! Ours and the others in turn, on the same files: medians of ratios.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use clap::ValueEnum as _;

use crate::data::{books, vectors, write_npy};
use crate::{Measured, Size, Work};

/// With what ours is compared.
#[derive(Clone, Copy, Debug)]
enum Other {
    Faiss,
    Constrained,
    /// Our own plain K-means.
    Plain,
}

/// One ratio.
struct Ratio {
    work: Work,
    other: Other,
    size: Size,
}

/// Where a run would take very long, it has few iterations: both sides have as many, and all iterations of a side
/// take about the same time.
const RATIOS: [Ratio; 11] = [
    ratio(Work::Plain, Other::Faiss, 100_000, 256, 3, 20),
    ratio(Work::Plain, Other::Faiss, 100_000, 8192, 3, 5),
    ratio(Work::Plain, Other::Faiss, 1_000_000, 256, 3, 20),
    ratio(Work::Plain, Other::Faiss, 1_000_000, 8192, 3, 2),
    ratio(Work::Balanced, Other::Plain, 100_000, 256, 3, 20),
    ratio(Work::Balanced, Other::Plain, 100_000, 8192, 3, 5),
    ratio(Work::Balanced, Other::Plain, 1_000_000, 256, 3, 20),
    ratio(Work::Balanced, Other::Plain, 1_000_000, 8192, 3, 2),
    ratio(Work::Balanced, Other::Constrained, 20_000, 256, 1, 5),
    ratio(Work::Encode, Other::Faiss, 1_000_000, 256, 3, 1),
    ratio(Work::Encode, Other::Faiss, 1_000_000, 8192, 3, 1),
];

const fn ratio(
    work: Work,
    other: Other,
    items: usize,
    codebook: usize,
    levels: usize,
    iters: usize,
) -> Ratio {
    let size = Size {
        items,
        dim: 64,
        codebook,
        levels,
        iters,
        threads: 2,
    };
    Ratio { work, other, size }
}

impl Ratio {
    fn name(&self) -> String {
        let Size {
            items, codebook, ..
        } = self.size;
        format!("{:?}-{:?}-{items}-{codebook}", self.work, self.other).to_lowercase()
    }
}

/// Runs both sides in turn, prints every run and the medians.
pub(crate) fn run(python: &Path, runs: u64, only: &str) -> anyhow::Result<()> {
    for ratio in RATIOS {
        let name = ratio.name();
        if !name.starts_with(only) {
            continue;
        }
        let Ratio { work, other, size } = ratio;
        let folder = tempfile::tempdir()?;
        let items = vectors(size.items, size.dim, 0).values;
        let path = folder.path().join("items.npy");
        write_npy(&path, &[size.items, size.dim], &items)?;
        if work == Work::Encode {
            let path = folder.path().join("books.npy");
            let shape = [size.levels, size.codebook, size.dim];
            write_npy(&path, &shape, books(size).values())?;
        }
        let mut pairs = Vec::new();
        for seed in 0..runs {
            let our = ours(work, size, folder.path(), seed)?;
            let theirs = match other {
                Other::Plain => ours(Work::Plain, size, folder.path(), seed)?,
                Other::Faiss => peer(python, work, "faiss", size, folder.path(), seed)?,
                Other::Constrained => peer(python, work, "constrained", size, folder.path(), seed)?,
            };
            println!("{name} run {seed}: ours {our:?}");
            println!("{name} run {seed}: theirs {theirs:?}");
            pairs.push((our, theirs));
        }
        let median_of = |of: &dyn Fn(&(Measured, Measured)) -> f64| {
            let mut values: Vec<f64> = pairs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            (
                values[0],
                values[values.len() / 2],
                values[values.len() - 1],
            )
        };
        let (least, ratio, most) = median_of(&|(ours, theirs)| theirs.seconds / ours.seconds);
        let (_, error, _) = median_of(&|(ours, theirs)| 100.0 * (ours.error / theirs.error - 1.0));
        let (_, _, our_peak) = median_of(&|(ours, _)| ours.peak_bytes / 1e9);
        let (_, _, their_peak) = median_of(&|(_, theirs)| theirs.peak_bytes / 1e9);
        println!(
            "{name}: {other:?} takes {ratio:.2} times as long as ours ({least:.2} to {most:.2} in {runs} pairs of runs), \
             our error {error:+.2}%, sizes {} to {}, peak memory {our_peak:.2} and {their_peak:.2} GB",
            pairs.iter().map(|(ours, _)| ours.least).min().unwrap_or(0),
            pairs.iter().map(|(ours, _)| ours.most).max().unwrap_or(0),
        );
    }
    Ok(())
}

fn ours(work: Work, size: Size, folder: &Path, seed: u64) -> anyhow::Result<Measured> {
    let work = work.to_possible_value().context("a work without a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("one").arg(work.get_name());
    command.arg("--folder").arg(folder);
    for (name, value) in [
        ("--items", size.items as u64),
        ("--dim", size.dim as u64),
        ("--codebook", size.codebook as u64),
        ("--levels", size.levels as u64),
        ("--iters", size.iters as u64),
        ("--threads", size.threads as u64),
        ("--seed", seed),
    ] {
        command.arg(name).arg(value.to_string());
    }
    read(&mut command)
}

fn peer(
    python: &Path,
    work: Work,
    method: &str,
    size: Size,
    folder: &Path,
    seed: u64,
) -> anyhow::Result<Measured> {
    let mut command = Command::new(python);
    command.arg("benches/tokenizer/peer.py");
    if work == Work::Encode {
        command.arg("encode").arg(folder);
        command.arg(size.threads.to_string());
    } else {
        command.arg("kmeans").arg(folder).arg(method);
        for value in [size.codebook, size.levels, size.iters, size.threads] {
            command.arg(value.to_string());
        }
        command.arg(seed.to_string());
    }
    read(&mut command)
}

/// Runs a program whose last line is a measurement.
fn read(command: &mut Command) -> anyhow::Result<Measured> {
    let output = command.output().context("the program did not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("{command:?} said nothing: {errors}")
    })?;
    serde_json::from_str(line).with_context(|| format!("{command:?} said {line}"))
}
