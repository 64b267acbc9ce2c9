//! The command line: one more client of the engine, beside the window.

mod align;
mod args;
mod client;
mod data;
mod doctor;
mod encode;
mod export;
mod generate;
mod output;
mod run;
mod simulate;
mod size;
mod summary;
mod terminal;
mod tokenize;
mod window;

use std::process::ExitCode;

use clap::Parser as _;
use onerec_workbench::engine::error::{EngineError, Failure, FailureKind};

use args::{Command, CommandLine, DataCommand};

/// Parses the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version arrive here too; clap knows where each goes and which code it has.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match line.command {
        None => window::open(line.path),
        Some(Command::Run(args)) => run::start(&args),
        Some(Command::Tokenize(args)) => tokenize::tokenize(&args),
        Some(Command::Align(args)) => align::compare(&args),
        Some(Command::Resume(args)) => run::resume(args),
        Some(Command::Data(DataCommand::Inspect(args))) => data::inspect(args),
        Some(Command::Data(DataCommand::Check(args))) => data::check(args),
        Some(Command::Size(args)) => size::tell(&args),
        Some(Command::Simulate(args)) => simulate::simulate(&args),
        Some(Command::Evaluate(args)) => run::evaluate(args.run, &args.output),
        Some(Command::Generate(args)) => generate::generate(args),
        Some(Command::Export(args)) => export::export(args),
        Some(Command::Doctor(args)) => doctor::examine(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            ExitCode::from(exit_code(failure.kind))
        }
    }
}

fn tell(failure: &Failure) {
    if failure.kind == FailureKind::Stopped {
        output::remark(&failure.message);
    } else {
        output::remark(&format!("error: {}", failure.message));
    }
    if let Some(hint) = &failure.hint {
        output::remark(&format!("hint: {hint}"));
    }
}

fn exit_code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Other => 1,
        FailureKind::Usage => 2,
        FailureKind::Data => 3,
        FailureKind::Device => 4,
        FailureKind::Stopped => 130,
    }
}

/// Any error of the engine as a failure of the command.
fn failed(error: impl Into<EngineError>) -> Failure {
    Failure::from(&error.into())
}
