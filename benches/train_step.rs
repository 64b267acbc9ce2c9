//! Seconds, tokens per second and memory of one training step, beside PyTorch where it is given.
//!
//! `cargo test --no-run --bench train_step` builds it with the dependencies that are there; then run the program that it names:
//! `train_step dense --peer FOLDER --python PATH` alternates our step with that of the peer's train_step.py, eager and
//! compiled, whichever is faster, each in a process of its own; the last line is the median ratio.
//! `train_step large --device cuda` is the same on a GPU; `train_step dense --grow FOLDER` measures how the cost grows.
//! Both sides do the same work: the same shapes, one optimiser step on random tokens. Their initial weights differ.
//! Absolute times mean little on a machine that does other work, too.
#![expect(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use clap::{Parser, ValueEnum};
use onerec_workbench::engine::batch::{ContextBatch, FeatureSpec, HistoryBatch};
use onerec_workbench::engine::chart::{LineChart, Series};
use onerec_workbench::engine::device::{BackendChoice, DeviceConfig, choose};
use onerec_workbench::engine::loss::next_token;
use onerec_workbench::engine::model::ModelConfig;
use onerec_workbench::engine::optim::AdamW;
use onerec_workbench::engine::seed::Seed;
use onerec_workbench::engine::tokenizer::vocab::TokenVocab;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// What is measured. The peer has as many encoder as decoder layers and one width of all feed-forward layers, so both
/// sides have them here; a sample is one history and one item.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Row {
    /// Width 256, 4 + 4 layers, 60 tokens of history.
    Dense,
    /// The same with 24 experts, 2 active.
    Experts,
    /// The sizes of the smoke preset.
    Smoke,
    /// The sizes of the small preset.
    Small,
    /// 0.121 billion parameters, dense; for a GPU.
    Large,
    /// 0.9 billion parameters, 24 experts, 2 active; for a GPU.
    Huge,
}

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
    /// The peer's numbers: float32 or bfloat16.
    #[arg(long, default_value = "float32")]
    dtype: String,
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

/// Sizes of a step.
#[derive(Clone, Copy, Debug)]
struct Shape {
    d_model: usize,
    n_heads: usize,
    n_layers: usize,
    d_ff: usize,
    n_experts: usize,
    n_active: usize,
    n_items: usize,
    n_levels: usize,
    codebook_size: usize,
    batch_size: usize,
}

impl Row {
    fn shape(self) -> Shape {
        let dense = Shape {
            d_model: 256,
            n_heads: 4,
            n_layers: 4,
            d_ff: 704,
            n_experts: 0,
            n_active: 2,
            n_items: 15,
            n_levels: 3,
            codebook_size: 256,
            batch_size: 128,
        };
        let small = Shape {
            d_model: 128,
            n_layers: 2,
            d_ff: 256,
            n_experts: 24,
            n_items: 20,
            ..dense
        };
        let large = Shape {
            d_model: 1024,
            n_heads: 8,
            d_ff: 1408,
            n_items: 101,
            codebook_size: 8192,
            ..dense
        };
        match self {
            Self::Dense => dense,
            Self::Experts => Shape {
                n_experts: 24,
                ..dense
            },
            Self::Smoke => Shape {
                d_model: 64,
                d_ff: 128,
                n_items: 15,
                codebook_size: 64,
                batch_size: 64,
                ..small
            },
            Self::Small => small,
            Self::Large => large,
            Self::Huge => Shape {
                d_ff: 2688,
                n_experts: 24,
                ..large
            },
        }
    }
}

impl Shape {
    fn history_tokens(&self) -> usize {
        self.n_items * (self.n_levels + 1)
    }

    fn tokens(&self) -> usize {
        self.batch_size * (self.history_tokens() + self.n_levels)
    }
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
    let shape = args.row.shape();
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
        ..ModelConfig::default()
    };
    let mut model = config.init(vocab, 1, &FeatureSpec::default(), Seed(0), &device);
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
        [n_rows, shape.n_levels],
        0..shape.codebook_size as i64,
        &mut rng,
        &device,
    );
    let context = ContextBatch::Session(HistoryBatch {
        is_pad: tokens.clone().equal_elem(0),
        tokens,
        has_padding: false,
    });
    let weight = Tensor::ones([n_rows, shape.n_levels], &device);
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

/// One run of ours in a process of its own, so that its memory is its own.
fn run_self(args: &Args) -> anyhow::Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    let row = args
        .row
        .to_possible_value()
        .context("every row has a name")?;
    command.arg(row.get_name()).arg("--once");
    command.args(["--device", &args.device]);
    for (name, value) in [
        ("--steps", args.steps),
        ("--warmup", args.warmup),
        ("--threads", args.threads),
    ] {
        command.arg(name).arg(value.to_string());
    }
    read(&mut command)
}

