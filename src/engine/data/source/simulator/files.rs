//! Writes a simulated dataset in the layout of the generic reader: `events`, `items`, and the oracle beside them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Serialize;
use serde_json::json;

use super::super::super::{DataError, FeedbackFlags, Item};
use super::journey::{Impression, Journey};
use super::world::World;
use super::{Oracle, SimulationKind, SimulatorConfig};
use crate::engine::seed::Seed;

/// The oracle's file inside the folder.
pub(in super::super) const ORACLE_FILE: &str = "oracle.safetensors";

/// How the dataset was made; for people, and to make it again.
#[derive(Serialize)]
struct Recipe<'a> {
    seed: Seed,
    simulator: &'a SimulatorConfig,
}

/// Writes all files and returns their names and sizes.
pub(super) fn write(
    world: &World,
    journeys: &[Journey],
    config: &SimulatorConfig,
    seed: Seed,
    folder: &Path,
) -> Result<Vec<(String, u64)>, DataError> {
    let users: Vec<String> = (0..journeys.len())
        .map(|idx| format!("u{idx:04}"))
        .collect();
    let ids = world.contents.iter().map(|item| item.external_id.clone());
    let oracle = Oracle::new(
        world.factors.clone(),
        journeys
            .iter()
            .map(|journey| journey.moment.clone())
            .collect(),
        world.laws,
    );
    let recipe = toml::to_string(&Recipe {
        seed,
        simulator: config,
    })
    .expect("a recipe is plain data and always serialises");
    let (events_name, events) = match config.kind {
        SimulationKind::ShortVideo => ("events.parquet", parquet_of(journeys, &users, world)),
        SimulationKind::Catalogue => ("events.csv", csv_of(journeys, &users, world)),
    };
    let contents = [
        (events_name, events),
        ("items.jsonl", items_of(&world.contents)),
        (ORACLE_FILE, oracle.to_bytes(ids.collect(), users)),
        ("simulator.toml", recipe.into_bytes()),
    ];

    let failed = |source| DataError::Write {
        path: folder.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(DataError::Simulator {
            found: format!("the folder {folder:?} is not empty"),
        });
    }
    let mut files = Vec::new();
    for (name, bytes) in contents {
        std::fs::File::create_new(folder.join(name))
            .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
            .map_err(failed)?;
        files.push((name.to_owned(), bytes.len() as u64));
    }
    Ok(files)
}

/// The impressions that the log holds: a catalogue's shop knows what was bought, not what was seen.
pub(super) fn events_of(
    journey: &Journey,
    kind: SimulationKind,
) -> impl Iterator<Item = &Impression> {
    journey.impressions.iter().filter(move |shown| {
        kind == SimulationKind::ShortVideo || shown.flags.has(FeedbackFlags::VIEW)
    })
}

fn parquet_of(journeys: &[Journey], users: &[String], world: &World) -> Vec<u8> {
    let rows: Vec<(&str, &Impression)> = journeys
        .iter()
        .zip(users)
        .flat_map(|(journey, user)| {
            events_of(journey, SimulationKind::ShortVideo).map(move |shown| (user.as_str(), shown))
        })
        .collect();
    let flag = |kind: FeedbackFlags| -> ArrayRef {
        let values: Vec<bool> = rows
            .iter()
            .map(|(_, shown)| shown.flags.has(kind))
            .collect();
        Arc::new(BooleanArray::from(values))
    };
    let items = rows
        .iter()
        .map(|(_, shown)| world.contents[shown.item as usize].external_id.as_str());
    let columns: [(&str, ArrayRef); 9] = [
        (
            "user",
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|(user, _)| user),
            )),
        ),
        ("item", Arc::new(StringArray::from_iter_values(items))),
        (
            "time",
            Arc::new(Int64Array::from_iter_values(
                rows.iter().map(|(_, shown)| shown.time_millis),
            )),
        ),
        (
            "request",
            Arc::new(UInt32Array::from_iter_values(
                rows.iter().map(|(_, shown)| shown.request),
            )),
        ),
        (
            "watch_secs",
            Arc::new(Float32Array::from_iter_values(
                rows.iter().map(|(_, shown)| shown.watch_secs),
            )),
        ),
        ("view", flag(FeedbackFlags::VIEW)),
        ("like", flag(FeedbackFlags::LIKE)),
        ("follow", flag(FeedbackFlags::FOLLOW)),
        ("dislike", flag(FeedbackFlags::DISLIKE)),
    ];
    const WRITES_TO_MEMORY: &str = "columns of equal length are written into memory";
    let batch = RecordBatch::try_from_iter(columns).expect(WRITES_TO_MEMORY);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(9).expect("9 is a level of zstd"),
        ))
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect(WRITES_TO_MEMORY);
    writer.write(&batch).expect(WRITES_TO_MEMORY);
    writer.close().expect(WRITES_TO_MEMORY);
    bytes
}

fn csv_of(journeys: &[Journey], users: &[String], world: &World) -> Vec<u8> {
    let mut text = "user,item,order\n".to_owned();
    for (journey, user) in journeys.iter().zip(users) {
        for (order, shown) in events_of(journey, SimulationKind::Catalogue).enumerate() {
            let item = &world.contents[shown.item as usize].external_id;
            writeln!(text, "{user},{item},{order}").expect("writing to a String never fails");
        }
    }
    text.into_bytes()
}

fn items_of(items: &[Item]) -> Vec<u8> {
    let mut text = String::new();
    for item in items {
        let mut object = json!({
            "item": item.external_id,
            "title": item.title,
            "categories": item.categories,
            "author": item.author,
        });
        if !item.text.is_empty() {
            object["text"] = json!(item.text);
        }
        if let Some(secs) = item.duration_secs {
            object["duration_secs"] = json!(secs);
        }
        for (name, value) in &item.features {
            object[name] = json!(value);
        }
        writeln!(text, "{object}").expect("writing to a String never fails");
    }
    text.into_bytes()
}
