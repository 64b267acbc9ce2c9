//! The rows and columns that the table shows, as CSV and as JSON.

use serde_json::{Map, Value};

use super::column::ItemColumn;
use super::index::ItemIndex;
use crate::app::latest::Stale;
use crate::engine::run::items::ItemTable;

/// A format of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExportFormat {
    /// One line per item, as shown.
    Csv,
    /// A list of objects: numbers are numbers, semantic IDs and categories are lists.
    Json,
}

impl ExportFormat {
    /// The file name that is offered.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "items.csv",
            Self::Json => "items.json",
        }
    }

    /// The items as text; nothing once it is out of date.
    pub(super) fn write(
        self,
        table: &ItemTable,
        index: &ItemIndex,
        items: &[u32],
        columns: &[ItemColumn],
        stale: &Stale,
    ) -> Option<String> {
        let is_wanted = |row: usize| !row.is_multiple_of(4096) || !stale.is_stale();
        let bytes = match self {
            Self::Csv => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                let header = columns.iter().map(|column| column.name(table));
                writer.write_record(header).ok()?;
                for (row, item_idx) in items.iter().enumerate() {
                    if !is_wanted(row) {
                        return None;
                    }
                    let cells = columns
                        .iter()
                        .map(|column| cell(*column, table, index, *item_idx));
                    writer.write_record(cells).ok()?;
                }
                writer.into_inner().ok()?
            }
            Self::Json => {
                let mut bytes = b"[".to_vec();
                for (row, item_idx) in items.iter().enumerate() {
                    if !is_wanted(row) {
                        return None;
                    }
                    bytes.extend(if row == 0 { "\n" } else { ",\n" }.as_bytes());
                    let object: Map<String, Value> = columns
                        .iter()
                        .map(|column| {
                            let name = column.name(table).to_owned();
                            (name, value(*column, table, index, *item_idx))
                        })
                        .collect();
                    serde_json::to_writer(&mut bytes, &object).ok()?;
                }
                bytes.extend(b"\n]\n");
                bytes
            }
        };
        String::from_utf8(bytes).ok()
    }
}

/// A cell as shown, but for numbers, which stay readable by other programs.
fn cell(column: ItemColumn, table: &ItemTable, index: &ItemIndex, item_idx: u32) -> String {
    if column.is_number() {
        let number = column.number(table, index, item_idx);
        return number.map_or_else(String::new, |number| number.to_string());
    }
    match value(column, table, index, item_idx) {
        Value::Null => String::new(),
        _ => column.text(table, index, item_idx),
    }
}

fn value(column: ItemColumn, table: &ItemTable, index: &ItemIndex, item_idx: u32) -> Value {
    let row = item_idx as usize;
    match column {
        ItemColumn::SemanticId => table.codes(row).into(),
        ItemColumn::Categories => table.categories(row).collect(),
        ItemColumn::Author => table.author(row).into(),
        ItemColumn::Feature(idx) => table.feature(idx, row).into(),
        ItemColumn::Popularity => table.popularity(row).into(),
        ItemColumn::Sharing => index.n_sharing[row].into(),
        ItemColumn::Length => table.duration_secs(row).into(),
        ItemColumn::Title | ItemColumn::Id => column.text(table, index, item_idx).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::tests::table;
    use super::*;

    fn written(format: ExportFormat) -> String {
        let table = table();
        let index = ItemIndex::new(&table);
        let columns = [
            ItemColumn::Title,
            ItemColumn::SemanticId,
            ItemColumn::Popularity,
            ItemColumn::Categories,
            ItemColumn::Author,
        ];
        format
            .write(&table, &index, &[2, 0], &columns, &Stale::never())
            .unwrap()
    }

    #[test]
    fn csv_holds_what_is_shown() {
        assert_eq!(
            written(ExportFormat::Csv),
            "Title,Semantic ID,Popularity,Categories,Author\n\
             blue,<a_2><b_3><c_4>,20,\"film, blue things\",\n\
             red,<a_2><b_3><c_4>,10,\"film, red things\",Ann\n"
        );
    }

    #[test]
    fn json_keeps_types() {
        let items: Value = serde_json::from_str(&written(ExportFormat::Json)).unwrap();
        assert_eq!(items[0]["Semantic ID"], serde_json::json!([2, 3, 4]));
        assert_eq!(
            items[1]["Categories"],
            serde_json::json!(["film", "red things"])
        );
        assert_eq!(items[0]["Popularity"], 20);
        assert_eq!(items[0]["Author"], Value::Null);
        let table = table();
        let none = ExportFormat::Json
            .write(&table, &ItemIndex::new(&table), &[], &[], &Stale::never())
            .unwrap();
        assert_eq!(none, "[\n]\n");
    }
}