/// Runs the peer once each way.
fn compiled_is_faster(args: &Args, shape: Shape, folder: &Path) -> anyhow::Result<bool> {
    let eager = run_peer(args, shape, folder, false)?;
    println!("peer, eager: {:.3} s", eager.seconds);
    match run_peer(args, shape, folder, true) {
        Ok(compiled) => {
            println!("peer, compiled: {:.3} s", compiled.seconds);
            Ok(compiled.seconds < eager.seconds)
        }
        Err(error) => {
            println!("peer, compiled: does not run here: {error}");
            Ok(false)
        }
    }
}

fn run_peer(
    args: &Args,
    shape: Shape,
    folder: &Path,
    is_compiled: bool,
) -> anyhow::Result<Measured> {
    // The peer prints its times; what it took from the system is added behind them.
    let program = "import json, resource, runpy, sys\n\
        sys.path.insert(0, sys.argv[1]); sys.argv = [sys.argv[1] + '/train_step.py'] + sys.argv[2:]\n\
        runpy.run_path(sys.argv[0], run_name='__main__')\n\
        print(json.dumps({'peak_bytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))";
    let mut command = Command::new(&args.python);
    command.args(["-c", program]).arg(folder);
    let device = if args.device == "cuda" { "cuda" } else { "cpu" };
    command.args(["--device", device, "--dtype", &args.dtype]);
    if is_compiled {
        command.arg("--compile");
    }
    for (name, value) in [
        ("--threads", args.threads),
        ("--steps", args.steps),
        ("--warmup", args.warmup),
        ("--d-model", shape.d_model),
        ("--n-heads", shape.n_heads),
        ("--n-layers", shape.n_layers),
        ("--d-ff", shape.d_ff),
        ("--n-experts", shape.n_experts),
        ("--top-k", shape.n_active),
        ("--src-len", shape.history_tokens()),
        ("--n-levels", shape.n_levels),
        ("--codebook-size", shape.codebook_size),
        ("--batch-size", shape.batch_size),
    ] {
        command.arg(name).arg(value.to_string());
    }
    read(&mut command)
}

/// Runs a program that prints its seconds and its memory as JSON, in one line or two.
fn read(command: &mut Command) -> anyhow::Result<Measured> {
    let output = command.output().context("the program did not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let field = |name: &str| {
        lines
            .iter()
            .find_map(|line| line[name].as_f64())
            .with_context(|| {
                let errors = String::from_utf8_lossy(&output.stderr);
                let last = errors.lines().last().unwrap_or_default();
                format!("no {name}: {last}")
            })
    };
    Ok(Measured {
        seconds: field("median_secs")?,
        peak_bytes: field("peak_bytes")?,
    })
}

/// One size after the other, all else as in `shape`.
fn grow(args: &Args, shape: Shape, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    type Change = fn(&mut Shape, usize);
    let sizes: [(&str, &[usize], Change); 6] = [
        ("d_model", &[64, 128, 256, 384, 512], |shape, n| {
            shape.d_model = n;
            shape.d_ff = n * 11 / 4;
        }),
        ("layers of each stack", &[1, 2, 4, 6, 8], |shape, n| {
            shape.n_layers = n;
        }),
        ("items of history", &[5, 15, 30, 60, 120], |shape, n| {
            shape.n_items = n;
        }),
        (
            "codes per level",
            &[64, 256, 1024, 4096, 8192],
            |shape, n| {
                shape.codebook_size = n;
            },
        ),
        ("experts, 2 active", &[2, 4, 8, 16, 24, 48], |shape, n| {
            shape.n_experts = n;
        }),
        ("active experts of 24", &[1, 2, 4, 8], |shape, n| {
            shape.n_experts = 24;
            shape.n_active = n;
        }),
    ];
    for (name, values, change) in sizes {
        let mut points = Vec::new();
        for value in values {
            let mut shape = shape;
            change(&mut shape, *value);
            let measured = step_seconds(args, shape)?;
            println!("{name} {value}: {:.3} s", measured.seconds);
            points.push((*value as f64, measured.seconds));
        }
        let chart = LineChart {
            title: format!("Seconds per training step by {name}"),
            x_label: name.to_owned(),
            y_label: "seconds per step".to_owned(),
            series: vec![Series {
                name: "seconds".to_owned(),
                points,
            }],
            ..LineChart::default()
        };
        let file = name.replace([' ', ','], "_");
        chart.write_csv(&folder.join(format!("{file}.csv")))?;
        chart.write_svg(&folder.join(format!("{file}.svg")))?;
    }
    Ok(())
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
