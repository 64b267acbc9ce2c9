//! `onerec data inspect` and `onerec data check`: what a dataset contains and whether it can be used, before anything is run
//! on it.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::data::check::{DataCheck, FileCheck, Verdict};
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
        tell_check(check);
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

fn tell_check(check: &DataCheck) {
    let format = check.format.as_deref().unwrap_or("not recognised");
    output::line(&format!(
        "{}: {}",
        check.path.display(),
        check.verdict.describe()
    ));
    output::line(&format!("layout: {format} ({})", check.why));
    check.files.iter().for_each(tell_file);
    for row in &check.bad_rows {
        let column = row.column.as_ref().map(|name| format!(", column {name:?}"));
        let column = column.unwrap_or_default();
        output::line(&format!(
            "bad row: {} line {}{column}: {}",
            row.file, row.line, row.what
        ));
    }
    let n_more = check.n_bad_rows - check.bad_rows.len() as u64;
    if n_more > 0 {
        output::line(&format!("and {n_more} more"));
    }
    for warning in &check.warnings {
        output::line(&format!("warning: {warning}"));
    }
    for advice in &check.advice {
        output::line(&format!("advice: {advice}"));
    }
    if let Some(stats) = &check.stats {
        output::line("");
        tell_counts(stats);
    }
}

fn tell_file(file: &FileCheck) {
    if file.holds.starts_with("not read") {
        output::line(&format!("file {}: {}", file.name, file.holds));
        return;
    }
    let bad = match file.bad_rows {
        0 => String::new(),
        n => format!(", {n} of them bad"),
    };
    output::line(&format!(
        "file {}: {}, {} rows{bad}",
        file.name, file.holds, file.rows
    ));
    let (mut used, mut missed, mut unused) = (Vec::new(), Vec::new(), Vec::new());
    for column in &file.columns {
        match &column.used_as {
            Some(ours) if !column.is_found => missed.push(format!("{} ({ours})", column.name)),
            Some(ours) if *ours == column.name => used.push(ours.clone()),
            Some(ours) => used.push(format!("{} as {ours}", column.name)),
            None => unused.push(column.name.clone()),
        }
    }
    for (what, names) in [("used", used), ("not there", missed), ("not used", unused)] {
        if !names.is_empty() {
            output::line(&format!("  {what}: {}", names.join(", ")));
        }
    }
}

fn tell(stats: &DatasetStats) {
    output::line(&format!("{} ({})", stats.name, stats.format));
    tell_counts(stats);
    output::line(&format!("\nsessions: {}", stats.session_rule));
    output::line(&format!("split: {}", stats.split_rule));
    output::line(&format!("fingerprint: {}", stats.fingerprint));
    for warning in &stats.warnings {
        output::line(&format!("warning: {warning}"));
    }
}

fn tell_counts(stats: &DatasetStats) {
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
            "of them by item",
            format!("{:.1} %", 100.0 * stats.sorted_ties_frac),
        ),
        row("repeated events", stats.duplicates.to_string()),
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
    output::line(
        "\nFeatures: different values, pathways that read them (model.system = \"pathways\")",
    );
    let features: Vec<Vec<String>> = stats
        .features
        .iter()
        .map(|used| {
            let values = match used.values {
                _ if !used.is_present => "absent".to_owned(),
                Some(n) => n.to_string(),
                None => "-".to_owned(),
            };
            vec![used.feature.clone(), values, used.pathways.clone()]
        })
        .collect();
    output::table(&features);
    output::line("\nSessions under each grouping: found, kept");
    let sessions: Vec<Vec<String>> = stats
        .sessions_by_rule
        .iter()
        .map(|sessions| {
            let found = sessions.found.map_or("-".to_owned(), |n| n.to_string());
            let kept = sessions
                .found
                .map_or("-".to_owned(), |_| sessions.kept.to_string());
            vec![sessions.words.clone(), found, kept]
        })
        .collect();
    output::table(&sessions);
}
