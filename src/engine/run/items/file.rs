//! The item table as Parquet: other programs read it, equal texts are stored once, and a million rows take
//! a second instead of half a minute as JSON.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, ListBuilder, StringBuilder, UInt32Builder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, UInt16Type, UInt32Type};
use arrow_array::{
    Array as _, ArrayRef, Float32Array, RecordBatch, StringArray, UInt16Array, UInt32Array,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::{ItemTable, ItemTableBuilder};
use crate::engine::data::Item;
use crate::engine::error::EngineError;
use crate::engine::run::atomic;
use crate::engine::tokenizer::Code;

/// Rows that are converted at a time.
const ROWS: usize = 65_536;
/// What the names of columns begin with that hold a further feature.
const FEATURE: &str = "feature.";
/// Where the codes per level are kept: no column says it.
const CODEBOOK_SIZE: &str = "codebook_size";

/// Writes `external_id`, `title`, `code_0` and so on, `popularity`, `categories`, `author`, `duration_secs`,
/// `neighbours`, `distances` and one column per feature.
pub(super) fn save(table: &ItemTable, path: &Path) -> Result<(), EngineError> {
    let bytes = encode(table).map_err(|error| EngineError::Io {
        operation: "write",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    atomic::write(path, &bytes)
}

fn encode(table: &ItemTable) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let size = parquet::file::metadata::KeyValue::new(
        CODEBOOK_SIZE.to_owned(),
        table.codebook_size.to_string(),
    );
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![size]))
        .build();
    let mut bytes = Vec::new();
    let first = batch(table, 0, ROWS.min(table.len()))?;
    let mut writer = ArrowWriter::try_new(&mut bytes, first.schema(), Some(properties))?;
    writer.write(&first)?;
    for start in (ROWS..table.len()).step_by(ROWS) {
        writer.write(&batch(table, start, (start + ROWS).min(table.len()))?)?;
    }
    writer.close()?;
    Ok(bytes)
}

fn batch(
    table: &ItemTable,
    start: usize,
    end: usize,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let rows = start..end;
    let texts = |text: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.clone().map(text)))
    };
    let mut columns: Vec<(String, ArrayRef, bool)> = vec![
        (
            "external_id".to_owned(),
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| table.external_id(row)),
            )),
            false,
        ),
        (
            "title".to_owned(),
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| table.title(row)),
            )),
            false,
        ),
    ];
    for level_idx in 0..table.n_levels {
        let codes = rows.clone().map(|row| table.codes(row)[level_idx]);
        let codes = Arc::new(UInt16Array::from_iter_values(codes));
        columns.push((format!("code_{level_idx}"), codes, false));
    }
    let mut categories = ListBuilder::new(StringBuilder::new());
    let mut neighbours = ListBuilder::new(UInt32Builder::new());
    let mut distances = ListBuilder::new(Float32Builder::new());
    for row in rows.clone() {
        table
            .categories(row)
            .for_each(|name| categories.values().append_value(name));
        categories.append(true);
        for (item_idx, distance) in table.neighbours(row) {
            neighbours.values().append_value(*item_idx);
            distances.values().append_value(*distance);
        }
        neighbours.append(true);
        distances.append(true);
    }
    let popularity = rows.clone().map(|row| table.popularity(row));
    let durations = rows.clone().map(|row| table.duration_secs(row));
    let others: [(&str, ArrayRef, bool); 6] = [
        (
            "popularity",
            Arc::new(UInt32Array::from_iter_values(popularity)),
            false,
        ),
        ("categories", Arc::new(categories.finish()), false),
        (
            "author",
            texts(&|row| table.author(row).map(str::to_owned)),
            true,
        ),
        (
            "duration_secs",
            Arc::new(Float32Array::from_iter(durations)),
            true,
        ),
        ("neighbours", Arc::new(neighbours.finish()), false),
        ("distances", Arc::new(distances.finish()), false),
    ];
    columns.extend(others.map(|(name, column, may_lack)| (name.to_owned(), column, may_lack)));
    for (feature_idx, name) in table.feature_names().enumerate() {
        let column = texts(&|row| table.feature(feature_idx, row).map(str::to_owned));
        columns.push((format!("{FEATURE}{name}"), column, true));
    }
    RecordBatch::try_from_iter_with_nullable(columns)
}

/// Reads what [`save`] wrote.
pub(super) fn load(path: &Path) -> Result<ItemTable, EngineError> {
    let file = File::open(path).map_err(EngineError::io("read", path))?;
    decode(file).map_err(|found| EngineError::RunFolder {
        path: path.to_owned(),
        found: format!("the item table is damaged: {found}"),
    })
}

fn decode(file: File) -> Result<ItemTable, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| error.to_string())?
        .with_batch_size(ROWS);
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let codebook_size = metadata
        .into_iter()
        .flatten()
        .find(|entry| entry.key == CODEBOOK_SIZE)
        .and_then(|entry| entry.value.as_ref()?.parse().ok())
        .ok_or("it does not say how many codes a level has")?;
    let schema = Arc::clone(reader.schema());
    let n_levels = (0..)
        .take_while(|level_idx| {
            schema
                .column_with_name(&format!("code_{level_idx}"))
                .is_some()
        })
        .count();
    if n_levels == 0 {
        return Err("it has no codes".to_owned());
    }
    let features: Vec<&str> = schema
        .fields()
        .iter()
        .filter_map(|field| field.name().strip_prefix(FEATURE))
        .collect();
    let mut builder = ItemTableBuilder::new(n_levels, codebook_size);
    for batch in reader.build().map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        append(&mut builder, &batch, n_levels, &features)?;
    }
    Ok(builder.finish())
}

