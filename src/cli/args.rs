//! What can be written on the command line, and nothing of what it does.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use onerec_workbench::engine::config::{ConfigError, ExperimentConfig, NamedSize, Preset, SIZES};
use onerec_workbench::engine::data::source::simulator::SimulatorConfig;
use onerec_workbench::engine::device::BackendChoice;
use onerec_workbench::engine::event::Stage;

/// A workbench for generative recommendation: semantic IDs, pretraining, reward models and preference alignment.
#[derive(Debug, Parser)]
#[command(name = "onerec", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub(crate) struct CommandLine {
    /// A dataset or a run folder to open in the window.
    pub(crate) path: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXIT_CODES: &str = "Without a command the window opens.

Exit codes: 0 done, 1 failed, 2 wrong usage or no display, 3 data cannot be used,
4 device not available, 130 interrupted (the run is saved and can be resumed).";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole experiment: data, tokenizer, pretraining, reward models, alignment, evaluation.
    Run(RunArgs),
    /// Make semantic IDs and stop there, or compare several ways to make them.
    Tokenize(TokenizeArgs),
    /// Align the same generator by several objectives and set them side by side.
    Align(AlignArgs),
    /// Continue a run that was stopped or killed.
    Resume(ResumeArgs),
    /// Look into a dataset without running anything.
    #[command(subcommand)]
    Data(DataCommand),
    /// Tell how large a generator is, what it costs and what it needs, before it is trained.
    Size(SizeArgs),
    /// Write a simulated dataset whose true utility is known.
    Simulate(SimulateArgs),
    /// Evaluate a run's models again on its held-out data.
    Evaluate(RunFolderArgs),
    /// Generate slates for one user, before and after alignment, with every score that is known.
    Generate(GenerateArgs),
    /// Write a trained generator for PyTorch, with its semantic IDs and a model card.
    Export(ExportArgs),
    /// List devices, folders and what is missing, with the remedy.
    Doctor(OutputArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Print one JSON record per line and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where settings come from; later ones win.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The settings to start from.
    #[arg(long, value_parser = parse_preset, default_value = "smoke", value_name = "smoke|small|base")]
    pub(crate) preset: Preset,
    /// The generator of a paper, put over the preset; `onerec size --all` lists them.
    #[arg(long, value_parser = parse_size, value_name = "NAME")]
    pub(crate) size: Option<NamedSize>,
    /// Change one setting, for example --set pretrain.steps=200. Can be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}

impl ConfigArgs {
    pub(crate) fn load(
        &self,
        file: Option<&PathBuf>,
        more: &[String],
    ) -> Result<ExperimentConfig, ConfigError> {
        let settings = [self.settings.as_slice(), more].concat();
        let file = file.map(PathBuf::as_path);
        ExperimentConfig::load_sized(self.preset, self.size, file, &settings)
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A TOML file with settings, written over the preset.
    pub(crate) config: Option<PathBuf>,
    /// The dataset: a folder or a file. Without it, the short-video sample.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// The run folder to create. Without it, a new one in the user's data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    /// Seed of all random streams.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where to compute. Only auto chooses by itself; anything else is met or refused.
    #[arg(long, value_parser = parse_backend, value_name = "auto|cpu|wgpu|cuda")]
    pub(crate) backend: Option<BackendChoice>,
    /// Stop after this stage.
    #[arg(long, value_parser = parse_stage, value_name = "STAGE")]
    pub(crate) until: Option<Stage>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenizeArgs {
    /// The dataset: a folder or a file. Without it, the short-video sample.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Use this run instead of making a new one: compare on its item vectors, or encode with its codebooks.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "out"], requires = "with_run")]
    pub(crate) run: Option<PathBuf>,
    /// The run folder to create. Without it, a new one in the user's data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    /// Fit several tokenizers to the same item vectors and print one table.
    #[arg(long, group = "with_run")]
    pub(crate) compare: bool,
    /// Give the items of a file of vectors semantic IDs by the codebooks of a run, which stay as they are.
    #[arg(long, value_name = "VECTORS", group = "with_run", requires = "run")]
    pub(crate) encode: Option<PathBuf>,
    /// Compare only these, separated by commas. Without it, all.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "compare"
    )]
    pub(crate) only: Vec<String>,
    /// Set a table of semantic IDs made elsewhere beside them (JSON or Parquet). Can be given several times.
    #[arg(long = "with", value_name = "TABLE", requires = "compare")]
    pub(crate) tables: Vec<PathBuf>,
    /// Only read a table of semantic IDs made elsewhere and print its health.
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["data", "out", "with_run"])]
    pub(crate) health: Option<PathBuf>,
    /// Also write the table as comma-separated values.
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(crate) csv: Option<PathBuf>,
    /// Also write the table as Markdown.
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(crate) markdown: Option<PathBuf>,
    /// Also write the table as LaTeX.
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(crate) latex: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AlignArgs {
    /// Align by each objective from the same start and print one table.
    #[arg(long, required = true)]
    pub(crate) compare: bool,
    /// The dataset: a folder or a file. Without it, the short-video sample.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// The folder of the comparison; what is finished in it is not done again. Without it, a new one in the user's
    /// data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    /// Compare only these, separated by commas. Without it, all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Seeds, separated by commas; the figures are means over them.
    #[arg(
        long,
        value_name = "SEEDS",
        value_delimiter = ',',
        default_value = "1,2,3"
    )]
    pub(crate) seeds: Vec<u64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// Stop after this stage.
    #[arg(long, value_parser = parse_stage, value_name = "STAGE")]
    pub(crate) until: Option<Stage>,
    /// Forget alignment and evaluation first and do both again, with the marks on the run's pairs.
    #[arg(long, conflicts_with = "until")]
    pub(crate) align_again: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Read a dataset and tell what is in it.
    Inspect(InspectArgs),
    /// Check whether files can be used, with every bad row counted, and say what to do.
    Check(InspectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The dataset: a folder or a file.
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SizeArgs {
    /// A TOML file with settings, written over the preset.
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: ConfigArgs,
    /// List the papers' generators instead.
    #[arg(long, conflicts_with_all = ["config", "size", "probe"])]
    pub(crate) all: bool,
    /// Also train for ten steps and tell how long an epoch would take.
    #[arg(long)]
    pub(crate) probe: bool,
    /// The dataset of these steps. Without it, the short-video sample.
    #[arg(long, value_name = "PATH", requires = "probe")]
    pub(crate) data: Option<PathBuf>,
    /// Where these steps are computed.
    #[arg(long, value_parser = parse_backend, value_name = "auto|cpu|wgpu|cuda", requires = "probe")]
    pub(crate) backend: Option<BackendChoice>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// What to simulate.
    #[arg(long, value_parser = SimulatorConfig::PRESETS, default_value = "short-video")]
    pub(crate) preset: String,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Users, in place of the preset's number.
    #[arg(long, value_name = "N")]
    pub(crate) users: Option<usize>,
    /// Items, in place of the preset's number.
    #[arg(long, value_name = "N")]
    pub(crate) items: Option<usize>,
    /// How far what speaks for a response decides it: 1 as in the samples, higher leaves less to chance.
    #[arg(long, value_name = "X")]
    pub(crate) certainty: Option<f64>,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunFolderArgs {
    /// The run folder.
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// The user, as the dataset names it.
    #[arg(long, value_name = "ID")]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Whose generator: pretrain or align. Without it, the last one that the run trained.
    #[arg(long, value_parser = parse_stage, value_name = "pretrain|align")]
    pub(crate) stage: Option<Stage>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn parse_preset(name: &str) -> Result<Preset, String> {
    one_of(name, Preset::ALL, Preset::name)
}

fn parse_size(name: &str) -> Result<NamedSize, String> {
    NamedSize::find(name).ok_or_else(|| {
        let names = SIZES.map(|size| size.name).join(", ");
        format!("expected one of {names}")
    })
}

fn parse_stage(name: &str) -> Result<Stage, String> {
    one_of(name, Stage::ALL, Stage::name)
}

fn parse_backend(name: &str) -> Result<BackendChoice, String> {
    one_of(name, BackendChoice::ALL, BackendChoice::name)
}

fn one_of<T: Copy, const N: usize>(
    name: &str,
    known: [T; N],
    name_of: fn(T) -> &'static str,
) -> Result<T, String> {
    let found = known.into_iter().find(|value| name_of(*value) == name);
    found.ok_or_else(|| format!("expected one of {}", known.map(name_of).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
    }
}
