//! `onerec align --compare`: every alignment objective from the same start, with several seeds, in one table.

use std::time::Instant;

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::{EngineError, Failure, FailureKind};
use onerec_workbench::engine::eval::objective_table::{by_head, summary};
use onerec_workbench::engine::run::RunDir;
use onerec_workbench::engine::text_table::Table;
use onerec_workbench::engine::train::compare_objectives::ObjectiveMatrix;

use crate::cli::args::AlignArgs;
use crate::cli::run::{View, follow, places_of};
use crate::cli::{failed, output};

/// Does what is left of the comparison, one run after the other, and prints what all came to.
pub(crate) fn compare(args: &AlignArgs) -> Result<(), Failure> {
    let config = Box::new(args.settings.load(None, &[]).map_err(failed)?);
    let (data_path, folder) = places_of(args.data.clone(), args.out.clone())?;
    let matrix = ObjectiveMatrix::new(&folder, &data_path, config, &args.seeds, &args.only)
        .map_err(failed)?;
    output::remark(&format!(
        "Comparing {} objectives with {} seeds in {}",
        matrix.variants().len(),
        matrix.seeds().len(),
        folder.display()
    ));
    for &seed in matrix.seeds() {
        let left = matrix.start(seed);
        perform(
            left,
            &matrix.start_dir(seed),
            seed,
            "as far as the reward models",
        )?;
        for variant in matrix.variants() {
            let left = matrix.align(seed, variant);
            perform(left, &matrix.align_dir(seed, variant), seed, variant.title)?;
        }
    }
    let comparison = matrix.gather().map_err(failed)?;
    if args.output.json {
        let text = serde_json::to_string(&comparison).map_err(|error| {
            failed(EngineError::Io {
                operation: "serialise",
                path: folder.clone(),
                source: error.into(),
            })
        })?;
        output::line(&text);
        return Ok(());
    }
    output::line(&comparison.subject());
    for table in [summary(&comparison), by_head(&comparison)] {
        output::line("");
        tell(table);
    }
    output::line(&format!(
        "\nTables and charts: {} (objectives.csv, objectives.md, objectives.tex, charts)",
        folder.display()
    ));
    Ok(())
}

/// Lets the engine do what is left of one run.
fn perform(
    left: Result<Option<EngineCommand>, EngineError>,
    dir: &RunDir,
    seed: u64,
    what: &str,
) -> Result<(), Failure> {
    let began = Instant::now();
    let Some(command) = left.map_err(failed)? else {
        output::remark(&format!("  seed {seed}, {what}: done before"));
        return Ok(());
    };
    follow(command, dir.path(), View::Silent).map_err(|failure| Failure {
        hint: match failure.kind {
            FailureKind::Stopped => Some("the same command goes on from here".to_owned()),
            _ => failure.hint,
        },
        message: format!("seed {seed}, {what}: {}", failure.message),
        kind: failure.kind,
    })?;
    let seconds = began.elapsed().as_secs_f64();
    output::remark(&format!("  seed {seed}, {what}: {seconds:.1} s"));
    Ok(())
}

fn tell(table: Table) {
    let rows: Vec<Vec<String>> = std::iter::once(table.header).chain(table.rows).collect();
    output::table(&rows);
}
