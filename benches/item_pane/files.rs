//! Writing and reading the item table, as Parquet and as JSON with one object per item.

use std::path::Path;
use std::time::Instant;

use onerec_workbench::engine::data::Item;
use onerec_workbench::engine::run::atomic;
use onerec_workbench::engine::run::items::ItemTable;
use onerec_workbench::engine::run::memory::current_bytes;
use onerec_workbench::engine::tokenizer::Code;
use serde::{Deserialize, Serialize};

/// The form that the table would have as JSON.
#[derive(Serialize, Deserialize)]
struct JsonTable {
    rows: Vec<JsonRow>,
}

#[derive(Serialize, Deserialize)]
struct JsonRow {
    item: Item,
    codes: Vec<Code>,
    popularity: u32,
    neighbours: Vec<(u32, f32)>,
}

pub(crate) fn files(table: &ItemTable) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("items.parquet");
    time("Parquet", "written", &path, || Ok(table.save(&path)?))?;
    time("Parquet", "read", &path, || Ok(ItemTable::load(&path)?))?;
    let rows = (0..table.len())
        .map(|row| JsonRow {
            item: Item {
                external_id: table.external_id(row).to_owned(),
                title: table.title(row).to_owned(),
                categories: table.categories(row).map(str::to_owned).collect(),
                author: table.author(row).map(str::to_owned),
                duration_secs: table.duration_secs(row),
                features: table
                    .feature_names()
                    .enumerate()
                    .filter_map(|(idx, name)| {
                        Some((name.to_owned(), table.feature(idx, row)?.to_owned()))
                    })
                    .collect(),
                text: String::new(),
            },
            codes: table.codes(row).to_vec(),
            popularity: table.popularity(row),
            neighbours: Vec::new(),
        })
        .collect();
    let path = folder.path().join("items.json");
    let json = JsonTable { rows };
    time("JSON", "written", &path, || {
        Ok(atomic::write_json(&path, &json)?)
    })?;
    drop(json);
    time("JSON", "read", &path, || {
        let json: JsonTable = serde_json::from_slice(&std::fs::read(&path)?)?;
        Ok(json)
    })?;
    Ok(())
}

/// Does something with a file and tells how long it took and what its result holds in memory.
fn time<T>(
    form: &str,
    done: &str,
    path: &Path,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<()> {
    let before = current_bytes();
    let start = Instant::now();
    let result = work()?;
    let seconds = start.elapsed().as_secs_f64();
    let held = current_bytes().saturating_sub(before) / 1_000_000;
    let size = std::fs::metadata(path)?.len() / 1_000_000;
    println!("{form} of {size} MB {done} in {seconds:.2} s, {held} MB more in memory");
    drop(result);
    Ok(())
}
