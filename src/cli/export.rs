//! `onerec export`: a trained generator as files that PyTorch reads.

use onerec_workbench::engine::command::EngineCommand;
use onerec_workbench::engine::error::Failure;
use onerec_workbench::engine::event::{EngineEvent, Stage};
use onerec_workbench::engine::run::{RunDir, RunInfo};

use crate::cli::args::ExportArgs;
use crate::cli::{client, failed, output};

/// Writes the export folder and lists its files.
pub(crate) fn export(args: ExportArgs) -> Result<(), Failure> {
    let info = RunInfo::load(&RunDir::new(&args.run)).map_err(failed)?;
    let last = if info.completed.contains(&Stage::Align) {
        Stage::Align
    } else {
        Stage::Pretrain
    };
    let stage = args.stage.unwrap_or(last);
    let record = client::ask(EngineCommand::Export {
        run_dir: args.run,
        stage,
        folder: args.out,
    })?;
    if args.output.json {
        output::record(&record);
        return Ok(());
    }
    let EngineEvent::Exported { folder, files } = &record.event else {
        return Err(client::failure(
            "the engine did not answer with files".to_owned(),
        ));
    };
    for file in files {
        output::line(&folder.join(file).display().to_string());
    }
    Ok(())
}
