//! MiniOneRec's tables of histories and targets.

use super::common::{folder, item, load_with, rows};
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::source::load;

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
fn several_datasets_in_one_folder_are_told_apart() {
    let row = |user: &str| format!("{HEAD}{user},x,y,[1],2,x,y\n");
    let (office, toys) = (row("A1"), row("A2"));
    let later = row("A1").replace("[1],2", "\"[1, 2]\",3");
    let files: [(&str, &[u8]); 5] = [
        ("train/Office_5.csv", office.as_bytes()),
        ("test/Office_5.csv", later.as_bytes()),
        ("train/Toys_5.csv", toys.as_bytes()),
        ("index/Office.item.json", br#"{"1": "stapler"}"#),
        ("index/Toys.item.json", br#"{"1": "bear"}"#),
    ];
    let folder = folder(&files);
    let error = load(folder.path(), &DataConfig::default()).unwrap_err();
    let found = error.to_string();
    assert!(
        found.contains("expected files of one dataset")
            && found.contains("office_5.csv, toys_5.csv"),
        "{found}"
    );
    let one = load(
        &folder.path().join("train/Office_5.csv"),
        &DataConfig::default(),
    )
    .unwrap();
    assert_eq!(
        rows(&one),
        [
            ("A1", "1", NO_TIME),
            ("A1", "2", NO_TIME),
            ("A1", "3", NO_TIME)
        ]
    );
    assert_eq!(item(&one, "1").title, "stapler");
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
