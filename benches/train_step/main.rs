//! Seconds, tokens per second and memory of one training step, beside PyTorch where it is given.
//!
//! `cargo test --no-run --bench train_step` builds it with the dependencies that are there; then run the program that it names:
//! `train_step dense --peer FOLDER --python PATH` alternates our step with that of the peer's train_step.py, eager and
//! compiled, whichever is faster, each in a process of its own; the last line is the median ratio.
//! `train_step large --device cuda` is the same on a GPU; `train_step dense --grow FOLDER` measures how the cost grows.
//! Both sides do the same work: the same shapes, one optimiser step on random tokens. Their initial weights differ.
//! Absolute times mean little on a machine that does other work, too.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

mod grow;
mod peer;
mod shape;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::{Parser, ValueEnum};
use onerec_workbench::engine::batch::{ContextBatch, FeatureSpec, HistoryBatch};
use onerec_workbench::engine::device::{BackendChoice, DeviceConfig, choose};
use onerec_workbench::engine::loss::next_token;
use onerec_workbench::engine::model::ModelConfig;
use onerec_workbench::engine::model::config::{Precision, System};
use onerec_workbench::engine::model::lazy_decoder::config::LazyConfig;
use onerec_workbench::engine::optim::AdamW;
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::vocab::TokenVocab;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use grow::grow;
use peer::{compiled_is_faster, run_peer, run_self};
use shape::{Row, Shape};

#[derive(Debug, Parser)]
struct Args {
    row: Row,
    /// Timed steps of a run.
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Steps before those.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Runs of each side, in turn.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// cpu, wgpu or cuda.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Folder of the peer's programs (train_step.py).
    #[arg(long)]
    peer: Option<PathBuf>,
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Numbers of both sides: float32 or bfloat16; the weights of ours stay float32.
    #[arg(long, default_value = "float32")]
    dtype: Dtype,
    /// Items of history in the place of the row's.
    #[arg(long)]
    items: Option<usize>,
    /// Seconds per step against each size, as CSV and charts in this folder.
    #[arg(long)]
    grow: Option<PathBuf>,
    /// One run of ours in this process.
    #[arg(long)]
    once: bool,
    /// Passed on by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Names that the peer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dtype {
    Float32,
    Bfloat16,
}

/// One run.
#[derive(Clone, Copy, Debug)]
struct Measured {
    seconds: f64,
    peak_bytes: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()?;
    let mut shape = args.row.shape();
    if let Some(n_items) = args.items {
        shape.n_items = n_items;
    }
    if args.once {
        let measured = step_seconds(&args, shape)?;
        println!(
            "{}",
            json!({"median_secs": measured.seconds, "peak_bytes": measured.peak_bytes})
        );
        return Ok(());
    }
    if let Some(folder) = &args.grow {
        return grow(&args, shape, folder);
    }
    compare(&args, shape)
}

