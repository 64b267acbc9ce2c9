//! `onerec data inspect` and `onerec data check`: what a dataset contains and whether it can be used, before anything is run
//! on it.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::data::check::Verdict;
use onerec_workbench::engine::data::report_text;
use onerec_workbench::engine::data::stats::DatasetStats;
use onerec_workbench::engine::error::{Failure, FailureKind};
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

/// Checks a dataset and prints the report; a dataset that cannot be used is a failure.
pub(crate) fn check(args: InspectArgs) -> Result<(), Failure> {
    let config = Box::new(args.settings.load(None, &[]).map_err(failed)?);
    let record = client::ask(EngineCommand::CheckData {
        path: args.path,
        config,
    })?;
    let EngineEvent::DataChecked(check) = &record.event else {
        return Err(client::failure(
            "the engine did not answer with a check".to_owned(),
        ));
    };
    if args.output.json {
        output::record(&record);
    } else {
        output::line(&report_text::check_text(check));
    }
    match check.verdict {
        Verdict::Usable | Verdict::UsableWithCare => Ok(()),
        Verdict::NotUsable => Err(Failure {
            message: check.problem.clone().unwrap_or_default(),
            hint: check.advice.first().cloned(),
            kind: FailureKind::Data,
        }),
    }
}

fn tell(stats: &DatasetStats) {
    output::line(&format!("{} ({})", stats.name, stats.format));
    output::line(&report_text::counts_text(stats));
    output::line(&format!("\nsessions: {}", stats.session_rule));
    output::line(&format!("split: {}", stats.split_rule));
    output::line(&format!("fingerprint: {}", stats.fingerprint));
    for warning in &stats.warnings {
        output::line(&format!("warning: {warning}"));
    }
}
