//! MiniOneRec's tables of histories and targets.

use super::common::{item, load_with, rows};
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;

const HEAD: &str =
    "user_id,history_item_title,item_title,history_item_id,item_id,history_item_sid,item_sid\n";

#[test]
fn histories_and_targets_become_a_log_again() {
    let train = format!(
        "{HEAD}A22,\"['Glue, strong']\",Base,[117],118,['<a_1>'],<a_2>\nA22,\"['Glue', 'Base']\",Tape,\"[117, 118]\",5,x,y\n"
    );
    let test = format!("{HEAD}A22,x,Pen,\"[118, 5]\",9,x,y\nA3,x,Pen,\"['5']\",9,x,y\n");
    let files: [(&str, &[u8]); 4] = [
        ("train/Office.csv", train.as_bytes()),
        ("test/Office.csv", test.as_bytes()),
        (
            "index/Office.item.json",
            br#"{"117": {"title": "Glue, strong"}}"#,
        ),
        ("index/Office.index.json", br#"{"117": ["<a_1>"]}"#),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    assert_eq!(dataset.format, "MiniOneRec");
    let expected = [
        ("A22", "117"),
        ("A22", "118"),
        ("A22", "5"),
        ("A22", "9"),
        ("A3", "5"),
        ("A3", "9"),
    ];
    assert_eq!(
        rows(&dataset),
        expected.map(|(user, item)| (user, item, NO_TIME))
    );
    assert_eq!(item(&dataset, "117").title, "Glue, strong");
}

#[test]
fn a_history_that_is_no_list_is_refused() {
    let text = format!("{HEAD}A1,x,y,[1; 2],3,x,y\n");
    let error = load_with(&[("train.csv", text.as_bytes())], &DataConfig::default()).unwrap_err();
    let found = error.to_string();
    assert!(
        found.contains("column \"history_item_id\": expected a list of items, as in [3, 17], found \"[1; 2]\" (line 2"),
        "{found}"
    );
}
