//! A table as Parquet: an identifier (`external_id` or `item_id`, text or integers; else `item_idx`) and the codes
//! in `code_0`, `code_1` and so on.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::engine::tokenizer::SemanticId;

/// Columns that may name the items, the best first.
const KEYS: [&str; 3] = ["external_id", "item_id", "item_idx"];

/// All rows in the order of the file.
pub(super) fn entries(path: &Path) -> Result<Vec<(String, SemanticId)>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut entries = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        let keys = KEYS
            .iter()
            .find_map(|name| batch.column_by_name(name))
            .ok_or_else(|| format!("none of the columns {} is there", KEYS.join(", ")))?;
        let keys = cast(keys, &DataType::Utf8)?;
        let levels = levels(&batch)?;
        for row in 0..batch.num_rows() {
            let key = keys.as_string::<i32>().value(row).to_owned();
            let sid = levels
                .iter()
                .map(|level| {
                    let code = level.as_primitive::<Int64Type>().value(row);
                    u16::try_from(code)
                        .map_err(|_range| format!("item {key:?} has the code {code}"))
                })
                .collect::<Result<SemanticId, String>>()?;
            entries.push((key, sid));
        }
    }
    Ok(entries)
}

fn levels(batch: &RecordBatch) -> Result<Vec<ArrayRef>, String> {
    (0..)
        .map_while(|level_idx| batch.column_by_name(&format!("code_{level_idx}")))
        .map(|column| cast(column, &DataType::Int64))
        .collect()
}

fn cast(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, String> {
    let column = arrow_cast::cast(column, kind).map_err(|error| error.to_string())?;
    if column.null_count() > 0 {
        return Err(format!("{} values are missing", column.null_count()));
    }
    Ok(column)
}
