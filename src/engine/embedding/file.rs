//! Item vectors from and to files: `.npy`, `.safetensors` and Parquet. No file is trusted:
//! sizes are compared with the bytes that are there before anything is allocated.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array as _, ArrayRef, FixedSizeListArray, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{EmbeddingError, ItemEmbeddings, check_finite, npy};
use crate::engine::error::EngineError;
use crate::engine::run::atomic;

/// The name of our own tensor; files of others may call theirs anything.
const TENSOR: &str = "item_embeddings";

/// Reads vectors, one row per item.
///
/// # Errors
/// If the file cannot be read, is not of one of the three kinds, or holds NaN or infinity.
pub fn read(path: &Path) -> Result<ItemEmbeddings, EmbeddingError> {
    let kind = path
        .extension()
        .and_then(|kind| kind.to_str())
        .unwrap_or_default();
    let embeddings = match kind {
        "npy" => npy::parse(&bytes(path)?),
        "safetensors" => parse_safetensors(&bytes(path)?),
        "parquet" => read_parquet(path),
        _ => Err(format!("unknown kind of file {kind:?}")),
    }
    .map_err(|found| EmbeddingError::File {
        found,
        path: path.to_owned(),
    })?;
    embeddings.check_finite()?;
    Ok(embeddings)
}

/// Reads vectors of which an item may have several: the values, vectors per item, and dimensions of one.
///
/// # Errors
/// As [`read`].
pub fn read_parts(path: &Path) -> Result<(Vec<f32>, usize, usize), EmbeddingError> {
    if path.extension().is_some_and(|kind| kind == "safetensors") {
        let found = parse_f32(&bytes(path)?, |_, shape| {
            shape.len() == 3 && shape[1] > 0 && shape[2] > 0
        });
        if let Ok((shape, values)) = found {
            let n_values_of_item = shape[1] * shape[2];
            check_finite(&values, n_values_of_item)?;
            return Ok((values, shape[1], shape[2]));
        }
    }
    let embeddings = read(path)?;
    Ok((embeddings.values, 1, embeddings.dim))
}

impl ItemEmbeddings {
    /// Writes the vectors as safetensors.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), EngineError> {
        write_f32(path, TENSOR, &[self.n_items(), self.dim], &self.values)
    }

    /// Reads what [`ItemEmbeddings::save`] wrote, or any file of vectors.
    ///
    /// # Errors
    /// As [`read`].
    pub fn load(path: &Path) -> Result<Self, EngineError> {
        Ok(read(path)?)
    }
}

/// Writes one tensor of 32-bit floats as safetensors.
///
/// # Errors
/// If the file cannot be written.
pub fn write_f32(
    path: &Path,
    name: &str,
    shape: &[usize],
    values: &[f32],
) -> Result<(), EngineError> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let file = TensorView::new(Dtype::F32, shape.to_vec(), &bytes)
        .and_then(|tensor| safetensors::serialize([(name, tensor)], None))
        .map_err(std::io::Error::other)
        .map_err(EngineError::io("serialise", path))?;
    atomic::write(path, &file)
}

/// The shape and values of a tensor of 32-bit floats, if `accept` takes its name and shape;
/// the first of several, by name.
///
/// # Errors
/// In words: what is wrong with the file.
pub fn parse_f32(
    bytes: &[u8],
    accept: impl Fn(&str, &[usize]) -> bool,
) -> Result<(Vec<usize>, Vec<f32>), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let (_, tensor) = tensors
        .into_iter()
        .find(|(name, tensor)| tensor.dtype() == Dtype::F32 && accept(name, tensor.shape()))
        .ok_or("no fitting tensor of 32-bit floats in it")?;
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok((
        tensor.shape().to_vec(),
        values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect(),
    ))
}

fn bytes(path: &Path) -> Result<Vec<u8>, EmbeddingError> {
    std::fs::read(path).map_err(|error| EmbeddingError::File {
        found: error.to_string(),
        path: path.to_owned(),
    })
}

fn parse_safetensors(bytes: &[u8]) -> Result<ItemEmbeddings, String> {
    let (shape, values) = parse_f32(bytes, |_, shape| shape.len() == 2 && shape[1] > 0)?;
    Ok(ItemEmbeddings {
        values,
        dim: shape[1],
    })
}

/// Reads the first column of float lists, or all float columns side by side.
fn read_parquet(path: &Path) -> Result<ItemEmbeddings, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut embeddings = ItemEmbeddings {
        values: Vec::new(),
        dim: 0,
    };
    for batch in batches {
        append(&mut embeddings, &batch.map_err(|error| error.to_string())?)?;
    }
    Ok(embeddings)
}

fn append(embeddings: &mut ItemEmbeddings, batch: &RecordBatch) -> Result<(), String> {
    let list = batch
        .columns()
        .iter()
        .find(|column| is_float_list(column.data_type()));
    let (values, dim) = match list {
        Some(column) => list_values(column, embeddings.dim)?,
        None => float_columns(batch)?,
    };
    if embeddings.dim != 0 && embeddings.dim != dim {
        return Err(format!("rows of {} and of {dim} values", embeddings.dim));
    }
    embeddings.dim = dim;
    embeddings.values.extend(values);
    Ok(())
}

fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float32 | DataType::Float64)
}

fn is_float_list(kind: &DataType) -> bool {
    match kind {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            is_float(field.data_type())
        }
        _ => false,
    }
}

