//! Runs in processes of their own: ours and the peer's.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use clap::ValueEnum as _;
use serde_json::Value;

use super::shape::Shape;
use super::{Args, Measured};

/// One run of ours in a process of its own, so that its memory is its own.
pub(crate) fn run_self(args: &Args) -> anyhow::Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    let row = args
        .row
        .to_possible_value()
        .context("every row has a name")?;
    command.arg(row.get_name()).arg("--once");
    command.args(["--device", &args.device, "--dtype", &dtype_name(args)?]);
    for (name, value) in [
        ("--steps", args.steps),
        ("--warmup", args.warmup),
        ("--threads", args.threads),
    ] {
        command.arg(name).arg(value.to_string());
    }
    if let Some(n_items) = args.items {
        command.arg("--items").arg(n_items.to_string());
    }
    read(&mut command)
}

fn dtype_name(args: &Args) -> anyhow::Result<String> {
    let dtype = args.dtype.to_possible_value();
    Ok(dtype
        .context("every dtype has a name")?
        .get_name()
        .to_owned())
}

/// Runs the peer once each way.
pub(crate) fn compiled_is_faster(args: &Args, shape: Shape, folder: &Path) -> anyhow::Result<bool> {
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

pub(crate) fn run_peer(
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
    command.args(["--device", device, "--dtype", &dtype_name(args)?]);
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
pub(crate) fn read(command: &mut Command) -> anyhow::Result<Measured> {
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
