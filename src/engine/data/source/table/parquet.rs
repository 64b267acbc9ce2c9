//! Parquet: every column as text; lists become JSON text, time stamps become milliseconds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::super::DataError;
use super::{Record, RowResult, Rows, malformed, open_file};

const FORMAT: &str = "Parquet";

/// Opens a file: its header and its rows.
pub(super) fn open(path: &Path) -> Result<(Vec<String>, Rows), DataError> {
    let file = open_file(path)?;
    let mut batches = guarded(path, move || {
        ParquetRecordBatchReaderBuilder::try_new(file)?.build()
    })?;
    let header = {
        use arrow_array::RecordBatchReader as _;
        let schema = batches.schema();
        schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    };
    let path = path.to_owned();
    let mut n_read = 0;
    let mut is_over = false;
    let rows = std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let batch = guarded(&path, || {
            batches
                .next()
                .transpose()
                .and_then(|batch| batch.map(|batch| records(&batch, n_read)).transpose())
        });
        match batch {
            Ok(None) => None,
            Ok(Some(records)) => {
                n_read += records.len() as u64;
                Some(
                    records
                        .into_iter()
                        .map(|record| Ok(Ok(record)))
                        .collect::<Vec<RowResult>>(),
                )
            }
            Err(error) => {
                is_over = true;
                Some(vec![Err(error)])
            }
        }
    })
    .flatten();
    Ok((header, Box::new(rows)))
}

/// Runs the decoder, which answers some damaged files with a panic, and turns any failure into an error.
fn guarded<T, E: ToString>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(malformed(path, FORMAT, error, 0)),
        Err(_) => Err(malformed(path, FORMAT, "damaged pages", 0)),
    }
}

/// The rows of a batch; `n_before` rows came before it.
fn records(batch: &RecordBatch, n_before: u64) -> Result<Vec<Record>, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .map(texts)
        .collect::<Result<Vec<_>, _>>()?;
    Ok((0..batch.num_rows())
        .map(|row| Record {
            cells: columns.iter().map(|column| column[row].clone()).collect(),
            line: n_before + row as u64 + 1,
        })
        .collect())
}

fn texts(column: &ArrayRef) -> Result<Vec<String>, ArrowError> {
    let column = match column.data_type() {
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
            let millis =
                arrow_cast::cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
            &arrow_cast::cast(&millis, &DataType::Int64)?
        }
        _ => column,
    };
    if let Some(lists) = column.as_list_opt::<i32>() {
        return (0..lists.len())
            .map(|row| {
                if lists.is_null(row) {
                    return Ok(String::new());
                }
                let values: ArrayRef = Arc::clone(&lists.value(row));
                texts(&values).map(|texts| serde_json::json!(texts).to_string())
            })
            .collect();
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                Ok(String::new())
            } else {
                formatter.value(row).try_to_string()
            }
        })
        .collect()
}
