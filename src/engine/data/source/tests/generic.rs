//! The generic reader: forms of cells, mappings, errors.

use std::path::Path;

use super::common::{load_with, message, rows};
use crate::engine::data::config::DataConfig;
use crate::engine::data::interaction::NO_TIME;
use crate::engine::data::source::load;
use crate::engine::data::{DataError, Dataset, FeedbackFlags};
use crate::engine::error::Hint as _;

fn events(text: &str) -> Result<Dataset, DataError> {
    load_with(&[("events.csv", text.as_bytes())], &DataConfig::default())
}

#[test]
fn rows_are_sorted_by_user_then_time_then_file() {
    let dataset = events("user,item,time\nb,x,20\na,y,30\na,x,10\nb,z,20\n").unwrap();
    assert_eq!(
        rows(&dataset),
        [
            ("b", "x", 20_000),
            ("b", "z", 20_000),
            ("a", "x", 10_000),
            ("a", "y", 30_000)
        ]
    );
    assert_eq!(dataset.log.user_start, [0, 2, 4]);
}

#[test]
fn every_form_of_time_is_understood() {
    let dataset = events(
        "user;item;time\nu;a;1650882384\nu;b;1650882384975\nu;c;1650882385.5\nu;d;2022-04-25T10:39:46Z\nu;e;2022-04-26\n",
    )
    .unwrap();
    let times: Vec<i64> = dataset.log.time_millis.clone();
    assert_eq!(
        times,
        [
            1_650_882_384_000,
            1_650_882_384_975,
            1_650_882_385_500,
            1_650_883_186_000,
            1_650_931_200_000
        ]
    );
}

#[test]
fn an_order_column_or_else_the_file_gives_the_order() {
    let ordered = events("user\titem\torder\nu\tb\t2\nu\ta\t1\n").unwrap();
    assert_eq!(rows(&ordered), [("u", "a", NO_TIME), ("u", "b", NO_TIME)]);
    let plain = events("user,item\nu,b\nu,a\n").unwrap();
    assert_eq!(rows(&plain), [("u", "b", NO_TIME), ("u", "a", NO_TIME)]);
    assert!(
        plain
            .log
            .feedback
            .iter()
            .all(|shown| shown.flags.has(FeedbackFlags::VIEW))
    );
}

#[test]
fn a_mapping_finds_columns_and_ratings_become_views() {
    let mut config = DataConfig::default();
    for (ours, theirs) in [
        ("user", "userId"),
        ("item", "movieId"),
        ("time", "timestamp"),
    ] {
        config.columns.insert(ours.to_owned(), theirs.to_owned());
    }
    let text = b"userId,movieId,rating,timestamp\n1,10,4.0,100\n1,11,3.5,200\n";
    let dataset = load_with(&[("ratings.csv", text)], &config).unwrap();
    let views: Vec<bool> = dataset
        .log
        .feedback
        .iter()
        .map(|shown| shown.flags.has(FeedbackFlags::VIEW))
        .collect();
    assert_eq!(views, [true, false]);
    config
        .columns
        .insert("like".to_owned(), "thumbs".to_owned());
    let error = load_with(&[("ratings.csv", text)], &config).unwrap_err();
    assert!(
        matches!(&error, DataError::MissingColumn { column, .. } if column == "thumbs"),
        "{error}"
    );
}

#[test]
fn the_same_events_read_the_same_from_every_format() {
    let csv =
        b"user,item,time,watch_secs,view,like\nu,a,5,1.5,1,0\nu,b,6,,0,1\nw,a,7,3,true,false\n";
    let json = br#"{"user":"u","item":"a","time":5,"watch_secs":1.5,"view":true}
{"user":"u","item":"b","time":6,"watch_secs":null,"like":1}

{"user":"w","item":"a","time":7,"watch_secs":3,"view":1}"#;
    let from_csv = load_with(&[("events.csv", csv)], &DataConfig::default()).unwrap();
    let from_json = load_with(&[("events.jsonl", json)], &DataConfig::default()).unwrap();
    assert_eq!(from_csv.fingerprint, from_json.fingerprint);
    let other =
        b"user,item,time,watch_secs,view,like\nu,a,5,1.5,1,1\nu,b,6,,0,1\nw,a,7,3,true,false\n";
    let changed = load_with(&[("events.csv", other)], &DataConfig::default()).unwrap();
    assert_ne!(from_csv.fingerprint, changed.fingerprint, "one like more");
}

