//! Parquet: every column as text; lists become JSON text, time stamps become milliseconds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchReader as _};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::super::super::DataError;
use super::{Next, Opened, Position, io, malformed};

const FORMAT: &str = "Parquet";

/// Opens a file: its header and its rows.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let file = std::fs::File::open(path).map_err(|error| io(path, error))?;
    let (mut batches, n_rows) = guarded(path, move || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let n_rows = builder.metadata().file_metadata().num_rows();
        builder.build().map(|batches| (batches, n_rows))
    })?;
    let header = batches
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let position = Position {
        total: u64::try_from(n_rows).unwrap_or(0),
        ..Position::default()
    };
    let done = std::rc::Rc::clone(&position.done);
    let path = path.to_owned();
    let (mut columns, mut n_in_batch, mut row) = (Vec::new(), 0, 0);
    let rows = Box::new(move |record: &mut ::csv::StringRecord| {
        while row == n_in_batch {
            let batch = guarded(&path, || match batches.next().transpose()? {
                Some(batch) => texts_of(&batch).map(|texts| Some((texts, batch.num_rows()))),
                None => Ok(None),
            })?;
            let Some((texts, n_rows)) = batch else {
                return Ok(Next::End);
            };
            (columns, n_in_batch, row) = (texts, n_rows, 0);
        }
        record.clear();
        columns
            .iter()
            .for_each(|column: &Texts| record.push_field(column.get(row)));
        row += 1;
        done.set(done.get() + 1);
        Ok(Next::Row(done.get()))
    });
    Ok(Opened {
        header,
        rows,
        position,
    })
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

/// The cells of one column of a batch, one after the other.
#[derive(Default)]
struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    fn end_cell(&mut self) {
        self.ends.push(self.text.len());
    }
}

fn texts_of(batch: &RecordBatch) -> Result<Vec<Texts>, ArrowError> {
    batch.columns().iter().map(texts).collect()
}

fn texts(column: &ArrayRef) -> Result<Texts, ArrowError> {
    let column = match column.data_type() {
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
            let millis =
                arrow_cast::cast(column, &DataType::Timestamp(TimeUnit::Millisecond, None))?;
            &arrow_cast::cast(&millis, &DataType::Int64)?
        }
        _ => column,
    };
    let mut cells = Texts::default();
    if let Some(lists) = column.as_list_opt::<i32>() {
        for row in 0..lists.len() {
            if !lists.is_null(row) {
                let values: ArrayRef = Arc::clone(&lists.value(row));
                let inner = texts(&values)?;
                let values: Vec<&str> = (0..values.len()).map(|row| inner.get(row)).collect();
                cells.text.push_str(&serde_json::json!(values).to_string());
            }
            cells.end_cell();
        }
        return Ok(cells);
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    for row in 0..column.len() {
        if !column.is_null(row) {
            formatter.value(row).write(&mut cells.text)?;
        }
        cells.end_cell();
    }
    Ok(cells)
}
