//! `onerec tokenize`: semantic IDs alone, several tokenizers side by side, and the health of a table made elsewhere.

use std::path::Path;

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::{EngineError, Failure};
use onerec_workbench::engine::event::EngineEvent;
use onerec_workbench::engine::run::atomic;
use onerec_workbench::engine::text_table::TableFormat;
use onerec_workbench::engine::tokenizer::comparison::{ComparisonRow, TokenizerComparison};
use onerec_workbench::engine::tokenizer::comparison_table::{compact, table};
use onerec_workbench::engine::tokenizer::health::table_report;
use onerec_workbench::engine::tokenizer::published;

use crate::cli::args::TokenizeArgs;
use crate::cli::{client, encode, failed, output, run};

/// Fits the run's own tokenizer, then compares where that was asked for.
pub(crate) fn tokenize(args: &TokenizeArgs) -> Result<(), Failure> {
    if let Some(path) = &args.health {
        return health(path, args.output.json);
    }
    if let (Some(vectors), Some(run_dir)) = (&args.encode, &args.run) {
        return encode::encode(vectors, run_dir, args.output.json);
    }
    let run_dir = match &args.run {
        Some(run_dir) => run_dir.clone(),
        None => run::tokenize(args)?,
    };
    if args.compare {
        compare(&run_dir, args)?;
    }
    Ok(())
}

/// The health of a table as its file has it, without vectors or histories.
fn health(path: &Path, as_json: bool) -> Result<(), Failure> {
    let found = published::read(path).map_err(|error| failed(EngineError::from(error)))?;
    let row = ComparisonRow {
        name: path.display().to_string(),
        report: Some(table_report(&found.table)),
        ..ComparisonRow::default()
    };
    let comparison = TokenizerComparison {
        n_items: found.table.n_items() as u64,
        rows: vec![row],
        ..TokenizerComparison::default()
    };
    if as_json {
        let text = serde_json::to_string(&comparison.rows).map_err(|error| {
            failed(EngineError::Io {
                operation: "serialise",
                path: path.to_owned(),
                source: error.into(),
            })
        })?;
        output::line(&text);
    } else {
        output::line(&format!("{} items", comparison.n_items));
        tell(&comparison);
    }
    Ok(())
}

fn compare(run_dir: &Path, args: &TokenizeArgs) -> Result<(), Failure> {
    let engine = client::start()?;
    let command = EngineCommand::CompareTokenizers {
        run_dir: run_dir.to_owned(),
        names: args.only.clone(),
        tables: args.tables.clone(),
    };
    let comparison = client::converse(&engine, command, |record| {
        match &record.event {
            EngineEvent::ComparisonStarted { names } => {
                output::remark(&format!("Comparing {}", names.join(", ")));
            }
            EngineEvent::TokenizerCompared(row) => {
                output::remark(&format!("  {} done in {:.1} s", row.name, row.seconds));
            }
            EngineEvent::CommandFailed { failure, .. } => return Some(Err(failure.clone())),
            EngineEvent::ComparisonReady(comparison) => {
                if args.output.json {
                    output::record(&record);
                }
                return Some(Ok(comparison.clone()));
            }
            _ => {}
        }
        None
    })?;
    drop(engine);
    if !args.output.json {
        output::line(&comparison.subject());
        tell(&comparison);
    }
    for (path, table, format) in [
        (&args.csv, table(&comparison), TableFormat::Csv),
        (&args.markdown, compact(&comparison), TableFormat::Markdown),
        (&args.latex, compact(&comparison), TableFormat::Latex),
    ] {
        if let Some(path) = path {
            write(path, &table.render(format)).map_err(failed)?;
        }
    }
    Ok(())
}

fn tell(comparison: &TokenizerComparison) {
    let table = compact(comparison);
    let rows: Vec<Vec<String>> = std::iter::once(&table.header)
        .chain(&table.rows)
        .cloned()
        .collect();
    output::table(&rows);
}

fn write(path: &Path, text: &str) -> Result<(), EngineError> {
    atomic::write(path, text.as_bytes())
}
