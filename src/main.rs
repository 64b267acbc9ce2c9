//! `onerec`: opens the workbench, or does the same work in the terminal.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