/// The rows of a list column; `dim` is the length seen so far, 0 where none is known.
fn list_values(column: &ArrayRef, dim: usize) -> Result<(Vec<f32>, usize), String> {
    let first_len = match column.data_type() {
        DataType::List(_) if !column.is_empty() => column.as_list::<i32>().value_length(0) as usize,
        DataType::LargeList(_) if !column.is_empty() => {
            column.as_list::<i64>().value_length(0) as usize
        }
        DataType::FixedSizeList(_, len) => *len as usize,
        _ => dim,
    };
    let dim = if dim == 0 { first_len } else { dim };
    if dim == 0 {
        return Err("its lists are empty".to_owned());
    }
    // The cast refuses rows of another length.
    let item: FieldRef = Field::new("item", DataType::Float32, true).into();
    let kind =
        DataType::FixedSizeList(item, i32::try_from(dim).map_err(|error| error.to_string())?);
    let rows = arrow_cast::cast_with_options(column, &kind, &strict())
        .map_err(|error| error.to_string())?;
    let rows: &FixedSizeListArray = rows.as_fixed_size_list();
    if rows.null_count() > 0 || rows.values().null_count() > 0 {
        return Err("a value is missing".to_owned());
    }
    let values = rows.values().as_primitive::<Float32Type>().values();
    Ok((values.to_vec(), dim))
}

/// All float columns of a batch as rows.
fn float_columns(batch: &RecordBatch) -> Result<(Vec<f32>, usize), String> {
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .filter(|column| is_float(column.data_type()))
        .map(|column| arrow_cast::cast_with_options(column, &DataType::Float32, &strict()))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if columns.is_empty() {
        return Err("no column of floats or of lists of floats".to_owned());
    }
    if columns.iter().any(|column| column.null_count() > 0) {
        return Err("a value is missing".to_owned());
    }
    let columns: Vec<&[f32]> = columns
        .iter()
        .map(|column| column.as_primitive::<Float32Type>().values().as_ref())
        .collect();
    let values = (0..batch.num_rows())
        .flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect();
    Ok((values, columns.len()))
}

/// A cast that fails instead of writing a missing value.
fn strict() -> arrow_cast::CastOptions<'static> {
    arrow_cast::CastOptions {
        safe: false,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float32Array, Float64Array, Int64Array, ListArray};
    use parquet::arrow::ArrowWriter;
    use proptest::prelude::*;

    use super::*;

    fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer =
            ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    fn list(rows: Vec<Vec<f32>>) -> ArrayRef {
        let rows = rows
            .into_iter()
            .map(|row| Some(row.into_iter().map(Some).collect::<Vec<_>>()));
        Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(rows))
    }

    #[test]
    fn saved_vectors_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("item_embeddings.safetensors");
        let embeddings = ItemEmbeddings {
            values: vec![1.5, -2.0, 0.0, 1e-30, 3.0, 4.0],
            dim: 3,
        };
        embeddings.save(&path).unwrap();
        assert_eq!(ItemEmbeddings::load(&path).unwrap(), embeddings);
    }

    #[test]
    fn parquet_lists_and_columns_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.parquet");
        let expected = ItemEmbeddings {
            values: vec![1.0, 2.0, 3.0, 4.0],
            dim: 2,
        };
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
        write_parquet(
            &path,
            vec![
                ("id", ids.clone()),
                ("vector", list(vec![vec![1.0, 2.0], vec![3.0, 4.0]])),
            ],
        );
        assert_eq!(read(&path).unwrap(), expected);
        let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 3.0]));
        let y: ArrayRef = Arc::new(Float64Array::from(vec![2.0, 4.0]));
        write_parquet(&path, vec![("id", ids.clone()), ("x", x), ("y", y)]);
        assert_eq!(read(&path).unwrap(), expected);
        write_parquet(&path, vec![("id", ids)]);
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("no column of floats")
        );
    }

    #[test]
    fn ragged_rows_missing_and_infinite_values_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.parquet");
        write_parquet(
            &path,
            vec![("vector", list(vec![vec![1.0, 2.0], vec![3.0]]))],
        );
        assert!(matches!(read(&path), Err(EmbeddingError::File { .. })));
        let missing: ArrayRef = Arc::new(Float32Array::from(vec![Some(1.0), None]));
        write_parquet(&path, vec![("x", missing)]);
        assert!(read(&path).unwrap_err().to_string().contains("missing"));
        write_parquet(
            &path,
            vec![(
                "vector",
                list(vec![vec![1.0, 2.0], vec![3.0, f32::INFINITY]]),
            )],
        );
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("row 1") && error.contains("column 1"),
            "{error}"
        );
    }

    #[test]
    fn an_unknown_kind_of_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.txt");
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("txt"), "{error}");
    }

    proptest! {
        #[test]
        fn damaged_safetensors_never_panic(cut in 0_usize..200, place in 0_usize..200, byte in any::<u8>()) {
            let values: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
            let tensor = TensorView::new(Dtype::F32, vec![2, 2], &values).unwrap();
            let mut file = safetensors::serialize([("x", tensor)], None).unwrap();
            file.truncate(file.len().saturating_sub(cut));
            if let Some(target) = file.get_mut(place) {
                *target = byte;
            }
            if let Ok(embeddings) = parse_safetensors(&file) {
                prop_assert_eq!(embeddings.values.len() % embeddings.dim, 0);
            }
        }
    }
}
