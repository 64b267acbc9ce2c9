//! `onerec simulate`: a dataset of our own making, whose true utility is known.

use onerec_workbench::engine::data::source::simulator::{SimulatorConfig, simulate as write};
use onerec_workbench::engine::error::Failure;
use onerec_workbench::engine::seed::Seed;

use crate::cli::args::SimulateArgs;
use crate::cli::{client, failed, output};

/// Writes the dataset and tells what is in it.
pub(crate) fn simulate(args: &SimulateArgs) -> Result<(), Failure> {
    let preset = SimulatorConfig::preset(&args.preset).ok_or_else(|| {
        client::failure(format!("there is no simulation named {:?}", args.preset))
    })?;
    let config = SimulatorConfig {
        n_users: args.users.unwrap_or(preset.n_users),
        n_items: args.items.unwrap_or(preset.n_items),
        certainty: args.certainty.unwrap_or(preset.certainty),
        ..preset
    };
    let summary = write(&config, Seed(args.seed), &args.out).map_err(failed)?;
    output::line(&format!(
        "{}: {} users, {} items, {} events",
        args.out.display(),
        summary.users,
        summary.items,
        summary.events
    ));
    let rates: Vec<Vec<String>> = summary
        .rates
        .iter()
        .map(|(name, rate)| vec![name.clone(), format!("{:.2} %", 100.0 * rate)])
        .collect();
    output::line("\nShare of impressions");
    output::table(&rates);
    let files: Vec<Vec<String>> = summary
        .files
        .iter()
        .map(|(name, bytes)| vec![name.clone(), format!("{bytes} bytes")])
        .collect();
    output::line("\nFiles");
    output::table(&files);
    Ok(())
}