fn compare(args: &Args, shape: Shape) -> anyhow::Result<()> {
    anyhow::ensure!(
        args.peer.is_none() || shape.lazy_kv_heads.is_none(),
        "the peer has no lazy decoder"
    );
    let (mut ours, mut peers, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut compile = None;
    for _ in 0..args.runs {
        let own = run_self(args)?;
        ours.push(own);
        print_run("ours", own, shape);
        let Some(folder) = &args.peer else { continue };
        let is_compiled = match compile {
            Some(is_compiled) => is_compiled,
            None => *compile.insert(compiled_is_faster(args, shape, folder)?),
        };
        let peer = run_peer(args, shape, folder, is_compiled)?;
        print_run("peer", peer, shape);
        println!("ratio: {:.2}", peer.seconds / own.seconds);
        peers.push(peer);
        ratios.push(peer.seconds / own.seconds);
    }
    for (name, runs) in [("ours", &ours), ("peer", &peers)] {
        if runs.is_empty() {
            continue;
        }
        let seconds = median(runs.iter().map(|run| run.seconds).collect());
        let peak = median(runs.iter().map(|run| run.peak_bytes).collect());
        println!(
            "{name}: median {seconds:.3} s, {:.0} tokens/s, peak memory {:.0} MB",
            shape.tokens() as f64 / seconds,
            peak / 1e6
        );
    }
    if !ratios.is_empty() {
        println!("median ratio: {:.2}", median(ratios));
    }
    Ok(())
}

fn print_run(name: &str, run: Measured, shape: Shape) {
    println!(
        "{name}: {:.3} s, {:.0} tokens/s, peak memory {:.0} MB",
        run.seconds,
        shape.tokens() as f64 / run.seconds,
        run.peak_bytes / 1e6
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median time of our step, and the process's peak memory.
fn step_seconds(args: &Args, shape: Shape) -> anyhow::Result<Measured> {
    let Some(backend) = BackendChoice::ALL
        .into_iter()
        .find(|backend| backend.name() == args.device)
    else {
        bail!("no device {}", args.device);
    };
    let (device, _) = choose(&DeviceConfig { backend, index: 0 })?;
    let device = device.autodiff();
    let vocab = TokenVocab {
        n_levels: shape.n_levels,
        codebook_size: shape.codebook_size,
    };
    let config = ModelConfig {
        d_model: shape.d_model,
        n_heads: shape.n_heads,
        n_encoder_layers: shape.n_layers,
        n_decoder_layers: shape.n_layers,
        d_ff: shape.d_ff,
        n_experts: shape.n_experts,
        n_active_experts: shape.n_active,
        d_ff_expert: shape.d_ff,
        history_len: shape.n_items,
        system: match shape.lazy_kv_heads {
            Some(_) => System::Lazy,
            None => System::Session,
        },
        precision: match args.dtype {
            Dtype::Float32 => Precision::F32,
            Dtype::Bfloat16 => Precision::Bf16,
        },
        lazy: LazyConfig {
            n_kv_heads: shape.lazy_kv_heads.unwrap_or_default(),
            ..LazyConfig::default()
        },
        ..ModelConfig::default()
    };
    let mut model = config.init(
        vocab,
        shape.slate_len,
        &FeatureSpec::default(),
        Seed(0),
        &device,
    );
    let mut optimizer = AdamW::new(0.1, 0.0);
    let mut rng = Seed(0).rng("bench.tokens", 0);
    let n_rows = shape.batch_size;
    let first_code = TokenVocab::N_SPECIAL as i64;
    let tokens = integers(
        [n_rows, shape.history_tokens()],
        first_code..vocab.size() as i64,
        &mut rng,
        &device,
    );
    let codes = integers(
        [n_rows, shape.slate_codes()],
        0..shape.codebook_size as i64,
        &mut rng,
        &device,
    );
    let context = ContextBatch::Session(HistoryBatch {
        is_pad: tokens.clone().equal_elem(0),
        tokens,
        has_padding: false,
    });
    let weight = Tensor::ones([n_rows, shape.slate_codes()], &device);
    let mut seconds = Vec::new();
    for step in 0..args.warmup + args.steps {
        let start = Instant::now();
        let memory = model.encode(&context);
        let logits = model.decode(&memory, codes.clone());
        let loss = next_token(logits, codes.clone(), weight.clone(), shape.n_levels);
        let grads = GradientsParams::from_grads(loss.mean.backward(), &model);
        (model, _) = optimizer.step(1e-3, model, grads);
        let loss: f32 = loss.mean.into_scalar();
        anyhow::ensure!(loss.is_finite(), "the loss is {loss}");
        if step >= args.warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    Ok(Measured {
        seconds: median(seconds),
        peak_bytes: peak_memory_bytes()?,
    })
}

fn integers(
    shape: [usize; 2],
    range: std::ops::Range<i64>,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Tensor<2, Int> {
    let n_values = shape[0] * shape[1];
    let values: Vec<i64> = (0..n_values)
        .map(|_| rng.random_range(range.clone()))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
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
