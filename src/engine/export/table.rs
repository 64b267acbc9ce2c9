//! `semantic_ids.parquet` of an export: like the run's own table, with identifiers and titles beside the codes.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt16Array, UInt32Array};
use parquet::arrow::ArrowWriter;

use crate::engine::error::EngineError;
use crate::engine::run::atomic;
use crate::engine::run::items::ItemTable;

/// Writes the columns `item_idx`, `external_id`, `title`, `code_0` and so on.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn write(path: &Path, items: &ItemTable) -> Result<(), EngineError> {
    let bytes = encode(items).map_err(|error| EngineError::Io {
        operation: "write",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    atomic::write(path, &bytes)
}

fn encode(items: &ItemTable) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let rows = 0..items.len();
    let mut columns: Vec<(String, ArrayRef)> = vec![
        (
            "item_idx".to_owned(),
            Arc::new(UInt32Array::from_iter_values(0..items.len() as u32)),
        ),
        (
            "external_id".to_owned(),
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| items.external_id(row)),
            )),
        ),
        (
            "title".to_owned(),
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| items.title(row)),
            )),
        ),
    ];
    for level_idx in 0..items.n_levels {
        let codes = rows.clone().map(|row| items.codes(row)[level_idx]);
        let codes = UInt16Array::from_iter_values(codes);
        columns.push((format!("code_{level_idx}"), Arc::new(codes)));
    }
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(bytes)
}
