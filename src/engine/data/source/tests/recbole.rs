//! RecBole's atomic files.

use super::common::{item, load_with, rows, viewed};
use crate::engine::data::config::DataConfig;

#[test]
fn atomic_files_give_events_and_items() {
    let files: [(&str, &[u8]); 3] = [
        (
            "ml.inter",
            b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n196\t302\t5\t881250950.0\n",
        ),
        (
            "ml.item",
            b"item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n242\tKolya \"the\" boy\t1996\tComedy War\n",
        ),
        ("ml.user", b"user_id:token\tage:token\n196\t49\n"),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    assert_eq!(dataset.format, "RecBole");
    assert_eq!(
        rows(&dataset),
        [
            ("196", "242", 881_250_949_000),
            ("196", "302", 881_250_950_000)
        ]
    );
    assert_eq!(viewed(&dataset), [("196", "302")]);
    let film = item(&dataset, "242");
    assert_eq!(film.title, "Kolya \"the\" boy", "quotes are characters");
    assert_eq!(film.categories, ["Comedy", "War"]);
    assert_eq!(
        film.features,
        [("release_year".to_owned(), "1996".to_owned())]
    );
}

#[test]
fn split_files_with_histories_become_a_log_again() {
    let head = "session_id:token\titem_id_list:token_seq\titem_id:token\n";
    let (test, train) = (
        format!("{head}1\t8 9 5\t6\n"),
        format!("{head}1\t8 9\t5\n2\t9\t8\n"),
    );
    let files = [
        ("a.test.inter", test.as_bytes()),
        ("a.train.inter", train.as_bytes()),
    ];
    let dataset = load_with(&files, &DataConfig::default()).unwrap();
    let items: Vec<(&str, &str)> = rows(&dataset)
        .into_iter()
        .map(|(user, item, _)| (user, item))
        .collect();
    assert_eq!(
        items,
        [
            ("1", "8"),
            ("1", "9"),
            ("1", "5"),
            ("1", "6"),
            ("2", "9"),
            ("2", "8")
        ]
    );
}

#[test]
fn two_datasets_in_one_folder_are_refused() {
    let text: &[u8] = b"user_id:token\titem_id:token\n1\t2\n";
    let error = load_with(
        &[("ml.inter", text), ("lfm.inter", text)],
        &DataConfig::default(),
    );
    let found = error.unwrap_err().to_string();
    assert!(found.contains("found lfm, ml"), "{found}");
}

#[test]
fn a_missing_field_is_named() {
    let text = b"user_id:token\titem:token\n1\t2\n";
    let error = load_with(&[("a.inter", text)], &DataConfig::default()).unwrap_err();
    let found = error.to_string();
    assert!(
        found.contains("could not find column \"item_id\": the file has [\"user_id\", \"item\"]"),
        "{found}"
    );
}