fn append(
    builder: &mut ItemTableBuilder,
    batch: &RecordBatch,
    n_levels: usize,
    features: &[&str],
) -> Result<(), String> {
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .ok_or(format!("no column {name}"))
    };
    let wrong = |name: &str| format!("column {name} is of another type");
    let texts = |name: &str| column(name)?.as_string_opt::<i32>().ok_or(wrong(name));
    let lists = |name: &str| column(name)?.as_list_opt::<i32>().ok_or(wrong(name));
    let external_ids = texts("external_id")?;
    let titles = texts("title")?;
    let authors = texts("author")?;
    let popularity = column("popularity")?
        .as_primitive_opt::<UInt32Type>()
        .ok_or(wrong("popularity"))?;
    let durations = column("duration_secs")?
        .as_primitive_opt::<Float32Type>()
        .ok_or(wrong("duration_secs"))?;
    let categories = lists("categories")?;
    let category_names = categories.values().as_string_opt::<i32>();
    let category_names = category_names.ok_or(wrong("categories"))?;
    let neighbours = lists("neighbours")?;
    let neighbour_items = neighbours.values().as_primitive_opt::<UInt32Type>();
    let neighbour_items = neighbour_items.ok_or(wrong("neighbours"))?;
    let distances = lists("distances")?;
    let neighbour_distances = distances.values().as_primitive_opt::<Float32Type>();
    let neighbour_distances = neighbour_distances.ok_or(wrong("distances"))?;
    if neighbours.offsets() != distances.offsets() {
        return Err("neighbours and distances do not belong together".to_owned());
    }
    let levels: Vec<&UInt16Array> = (0..n_levels)
        .map(|level_idx| {
            let name = format!("code_{level_idx}");
            column(&name)?
                .as_primitive_opt::<UInt16Type>()
                .ok_or(wrong(&name))
        })
        .collect::<Result<_, String>>()?;
    let feature_columns: Vec<&StringArray> = features
        .iter()
        .map(|name| texts(&format!("{FEATURE}{name}")))
        .collect::<Result<_, String>>()?;

    // One item is filled again and again: a new one per row would be a million small allocations.
    let mut item = Item::default();
    let mut codes: Vec<Code> = Vec::with_capacity(n_levels);
    for row in 0..batch.num_rows() {
        let optional = |column: &StringArray| -> Option<String> {
            (!column.is_null(row)).then(|| column.value(row).to_owned())
        };
        let range = |offsets: &[i32]| offsets[row] as usize..offsets[row + 1] as usize;
        item.external_id.clear();
        item.external_id.push_str(external_ids.value(row));
        item.title.clear();
        item.title.push_str(titles.value(row));
        item.categories.clear();
        let names = range(categories.value_offsets());
        item.categories
            .extend(names.map(|idx| category_names.value(idx).to_owned()));
        item.author = optional(authors);
        item.duration_secs = (!durations.is_null(row)).then(|| durations.value(row));
        item.features.clear();
        for (name, column) in features.iter().zip(&feature_columns) {
            let value = optional(column);
            item.features
                .extend(value.map(|value| ((*name).to_owned(), value)));
        }
        codes.clear();
        codes.extend(levels.iter().map(|level| level.value(row)));
        let near = range(neighbours.value_offsets());
        builder.push(
            &item,
            &codes,
            popularity.value(row),
            near.map(|idx| (neighbour_items.value(idx), neighbour_distances.value(idx))),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    /// Unknown lengths are NaN inside, which equals nothing; the text of a table tells them apart all the same.
    fn shown(table: &ItemTable) -> String {
        format!("{table:?}")
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.parquet");
        let table = example();
        table.save(&path).unwrap();
        assert_eq!(shown(&ItemTable::load(&path).unwrap()), shown(&table));
    }

    #[test]
    fn a_table_of_many_batches_keeps_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.parquet");
        let mut builder = ItemTableBuilder::new(1, 7);
        for number in 0..ROWS + 3 {
            let item = Item {
                external_id: number.to_string(),
                ..Item::default()
            };
            builder.push(&item, &[(number % 7) as Code], number as u32, []);
        }
        let table = builder.finish();
        table.save(&path).unwrap();
        let read = ItemTable::load(&path).unwrap();
        assert_eq!(read.len(), ROWS + 3);
        for row in [0, 1, ROWS - 1, ROWS, ROWS + 2] {
            assert_eq!(read.external_id(row), row.to_string());
            assert_eq!(read.codes(row), [(row % 7) as Code]);
        }
    }

    #[test]
    fn an_empty_table_and_damaged_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("items.parquet");
        let empty = ItemTableBuilder::new(3, 8).finish();
        empty.save(&path).unwrap();
        let read = ItemTable::load(&path).unwrap();
        assert_eq!((read.len(), read.n_levels, read.codebook_size), (0, 3, 8));

        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate(bytes.len() / 2);
        atomic::write(&path, &bytes).unwrap();
        let error = ItemTable::load(&path).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
        let error = ItemTable::load(&folder.path().join("absent")).unwrap_err();
        assert!(error.to_string().contains("read"), "{error}");
    }
}
