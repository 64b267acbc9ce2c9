//! `onerec data inspect`: what a dataset contains, before anything is run on it.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::data::stats::DatasetStats;
use onerec_workbench::engine::error::Failure;
use onerec_workbench::engine::event::EngineEvent;

use crate::cli::args::InspectArgs;
use crate::cli::{client, failed, output};

/// Reads a dataset and prints its counts.
pub(crate) fn inspect(args: InspectArgs) -> Result<(), Failure> {
    let config = Box::new(args.settings.load(None, &[]).map_err(failed)?);
    let record = client::ask(EngineCommand::InspectData {
        path: args.path,
        config,
    })?;
    if args.output.json {
        output::record(&record);
        return Ok(());
    }
    let EngineEvent::DataInspected { stats, .. } = &record.event else {
        return Err(client::failure(
            "the engine did not answer with a dataset".to_owned(),
        ));
    };
    tell(stats);
    Ok(())
}

fn tell(stats: &DatasetStats) {
    output::line(&format!("{} ({})", stats.name, stats.format));
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    output::table(&[
        row("users", stats.users.to_string()),
        row("items", stats.items.to_string()),
        row("events", stats.events.to_string()),
        row("positive events", stats.positives.to_string()),
        row("sparsity", format!("{:.5}", stats.sparsity)),
        row("sessions found", stats.sessions.to_string()),
        row("sessions kept", stats.sessions_kept.to_string()),
        row("held-out users", stats.test_users.to_string()),
        row(
            "tied times",
            format!("{:.1} %", 100.0 * stats.tied_times_frac),
        ),
        row(
            "true utility",
            if stats.has_oracle { "known" } else { "unknown" }.to_owned(),
        ),
    ]);
    output::line("\nFeedback");
    let feedback: Vec<Vec<String>> = stats
        .feedback
        .iter()
        .map(|(name, count)| row(name, count.to_string()))
        .collect();
    output::table(&feedback);
    output::line(&format!("\nsessions: {}", stats.session_rule));
    output::line(&format!("split: {}", stats.split_rule));
    output::line(&format!("fingerprint: {}", stats.fingerprint));
    for warning in &stats.warnings {
        output::line(&format!("warning: {warning}"));
    }
}