#[test]
fn items_bring_text_categories_and_features() {
    let items = "item,title,categories,author,duration_secs,colour\na,\"猫, cat\",pets|cats,Ann,12.5,red\nc,Never shown,,,,\n";
    let dataset = load_with(
        &[
            ("items.csv", items.as_bytes()),
            ("log.csv", b"user,item\nu,a\nu,b\n"),
        ],
        &DataConfig::default(),
    )
    .unwrap();
    let item = &dataset.catalog.items[0];
    assert_eq!(
        (item.title.as_str(), item.author.as_deref()),
        ("猫, cat", Some("Ann"))
    );
    assert_eq!(
        (item.categories.clone(), item.duration_secs),
        (vec!["pets".into(), "cats".into()], Some(12.5))
    );
    assert_eq!(item.features, [("colour".to_owned(), "red".to_owned())]);
    let ids: Vec<&str> = dataset
        .catalog
        .items
        .iter()
        .map(|item| item.external_id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["a", "c", "b"],
        "items of the file first, then those of events"
    );
}

#[test]
fn errors_say_what_was_expected_what_was_found_and_where() {
    let error = events("user,item,time\nu,a,1\nu,b,n/a\n").unwrap_err();
    assert_eq!(
        message(&error),
        "could not read column \"time\": expected a time in seconds or milliseconds since 1970, or a date, found \
         \"n/a\" (line 3"
    );
    assert!(error.hint().unwrap().contains("skip_bad_rows"));
    for (text, part) in [
        (
            "user,item,view\nu,a,maybe\n",
            "column \"view\": expected 0 or 1, found \"maybe\" (line 2",
        ),
        (
            "user,item,watch_secs\nu,a,-3\n",
            "expected a number from 0 to 1e12, found \"-3\"",
        ),
        (
            "user,item,watch_secs\nu,a,1e999\n",
            "expected a number, found \"1e999\"",
        ),
        (
            "user,item,view\r\nu,a,1\r\nu,a,maybe\r\n",
            "found \"maybe\" (line 3",
        ),
        (
            "user,item\r\nu,a\r\nu\r\n",
            "1 cells where the header has 2 (line 3",
        ),
        (
            "user,item\nu,\n",
            "column \"item\": expected an identifier, found \"\"",
        ),
        (
            "user,item,order\nu,a,99999999999999999999\n",
            "expected an integer",
        ),
        (
            "user,item\nu,a,3\n",
            "3 cells where the header has 2 (line 2",
        ),
        ("user,item,user\nu,a,u\n", "two columns are called \"user\""),
        (
            "user,title\nu,a\n",
            "could not find column \"item\": the file has [\"user\", \"title\"]",
        ),
        ("", "no header line"),
        ("user,item\n", "no event could be read"),
    ] {
        let found = events(text).unwrap_err().to_string();
        assert!(found.contains(part), "{text:?} gave {found}");
    }
    let error = load_with(
        &[("events.csv", b"user,item\nu,\xff\xfe\n")],
        &DataConfig::default(),
    );
    assert!(message(&error.unwrap_err()).contains("not UTF-8 in cell 2 (line 2"));
    let error = load_with(
        &[("events.jsonl", b"{\"user\":1,\"item\":2}\n{\"user\":")],
        &DataConfig::default(),
    );
    assert!(message(&error.unwrap_err()).contains("as JSON Lines"));
    let error = load_with(&[("notes.md", b"hello")], &DataConfig::default()).unwrap_err();
    assert!(message(&error).ends_with("found notes.md"), "{error}");
    let error = load(Path::new("no such folder"), &DataConfig::default()).unwrap_err();
    assert!(matches!(error, DataError::Io { .. }), "{error}");
}

#[test]
fn bad_rows_can_be_left_out_and_are_counted() {
    let config = DataConfig {
        skip_bad_rows: true,
        ..DataConfig::default()
    };
    let dataset = load_with(
        &[(
            "events.csv",
            b"user,item,time\nu,a,1\nu,b,x\nu,c\nu,d,4\nv,\xff,5\n",
        )],
        &config,
    )
    .unwrap();
    assert_eq!(rows(&dataset), [("u", "a", 1000), ("u", "d", 4000)]);
    assert_eq!(dataset.warnings.len(), 1);
    assert!(
        dataset.warnings[0].starts_with("3 of 5 rows of events.csv cannot be read; the first: ")
    );
    assert_eq!(
        dataset.users,
        ["u"],
        "a user with bad rows only does not exist"
    );
}

#[test]
fn a_table_of_users_gives_categories() {
    let dataset = load_with(
        &[
            ("events.csv", b"user,item\na,x\nb,x\nc,x\n"),
            ("users.csv", b"age,user,town\n30,b,Ulm\n20,a,\n"),
        ],
        &DataConfig::default(),
    )
    .unwrap();
    let age = &dataset.user_columns[0];
    assert_eq!(
        (age.name.as_str(), age.of_user.as_slice()),
        ("age", &[2, 1, 0][..])
    );
    assert_eq!(age.values, ["30", "20"]);
    assert_eq!(dataset.user_columns.len(), 1, "all towns are one");
    let without = events("user,item\na,x\nb,x\nc,x\n").unwrap();
    assert_ne!(dataset.fingerprint, without.fingerprint);
}
