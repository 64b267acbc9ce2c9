//! `onerec tokenize --encode`: semantic IDs of new items, by the codebooks of a run.

use std::path::Path;

use onerec_workbench::engine::error::{EngineError, Failure};
use onerec_workbench::engine::run::RunDir;
use onerec_workbench::engine::run::items::ItemTable;
use onerec_workbench::engine::tokenizer::new_items::NewItem;
use onerec_workbench::engine::train::encode_items::encode_items;
use serde::Serialize;

use crate::cli::{failed, output};

/// One line of the result.
#[derive(Serialize)]
struct Encoded<'a> {
    /// Row of the vector in its file, from 0.
    row: usize,
    /// Its codes.
    codes: &'a [u16],
    /// Mean squared error per dimension of what the codes say of the vector.
    error: f64,
    /// Items of the run with the same codes, as the dataset names them.
    shares_with: Vec<&'a str>,
}

/// Encodes every vector of a file and prints one line each.
pub(crate) fn encode(vectors: &Path, run_dir: &Path, as_json: bool) -> Result<(), Failure> {
    let (found, items) = encoded(vectors, run_dir).map_err(failed)?;
    let lines = found.iter().enumerate().map(|(row, item)| Encoded {
        row,
        codes: &item.codes,
        error: item.error,
        shares_with: item
            .shares_with
            .iter()
            .filter(|item| item.idx() < items.len())
            .map(|item| items.external_id(item.idx()))
            .collect(),
    });
    if as_json {
        for line in lines {
            let text = serde_json::to_string(&line).map_err(|error| {
                failed(EngineError::Io {
                    operation: "serialise",
                    path: vectors.to_owned(),
                    source: error.into(),
                })
            })?;
            output::line(&text);
        }
    } else {
        let header = ["row", "semantic ID", "error", "shares it with"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        rows.extend(lines.map(|line| {
            let codes: Vec<String> = line.codes.iter().map(u16::to_string).collect();
            vec![
                line.row.to_string(),
                codes.join("."),
                format!("{:.4e}", line.error),
                line.shares_with.join(", "),
            ]
        }));
        output::table(&rows);
    }
    Ok(())
}

fn encoded(vectors: &Path, run_dir: &Path) -> Result<(Vec<NewItem>, ItemTable), EngineError> {
    let dir = RunDir::new(run_dir);
    Ok((
        encode_items(&dir, vectors)?,
        ItemTable::load(&dir.items_path())?,
    ))
}
